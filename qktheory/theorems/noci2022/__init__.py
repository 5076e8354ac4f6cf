"""Cosines and gradients of transformers at initialisation: Noci et al. (2022), and beyond."""
