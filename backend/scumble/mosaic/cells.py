"""The cells of a mosaic as a grid, and what a picture has to do with them: means of cells, and fills that keep the means.

A mosaic replaces every cell by its mean. A fill that could have been under it therefore lies in the affine set of
pictures with those means; `project` goes to the nearest such picture, `smooth_start` to a smooth one by iterated
back-projection (Irani and Peleg, "Improving resolution by image registration", 1991), with a box for the blur.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .grid import Grid, cell_numbers, edges


@dataclass(frozen=True)
class Axes:
    """A batch's grids as matrices, so that means and interpolations are products; rows beyond a grid's end are 0."""

    down_y: torch.Tensor
    """(B, rows, H): means of the pixels of each row of cells."""
    down_x: torch.Tensor
    """(B, columns, W)"""
    spread_y: torch.Tensor
    """(B, H, rows): 1 where the pixel lies in the row of cells."""
    spread_x: torch.Tensor
    cubic_y: torch.Tensor
    """(B, H, rows): bicubic interpolation between the centres of cells (Keys 1981, a = -0.5), the rim continued."""
    cubic_x: torch.Tensor

    @classmethod
    def of(cls, grids: Sequence[Grid], height: int, width: int, *, device: torch.device | str = "cpu") -> Axes:
        down = [_matrices(g.size_y, g.origin_y, height) for g in grids]
        across = [_matrices(g.size_x, g.origin_x, width) for g in grids]

        def stacked(arrays: list[NDArray[np.float32]], axis: int) -> torch.Tensor:
            most = max(a.shape[axis] for a in arrays)
            padded = [np.pad(a, [(0, most - a.shape[i] if i == axis else 0) for i in range(2)]) for a in arrays]
            return torch.from_numpy(np.stack(padded)).to(device)

        return cls(
            stacked([d[0] for d in down], 0),
            stacked([a[0] for a in across], 0),
            stacked([d[1] for d in down], 1),
            stacked([a[1] for a in across], 1),
            stacked([d[2] for d in down], 1),
            stacked([a[2] for a in across], 1),
        )

    def repeated(self, count: int) -> Axes:
        """The same grid for a batch; nothing is copied."""
        return Axes(*(matrix.expand(count, -1, -1) for matrix in vars(self).values()))

    def means(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to (B, C, rows, columns)."""
        return torch.einsum("brh,bchw,bkw->bcrk", self.down_y, x, self.down_x)

    def spread(self, cells: torch.Tensor) -> torch.Tensor:
        """(B, C, rows, columns) to (B, C, H, W): flat cells."""
        return torch.einsum("bhr,bcrk,bwk->bchw", self.spread_y, cells, self.spread_x)

    def cubic(self, cells: torch.Tensor) -> torch.Tensor:
        """(B, C, rows, columns) to (B, C, H, W): interpolated."""
        return torch.einsum("bhr,bcrk,bwk->bchw", self.cubic_y, cells, self.cubic_x)


def _matrices(
    size: float, origin: float, length: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    numbers = cell_numbers(size, origin, length)
    at = edges(size, origin, length)
    count = len(at) - 1
    spread = np.zeros((length, count), np.float32)
    spread[np.arange(length), numbers] = 1
    down = spread.T / np.diff(at)[:, None].astype(np.float32)
    cubic = np.zeros((length, count), np.float32)
    # a cell that is cut by the border has its centre where the whole cell's would be
    shift = np.floor((at[1] - size / 2 - origin) / size) if count > 1 else 0.0
    place = (np.arange(length) + 0.5 - origin) / size - 0.5 - shift
    below = np.floor(place).astype(np.int64)
    part = place - below
    for step in range(-1, 3):
        weight = keys_kernel(np.abs(part - step))
        np.add.at(cubic, (np.arange(length), np.clip(below + step, 0, count - 1)), weight.astype(np.float32))
    return np.ascontiguousarray(down, np.float32), spread, cubic


def keys_kernel(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic convolution (Keys 1981, a = -0.5) at these distances from a sample."""
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def share_of_cells(axes: Axes, mask: torch.Tensor) -> torch.Tensor:
    """(B, 1, rows, columns) how much of each cell lies in the (B, 1, H, W) mask, 0 to 1."""
    return axes.means(mask)


def masked_means(axes: Axes, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(B, C, rows, columns) the means over what of each cell lies in the mask; 0 where nothing does."""
    return axes.means(x * mask) / share_of_cells(axes, mask).clamp(min=1e-6)


def bicubic(axes: Axes, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The plain smoothing of a mosaic: all cells' means, interpolated; the picture where the mask is 0."""
    smooth = axes.cubic(axes.means(picture))
    return torch.where(mask > 0, smooth, picture)


def smooth_start(axes: Axes, picture: torch.Tensor, mask: torch.Tensor, rounds: int = 6) -> torch.Tensor:
    """A smooth fill whose cells have nearly the mosaic's means.

    Parameters
    ----------
    picture
        (B, C, H, W) with the mosaic in it.
    mask
        (B, 1, H, W), 1 where the mosaic is.
    """
    wanted = masked_means(axes, picture, mask)
    x = bicubic(axes, picture, mask)
    touched = (share_of_cells(axes, mask) > 0).to(x.dtype)
    for _ in range(rounds):
        missing = (wanted - masked_means(axes, x, mask)) * touched
        x = torch.where(mask > 0, x + axes.cubic(missing), picture)
    return x


def project(
    axes: Axes, x: torch.Tensor, cells: torch.Tensor, mask: torch.Tensor, bounded_rounds: int = 0
) -> torch.Tensor:
    """The nearest picture (least squares) whose cells that lie wholly in the mask have the means `cells`.

    Parameters
    ----------
    cells
        (B, C, rows, columns)
    bounded_rounds
        How often to bring values back into 0 to 1 and project again; 0 leaves them as they are.
    """
    whole = (share_of_cells(axes, mask) > 1 - 1e-4).to(x.dtype)
    for left in range(bounded_rounds, -1, -1):
        x = x + axes.spread((cells - axes.means(x)) * whole) * mask
        if left:
            x = torch.where(mask > 0, x.clamp(0, 1), x)
    return x
