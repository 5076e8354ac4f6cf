"""Ensembles, simulators, the engine that runs them, and estimates with their guarantees."""
