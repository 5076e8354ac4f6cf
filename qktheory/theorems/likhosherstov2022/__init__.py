"""Positive features of least variance."""
