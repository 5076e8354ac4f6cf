"""Spectral laws, one file each; every file registers itself in `qktheory.spectra.law.LAWS`."""
