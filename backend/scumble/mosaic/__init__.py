"""Restoring mosaics: finding the cells, the network, the operation."""
