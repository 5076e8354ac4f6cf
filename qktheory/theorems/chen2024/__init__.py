"""Induction heads in the limit of training: Chen et al. (2024)."""
