"""The rank of an attention head and the nearest-neighbour task."""
