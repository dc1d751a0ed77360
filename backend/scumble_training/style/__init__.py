"""The trainer of the feature network."""
