"""Wu et al. (2024): attention masks and rank collapse (RANK-6)."""
