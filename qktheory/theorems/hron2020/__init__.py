"""Many random heads: Hron et al. (2020)."""
