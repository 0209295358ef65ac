"""The image core: bytes in, bytes out, without I/O."""
