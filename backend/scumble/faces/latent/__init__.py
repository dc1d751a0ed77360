"""Editing a face through the latents of a model of faces, as the Neural Photo Editor does."""
