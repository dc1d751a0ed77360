"""A smooth fill: the harmonic membrane over a hole, coarse to fine, for batches of pictures on any device.

It solves Laplace's equation inside the hole with the surroundings as boundary values, as in Bertalmio et al. (2000) without
the transport term, by a cascade: an average over what is known at each scale of a pyramid (the pull of the pull-push of
Gortler et al., "The Lumigraph", 1996, section 3.4), then on each finer scale a few relaxations that begin with the coarser
solution. It ends about a hundredth of the surroundings' contrast from the exact solution, which is as good a guess of what
was there, and takes a fraction of the time; `seam.membrane` solves exactly where that counts.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

RELAXATIONS = 24
"""Per scale; each is one weighted Jacobi step."""

DAMPING = 0.9


def harmonic_fill(picture: Tensor, hole: Tensor, relaxations: int = RELAXATIONS) -> Tensor:
    """Fill holes smoothly.

    Parameters
    ----------
    picture
        (B, C, H, W) float; what lies in the hole is not looked at.
    hole
        (B, 1, H, W) bool. A picture that is all hole becomes 0.

    Returns
    -------
    Tensor
        (B, C, H, W): the picture, bit for bit outside the hole.
    """
    if picture.ndim != 4 or hole.shape != (picture.shape[0], 1, *picture.shape[2:]):
        raise ValueError(f"shapes do not fit: picture {tuple(picture.shape)}, hole {tuple(hole.shape)}")
    known = (~hole).to(picture.dtype)
    pictures, shares = [picture * known], [known]
    while max(shares[-1].shape[2:]) > 1:
        pictures.append(_halved(pictures[-1]))
        shares.append(_halved(shares[-1]))
    filled = pictures[-1] / shares[-1].clamp(min=1e-8)
    for sums, share in zip(pictures[-2::-1], shares[-2::-1], strict=True):
        size = (int(share.shape[2]), int(share.shape[3]))
        guess = functional.interpolate(filled, size=size, mode="bilinear", align_corners=False)
        inside = share <= 0
        own = sums / share.clamp(min=1e-8)
        filled = torch.where(inside, guess, own)
        if bool(inside.any()):
            filled = _relaxed(filled, inside, relaxations)
    return torch.where(hole, filled, picture)


def _halved(x: Tensor) -> Tensor:
    """Means of 2 x 2; an odd last row or column stands for itself."""
    return functional.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False)


def _relaxed(filled: Tensor, inside: Tensor, count: int) -> Tensor:
    for _ in range(count):
        wide = functional.pad(filled, (1, 1, 1, 1), mode="replicate")
        around = wide[:, :, :-2, 1:-1] + wide[:, :, 2:, 1:-1] + wide[:, :, 1:-1, :-2] + wide[:, :, 1:-1, 2:]
        filled = torch.where(inside, filled + DAMPING * (around / 4 - filled), filled)
    return filled
