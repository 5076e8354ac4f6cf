"""Specifications of the ground floor."""
