"""Matrices with prescribed spectra and the free probability of their laws (SPEC-1 to SPEC-13)."""
