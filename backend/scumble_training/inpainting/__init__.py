"""Trainers of the inpainting networks."""
