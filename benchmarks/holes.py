"""Seeded free-form holes, as artists make them: brush strokes, the blob of an object, thin scratches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

KINDS = ("strokes", "object", "scratches", "mixed")


def make_hole(height: int, width: int, kind: str, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A (height, width) hole of one of `KINDS`; its size scales with the picture, and it covers about 3 to 20 %."""
    if kind == "mixed":
        return make_hole(height, width, "object", rng) | make_hole(height, width, "scratches", rng)
    if kind == "object":
        return _blob(height, width, rng)
    side = max(height, width)
    count, thick, length = (
        ((4, 9), (0.02, 0.06), (0.15, 0.5)) if kind == "strokes" else ((6, 14), (0.004, 0.012), (0.2, 0.7))
    )
    canvas = Image.new("L", (width, height))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(*count))):
        _stroke(draw, rng, width, height, side * rng.uniform(*thick), side * rng.uniform(*length))
    return np.asarray(canvas) > 0


def _stroke(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, width: int, height: int, thickness: float, length: float
) -> None:
    position = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    angle = rng.uniform(0, 2 * np.pi)
    step = length / 12
    radius = thickness / 2
    for _ in range(12):
        angle += rng.normal(0, 0.35)
        following = position + step * np.array([np.cos(angle), np.sin(angle)])
        draw.line([*position, *following], fill=255, width=max(1, round(thickness)))
        draw.ellipse([*(following - radius), *(following + radius)], fill=255)
        position = following


def _blob(height: int, width: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A star-shaped blob: an ellipse whose radius wavers, whole within the picture more often than not."""
    side = min(height, width)
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0.25, 0.75) * height, rng.uniform(0.25, 0.75) * width
    angle = np.arctan2(y - cy, x - cx)
    radius = rng.uniform(0.14, 0.26) * side * np.ones_like(angle)
    for harmonic in range(2, 7):
        radius *= 1 + rng.normal(0, 0.25 / harmonic) * np.sin(harmonic * angle + rng.uniform(0, 2 * np.pi))
    blob = np.hypot((y - cy) * rng.uniform(0.7, 1.4), x - cx) < radius
    return np.asarray(ndimage.binary_fill_holes(blob))
