"""Boundaries of phases, one a file: lines that claims draw into planes of two axes."""
