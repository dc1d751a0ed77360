"""Inpainting: the operation, its methods and holes, its networks and the readers of their weights."""
