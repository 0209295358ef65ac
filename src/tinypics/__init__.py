"""Right renditions of any picture: `tinypics.resize(data, "128x128")`."""

__version__ = "0.1.0"
