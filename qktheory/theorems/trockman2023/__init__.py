"""Mimetic initialisation: Trockman and Kolter (2023)."""
