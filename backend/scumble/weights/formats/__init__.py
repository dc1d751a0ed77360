"""Readers of file formats in which weights are published."""
