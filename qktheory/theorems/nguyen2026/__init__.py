"""Gated attention as a hierarchical mixture of experts: Nguyen et al. (2026)."""
