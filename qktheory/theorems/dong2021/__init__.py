"""Dong, Cordonnier, Loukas (2021): rank collapse of attention (RANK-1 to 5, 7, 8, 11)."""
