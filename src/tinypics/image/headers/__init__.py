"""The facts of a file, read from its bytes without a decoder; a module for each format."""
