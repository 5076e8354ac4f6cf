"""How much attention stretches distances: Castin et al. (2024), Kim et al. (2021)."""
