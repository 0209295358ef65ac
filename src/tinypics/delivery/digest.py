"""Short names for long texts."""

from __future__ import annotations

try:
    # What `hashlib` gives for BLAKE2, too, but without OpenSSL, which takes 4 ms of a cold start to load.
    from _blake2 import blake2b
except ImportError:  # another interpreter than CPython
    from hashlib import blake2b

_BYTES = 8


def digest(text: str) -> str:
    """16 hexadecimal digits (64 bits of BLAKE2b) that differ when the text does."""
    return blake2b(text.encode(), digest_size=_BYTES).hexdigest()
