"""Zhai et al. (2023): entropy collapse, bounds on the entropy of a row (ENT-9, ENT-10)."""
