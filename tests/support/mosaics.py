"""A drawn picture with lines and flat colours, and mosaics on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scumble.mosaic.grid import Grid, pixelate

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def drawing(height: int = 160, width: int = 176, seed: int = 0) -> Bytes:
    """(height, width, 3): discs and outlines in flat colours."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (2 * width, 2 * height), (236, 226, 208))
    draw = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y, r = rng.uniform(0, 2 * width), rng.uniform(0, 2 * height), rng.uniform(10, 60)
        colour = tuple(int(v) for v in rng.integers(30, 240, 3))
        draw.ellipse((x - r, y - 0.7 * r, x + r, y + 0.7 * r), fill=colour, outline=(20, 16, 30), width=5)
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def box(shape: tuple[int, ...], top: int, left: int, bottom: int, right: int) -> Mask:
    mask = np.zeros(shape[:2], np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def with_mosaic(picture: Bytes, mask: Mask, grid: Grid) -> Bytes:
    return np.where(mask[..., None], pixelate(picture, grid), picture)
