"""Giorlandino and Goldt (2025): simplex tokens, depth and trainability (ENT-13, 15, 16)."""
