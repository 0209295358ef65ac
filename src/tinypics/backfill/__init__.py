"""Backfills of existing pictures: count, estimate, work and report."""
