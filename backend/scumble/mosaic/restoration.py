"""A mosaic of any size and phase through the network: its cells are resized to the network's, and the answer back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .cells import Axes, keys_kernel, masked_means, project, smooth_start
from .grid import Grid
from .network import CELL, MosaicNetwork, restored

AROUND = 8
"""Cells of the surroundings that the network sees on every side."""

BOUNDED_ROUNDS = 30
"""How often a fill is brought back into 0 to 1 and onto the mosaic's means: enough for half a grey level."""

Tensor = torch.Tensor
Progress = Callable[[float], None]


def smooth_fill(picture: Tensor, mask: Tensor, grid: Grid, bounded: bool = True) -> Tensor:
    """Without a network: the smooth picture that agrees with the mosaic. Arguments as for `fill`."""
    x, hole = picture.permute(2, 0, 1)[None], mask[None, None].to(picture.dtype)
    axes = Axes.of([grid], *mask.shape, device=picture.device)
    return agreeing(axes, smooth_start(axes, x, hole), x, hole, bounded)


def agreeing(axes: Axes, made: Tensor, picture: Tensor, hole: Tensor, bounded: bool = True) -> Tensor:
    """(H, W, 3): `made` in the hole, moved onto the mosaic's means; the picture elsewhere. All (1, C, H, W)."""
    cells = masked_means(axes, picture, hole)
    made = project(axes, made, cells, hole, BOUNDED_ROUNDS if bounded else 0)
    return torch.where(hole > 0, made, picture)[0].permute(1, 2, 0)


def fill(
    network: MosaicNetwork,
    picture: Tensor,
    mask: Tensor,
    grid: Grid,
    turn: int = 0,
    bounded: bool = True,
    tile: int = 768,
    progress: Progress | None = None,
) -> Tensor:
    """The picture without its mosaic.

    Parameters
    ----------
    picture
        (H, W, 3), 0 to 1.
    mask
        (H, W) bool, where the mosaic is; outside, the picture stays as it is.
    turn
        0 to 7: the orientation in which the network sees it; each gives a fill of its own. (Their mean is a quarter of a decibel nearer to the
        truth, and a third blurrier by LPIPS.)
    bounded
        Whether the fill has to stay in 0 to 1.
    tile
        Pixels of the network's picture that it sees at a time.
    """
    height, width = mask.shape
    x, hole = picture.permute(2, 0, 1)[None], mask[None, None].to(picture.dtype)
    axes = Axes.of([grid], height, width, device=picture.device)
    start = smooth_start(axes, x, hole)
    rows = _Side(mask.any(1), grid.size_y, grid.origin_y)
    columns = _Side(mask.any(0), grid.size_x, grid.origin_x)

    def between(matrix_y: NDArray[np.float32], matrix_x: NDArray[np.float32], y: Tensor) -> Tensor:
        down, across = (torch.from_numpy(m).to(y.device) for m in (matrix_y, matrix_x))
        return torch.einsum("rh,bchw,kw->bcrk", down, y, across)

    seen = between(rows.reduced, columns.reduced, hole)
    small_hole = (seen > 0.5).to(x.dtype)
    known = between(rows.reduced, columns.reduced, x * (1 - hole)) / (1 - seen).clamp(min=1e-4)
    share = between(rows.members, columns.members, hole)
    cells = between(rows.members, columns.members, x * hole) / share.clamp(min=1e-4)
    cells = cells.repeat_interleave(CELL, 2).repeat_interleave(CELL, 3)
    small = torch.where(small_hole > 0, cells, known)
    missing = _turned_back(_restored(network, _turned(small, turn), _turned(small_hole, turn), tile, progress), turn)
    small_axes = Axes.of([Grid(CELL, CELL)], *small.shape[2:], device=x.device)
    missing = (missing - smooth_start(small_axes, small, small_hole)) * small_hole
    made = start + between(rows.enlarged, columns.enlarged, missing) * hole
    return agreeing(axes, made, x, hole, bounded)


def _restored(
    network: MosaicNetwork, picture: Tensor, hole: Tensor, tile: int, progress: Progress | None = None
) -> Tensor:
    """`restored`, large pictures in tiles that see beyond their edges."""
    height, width = picture.shape[2:]
    margin, step = AROUND * CELL, max(2 * CELL, tile // CELL * CELL)
    out = picture.clone()
    for y in range(0, height, step):
        for x in range(0, width, step):
            top, left = max(0, y - margin), max(0, x - margin)
            part = (..., slice(top, min(height, y + step + margin)), slice(left, min(width, x + step + margin)))
            if hole[part].any():
                inner = (..., slice(y - top, y - top + step), slice(x - left, x - left + step))
                out[..., y : y + step, x : x + step] = restored(network, picture[part], hole[part])[inner]
        if progress is not None:
            progress(min(1.0, (y + step) / height))
    return out


def _turned(x: Tensor, turn: int) -> Tensor:
    if turn & 1:
        x = x.flip(3)
    if turn & 2:
        x = x.flip(2)
    return x.transpose(2, 3) if turn & 4 else x


def _turned_back(x: Tensor, turn: int) -> Tensor:
    return _turned(_turned(x, turn & 4), turn & 3)


class _Side:
    """Matrices between a side of the picture and that side of the network's, which holds the mask's cells and some around.

    Attributes
    ----------
    members
        (cells, length): means over each cell's own pixels; 0 for cells beyond the picture.
    reduced
        (8 · cells, length): the picture as the network sees it; beyond its border it is continued.
    enlarged
        (length, 8 · cells): back again.
    """

    def __init__(self, mask: Tensor, size: float, origin: float) -> None:
        length = len(mask)
        there = torch.nonzero(mask)[:, 0]
        first = int(np.floor((int(there[0]) - origin) / size)) - AROUND
        count = int(np.ceil((int(there[-1]) + 1 - origin) / size)) + AROUND - first
        at = np.floor(origin + size * np.arange(first, first + count + 1) + 0.5).clip(0, length).astype(np.int64)
        self.members = np.zeros((count, length), np.float32)
        for number, (start, stop) in enumerate(pairwise(at.tolist())):
            self.members[number, start:stop] = 1 / max(1, stop - start)
        scale = size / CELL  # the picture's pixels for one of the network's
        centres = origin + size * first + (np.arange(count * CELL) + 0.5) * scale
        self.reduced = _interpolation(centres - 0.5, length, max(1.0, scale), _triangle)
        back = (np.arange(length) + 0.5 - origin - size * first) / scale - 0.5
        self.enlarged = (
            _interpolation(back, count * CELL, 1.0, keys_kernel)
            if scale >= 1
            else _interpolation(back, count * CELL, 1 / scale, _triangle)
        )


def _triangle(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(0, 1 - distance)


def _interpolation(
    places: NDArray[np.floating[Any]],
    length: int,
    width: float,
    kernel: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float32]:
    """(places, length): weights of samples at 0, 1, …, which go on with the first and the last beyond the ends."""
    reach = int(np.ceil(2 * width)) + 1
    matrix = np.zeros((len(places), length), np.float32)
    nearest = np.rint(places).astype(np.int64)
    steps = np.arange(-reach, reach + 1)
    samples = nearest[:, None] + steps[None]
    weights = kernel(np.abs(samples - places[:, None]).astype(np.float64) / width)
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(len(places))[:, None], samples.shape)
    np.add.at(matrix, (rows, samples.clip(0, length - 1)), weights.astype(np.float32))
    return matrix
