"""Readers of published inpainting weights, and what makes one callable out of each network."""
