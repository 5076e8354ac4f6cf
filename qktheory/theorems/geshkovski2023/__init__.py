"""Tokens as particles on the sphere: Geshkovski et al. (2023)."""
