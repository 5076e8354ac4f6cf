"""Factorised attention by polynomials of the scores."""
