"""Putting the plugins into the editors, checking them, and taking them out again."""
