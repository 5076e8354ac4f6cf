"""Shaped attention: Noci et al. (2023)."""
