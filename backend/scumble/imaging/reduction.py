"""A layer seen small, read strip by strip so that a large document takes little memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Bounds
from .layer import Layer, Working

Floats = NDArray[np.float32]

STRIP_PIXELS = 2**18
"""Pixels of a strip: its temporaries stay small."""


@dataclass(frozen=True)
class Reduced:
    """Means over squares of `factor` pixels; at the right and lower edges over what is left of them."""

    rgb: Floats
    """(h, w, 3), weighted by alpha; 0 where everything is transparent."""

    alpha: Floats
    """(h, w)."""

    factor: int
    notes: tuple[str, ...]


def factor_for(bounds: Bounds, longest: int) -> int:
    """The least whole factor that brings the longest side to at most `longest` pixels."""
    return max(1, -(-max(bounds.width, bounds.height) // longest))


def strips(bounds: Bounds, factor: int) -> Iterator[Bounds]:
    """Full-width parts of `bounds` from top to bottom, whose heights are multiples of `factor` but for the last."""
    rows = max(1, STRIP_PIXELS // max(1, bounds.width * factor)) * factor
    for top in range(bounds.y, bounds.bottom, rows):
        yield Bounds(bounds.x, top, bounds.width, min(rows, bounds.bottom - top))


def reduce(layer: Layer, bounds: Bounds, factor: int) -> Reduced:
    """The part of a layer in `bounds`, made `factor` times smaller."""
    colours, alphas = [], []
    notes: set[str] = set()
    for strip in strips(bounds, factor):
        working: Working = layer.to_working(strip)
        notes.update(working.notes)
        alpha = working.alpha[..., None]
        total = _block_sums(alpha, factor)
        count = _block_sums(np.ones_like(alpha), factor)
        colours.append(_block_sums(working.rgb * alpha, factor) / np.maximum(total, 1e-6))
        alphas.append((total / count)[..., 0])
    return Reduced(np.concatenate(colours), np.concatenate(alphas), factor, tuple(sorted(notes)))


def _block_sums(planes: Floats, factor: int) -> Floats:
    if factor == 1:
        return planes
    rows = np.add.reduceat(planes, np.arange(0, planes.shape[0], factor), axis=0)
    return np.asarray(np.add.reduceat(rows, np.arange(0, planes.shape[1], factor), axis=1), np.float32)
