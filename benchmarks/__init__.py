"""Measurements against peers, each peer timed in the same run on the same machine."""
