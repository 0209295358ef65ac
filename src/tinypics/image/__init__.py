"""Bytes in, bytes out: pictures are read, resized and written. Nothing here does I/O."""
