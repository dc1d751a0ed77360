"""Mosaics to learn from: a picture, a region of some shape, cells of some size, and damage as files have it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scumble.mosaic.grid import Grid, pixelate
from scumble.mosaic.network import CELL
from scumble_training.common.hole_masks import draw_stroke

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

LEAST, MOST = 5.0, 26.0
"""Sides of cells that are learned, in pixels of the pictures."""


@dataclass(frozen=True)
class Sample:
    """One picture with a mosaic, resized so that cells have 8 pixels."""

    truth: Bytes
    """(S, S, 3)"""
    damaged: Bytes
    """The same with the mosaic in it."""
    mask: Mask
    """(S, S), where the mosaic is."""
    size: float
    """Of a cell before the picture was resized."""


def sample(
    pictures: Sequence[Bytes], rng: np.random.Generator, side: int, least: float = LEAST, most: float = MOST
) -> Sample:
    """A square of `side` pixels (cells of 8) out of one of the pictures, turned and mirrored, with a mosaic."""
    truth, size = square(pictures, rng, side, least, most)
    grid = Grid(CELL, CELL)
    mask = region(side, rng)
    kind = rng.random()
    if kind < 0.7:  # whole cells, as a filter over a selection of them leaves it
        mask = whole_cells(mask, grid)
    flat = pixelate(truth, grid, mask if kind > 0.85 else None)
    damaged = np.where(mask[..., None], flat, truth)
    if rng.random() < 0.1:
        damaged = as_jpeg(damaged, int(rng.integers(75, 96)))
    return Sample(truth, damaged, mask, size)


def square(
    pictures: Sequence[Bytes], rng: np.random.Generator, side: int, least: float = LEAST, most: float = MOST
) -> tuple[Bytes, float]:
    """A square of `side` pixels (cells of 8) out of one of the pictures, and the size of its cells before it was resized."""
    picture = pictures[int(rng.integers(len(pictures)))]
    # a picture holds no more cells than its shorter side has room for
    most = min(most, CELL * min(picture.shape[:2]) / side)
    size = float(np.exp(rng.uniform(np.log(min(least, most)), np.log(most))))
    return _square(picture, side, size / CELL, rng), size


def whole_cells(mask: Mask, grid: Grid) -> Mask:
    """The cells of which at least half lies in the mask."""
    share = pixelate(mask[..., None].astype(np.uint8) * np.uint8(255), grid)
    return np.asarray(share[..., 0] >= 127)


def as_jpeg(picture: Bytes, quality: int) -> Bytes:
    """The picture after it was saved as JPEG."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "jpeg", quality=quality)
    return np.asarray(Image.open(content).convert("RGB"))


def region(side: int, rng: np.random.Generator) -> Mask:
    """A rectangle, an ellipse, or a stroke; half of the time a rectangle that leaves little free, from which most is learned."""
    canvas = Image.new("L", (side, side))
    draw = ImageDraw.Draw(canvas)
    width, height = rng.uniform(0.3, 0.85, 2) * side
    x, y = (rng.uniform(-0.1, 1.1) * (side - length) for length in (width, height))
    kind = rng.random()
    if rng.random() < 0.5:
        left, top, right, bottom = rng.uniform(0.04, 0.18, 4) * side
        draw.rectangle((left, top, side - right, side - bottom), fill=255)
    elif kind < 0.4:
        draw.rectangle((x, y, x + width, y + height), fill=255)
    elif kind < 0.75:
        draw.ellipse((x, y, x + width, y + height), fill=255)
    else:
        points = rng.uniform(0.1, 0.9, (3, 2)) * side
        draw_stroke(draw, [(x, y) for x, y in points.tolist()], rng.uniform(0.12, 0.35) * side)
    return np.asarray(canvas) > 0


def _square(picture: Bytes, side: int, scale: float, rng: np.random.Generator) -> Bytes:
    """`side` pixels, each of which is `scale` pixels of the picture wide; any place, any of eight orientations."""
    span = side * scale
    y, x = (float(rng.uniform(0, max(0.0, length - span))) for length in picture.shape[:2])
    box = (x, y, min(x + span, picture.shape[1]), min(y + span, picture.shape[0]))
    square = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR, box))
    square = np.rot90(square, int(rng.integers(4)))
    if rng.random() < 0.5:
        square = square[:, ::-1]
    if rng.random() < 0.3:
        square = square[..., rng.permutation(3)]
    return np.ascontiguousarray(square)
