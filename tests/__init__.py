"""Specifications of the package, one folder a room."""
