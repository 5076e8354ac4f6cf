"""Softmax rows with Gaussian logits and the Random Energy Model (ENT-0 to ENT-8, 12, 14)."""
