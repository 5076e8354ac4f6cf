"""Token laws: Gaussian tokens of every covariance, walks, clouds, spheres, given matrices."""
