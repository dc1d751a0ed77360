"""Painted style: strokes of a painting quilted over a picture, or Gatys' descent."""
