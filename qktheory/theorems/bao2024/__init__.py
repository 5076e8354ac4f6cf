"""Attention localization through the QK eigenspectrum, after Bao, Hataya and Karakida (2024)."""
