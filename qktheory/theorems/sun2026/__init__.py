"""Attention sinks and massive activations: Sun et al. (2026)."""
