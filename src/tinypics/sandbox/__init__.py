"""Decoding in a worker process that holds no credentials."""
