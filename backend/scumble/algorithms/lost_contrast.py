"""Giving back the fine contrast that a fill lost where overlapping patches were averaged."""

from __future__ import annotations

import torch
from torch import Tensor

from scumble.algorithms.gaussian import blurred

FINE = 1.5
"""What is finer than a Gaussian of this standard deviation, in pixels, is fine contrast."""

AROUND = 6.0
"""Standard deviation, in pixels, of the neighbourhood over which contrast is compared."""

EXTRA = 1.25
"""Fills have less fine contrast than their surroundings even so, as smooth patches match well more often than lively ones:
measured on training photographs, the contrast that is given back has to be so many times the sources'."""

MOST = 2.0
"""No contrast is multiplied by more."""


def give_back(fill: Tensor, picture: Tensor, hole: Tensor, nearest: Tensor, amount: float = 1.0) -> Tensor:
    """Raise the fine contrast of a fill to that of the places that it was taken from.

    Parameters
    ----------
    fill, picture
        (H, W, 3) float: the filled picture, and the one that it was filled from.
    hole
        (H, W) bool. Outside, the result is `fill`, bit for bit.
    nearest
        (H, W, 2) integers: the row and column that a pixel of the hole was mostly taken from (`patchmatch.Completion`).
    amount
        0 for nothing, 1 for the sources' contrast, more for more.
    """
    if amount == 0 or not bool(hole.any()):
        return fill
    fine, source_fine = (_fine(x) for x in (fill, picture))
    rows, columns = nearest[..., 0].long(), nearest[..., 1].long()
    strength = fine.abs().mean(1, keepdim=True)
    wanted = source_fine.abs().mean(1, keepdim=True)[:, :, rows, columns]
    inside = hole.to(fill.dtype)[None, None]
    share = blurred(inside, AROUND).clamp(min=1e-6)
    # over the hole alone: what lies beside it lost nothing
    has = blurred(strength * inside, AROUND) / share
    should = blurred(wanted * inside, AROUND) / share
    gain = (EXTRA * should / has.clamp(min=1e-4)).clamp(1, MOST) - 1
    raised = fill + amount * (gain * fine)[0].permute(1, 2, 0)
    return torch.where(hole[..., None], raised, fill)


def _fine(picture: Tensor) -> Tensor:
    """(1, 3, H, W): the picture less its smooth part."""
    batch = picture.permute(2, 0, 1)[None]
    return batch - blurred(batch, FINE)
