"""How much attention stretches distances: Castin, Ablin, Peyre (2024)."""
