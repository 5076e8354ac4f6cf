"""Simulators, one a file: the full ones, and reductions that are exact in law."""
