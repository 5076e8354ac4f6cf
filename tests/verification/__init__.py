"""Specifications of the room `verification`."""
