"""Normalisers, one a file: how a row of logits becomes a row of weights."""
