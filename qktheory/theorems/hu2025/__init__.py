"""Softmax attention as an interpolator: Hu et al. (2025)."""
