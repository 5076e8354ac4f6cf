"""Scores over d instead of its root: Yang et al. (2022)."""
