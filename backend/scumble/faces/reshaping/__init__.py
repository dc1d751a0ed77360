"""Another person out of the same photograph: features of another shape, with the photograph's own skin, eyes and hair."""
