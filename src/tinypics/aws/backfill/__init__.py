"""The steps of the backfill workflow."""
