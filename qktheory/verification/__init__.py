"""Comparing predictions with estimates: verdicts on claims, comparisons on Ensembles."""
