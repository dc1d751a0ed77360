"""Face editing: finding faces, the latent brush, completion from a sketch."""
