"""Sweeps: grids of experiments, run so that nothing is lost, and their results."""
