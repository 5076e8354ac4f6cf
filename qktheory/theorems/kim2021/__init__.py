"""Kim, Papamakarios, Mnih (2021): the Lipschitz constant of self-attention."""
