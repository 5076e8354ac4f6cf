"""Cosines of tokens through depth: around Cowsik et al. (2024)."""
