"""Symbols and formulas: the SymPy side of every claim."""
