"""Specifications of qktheory.spectra."""
