"""Linear attention heads as a convex program: Sahiner et al. (2022)."""
