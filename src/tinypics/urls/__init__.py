"""Addresses of outputs, and the markup that shows them."""
