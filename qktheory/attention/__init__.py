"""Attention: scores, temperature, normalisers, masks."""
