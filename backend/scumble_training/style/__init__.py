"""Trainers of the feature network, and of the network that paints in a style."""
