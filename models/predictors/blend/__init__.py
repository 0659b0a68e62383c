"""The blend: linear models, networks, the memory of known artists, and boosted trees that weigh them all."""
