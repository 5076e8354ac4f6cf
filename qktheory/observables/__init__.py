"""Observables: named functionals of a draw of attention, with their ranges."""
