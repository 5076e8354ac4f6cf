"""Recall with a bounded state: around Liao et al. (2026)."""
