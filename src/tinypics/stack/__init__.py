"""A deployed stack, on AWS or on the laptop: its clients, outputs, executions and backfills."""
