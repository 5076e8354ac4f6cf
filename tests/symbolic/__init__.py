"""Specifications of the room `symbolic`."""
