"""A network as one operator that depends on its input: Atad et al. (2026)."""
