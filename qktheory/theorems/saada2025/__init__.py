"""Random matrices of attention at initialisation: Saada, Naderi and Tanner (2025) and beyond."""
