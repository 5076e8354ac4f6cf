"""Ding et al. (2020): doubly normalised attention, and Sinkhorn's (RANK-10)."""
