"""Gradients of queries, keys and values: Tomihari and Sato (2025)."""
