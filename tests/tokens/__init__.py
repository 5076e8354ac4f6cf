"""Specifications of qktheory.tokens."""
