"""What random ReLU attention learns: its kernels."""
