"""Adapters to Lambda, Step Functions and the events of S3."""
