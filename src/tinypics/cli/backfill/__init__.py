"""tinypics backfill and retry: by the deployed stack, or by this machine."""
