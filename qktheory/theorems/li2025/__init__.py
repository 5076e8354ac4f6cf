"""Gated linear attention as weighted gradient descent: Li et al. (2025)."""
