"""Random-feature attention with trigonometric features: signs of the denominator."""
