"""Random features of the softmax kernel (Performers): errors, orthogonality, the QK spectrum."""
