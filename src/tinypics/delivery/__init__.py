"""One unit of work, from a request to its outputs in the store."""
