"""Spectra and QK matrices: laws of eigenvalues, Haar rotations, models of W."""
