"""Commands about single pictures of a stack."""
