"""Figures of the presets, one a file."""
