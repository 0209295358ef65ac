"""Buckets held against each other, and put right."""
