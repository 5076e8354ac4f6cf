"""Specifications of the room `simulation`."""
