"""Giving back the fine contrast that a fill lost where overlapping patches were averaged."""

from __future__ import annotations

import torch
from torch import Tensor

from scumble.vision.gaussian import blurred

FINE = 1.5
"""What is finer than a Gaussian of this standard deviation, in pixels, is fine contrast."""

AROUND = 6.0
"""Standard deviation, in pixels, of the neighbourhood over which contrast is compared."""

MOST = 2.0
"""No contrast is multiplied by more."""


def restore_contrast(fill: Tensor, hole: Tensor, nearest: Tensor, amount: float = 1.0, extra: float = 1.0) -> Tensor:
    """Raise the fine contrast of a fill to that of the places that it was taken from.

    Parameters
    ----------
    fill
        (H, W, 3) float: the filled picture.
    hole
        (H, W) bool: what was filled. Outside, the result is `fill`, bit for bit.
    nearest
        (H, W, 2) integers: the row and column that a pixel of the hole was mostly taken from (`patchmatch.Completion`).
    amount
        0 for nothing, 1 for all of it, more for more.
    extra
        The contrast that is wanted, as a multiple of the sources'.

    Returns
    -------
    Tensor
        `fill` itself, changed in place: a large picture has no room for another.
    """
    if amount == 0 or not bool(hole.any()):
        return fill
    rows, columns = nearest[hole].long().T
    strength = torch.zeros_like(fill[..., 0])
    for channel in range(3):  # one at a time, for the same reason
        strength += _fine(fill[..., channel]).abs()
    wanted = torch.zeros_like(strength)
    wanted[hole] = strength[rows, columns]
    strength[~hole] = 0  # over the hole alone: what lies beside it lost nothing
    has, should = (_around(one)[hole] for one in (strength, wanted))
    gain = amount * ((extra * should / has.clamp(min=1e-5)).clamp(1, MOST) - 1)
    for channel in range(3):
        part = fill[..., channel]
        part[hole] += gain * _fine(part)[hole]
    return fill


def _fine(channel: Tensor) -> Tensor:
    """(H, W): a channel less its smooth part."""
    return channel - blurred(channel[None, None], FINE)[0, 0]


def _around(values: Tensor) -> Tensor:
    return blurred(values[None, None], AROUND)[0, 0]
