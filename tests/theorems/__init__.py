"""Specifications of the room `theorems`."""
