"""Decoding in a process of its own, which holds no credentials."""
