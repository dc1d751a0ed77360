"""The trainer of the network that restores mosaics."""
