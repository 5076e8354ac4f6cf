"""Shi et al. (2022): over-smoothing in the Frobenius norm, with LayerNorm (RANK-9)."""
