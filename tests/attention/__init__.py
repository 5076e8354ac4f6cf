"""Specifications of the room `attention`."""
