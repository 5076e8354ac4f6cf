"""Theory-simulation toolkit for self-attention at initialisation."""

__version__ = "0.1.0"
