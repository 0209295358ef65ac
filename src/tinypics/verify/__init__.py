"""Checking and repairing the outputs of a whole bucket."""
