"""Attention as a support vector machine: Tarzanagh et al. (2023) and mirror descent."""
