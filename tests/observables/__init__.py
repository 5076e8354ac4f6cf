"""Specifications of the room `observables`."""
