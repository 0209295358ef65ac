"""Header parsers: the facts of a file without a decoder, one module per format."""
