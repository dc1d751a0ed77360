"""Which way a picture runs at each place, and how lively it is: what strokes are turned by.

The structure tensor of its luma (Bigün and Granlund 1987), as (1, 3, H, W) planes: energy across less energy down, twice the mixed
product, and their sum. The first two are the double angle of the gradient times its energy, so that they can be averaged, and opposite
directions are one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from scumble.vision.gaussian import blurred

SMOOTHED = 1.0
"""Standard deviation, in pixels, of the Gaussian before gradients are taken: canvas and noise have no direction."""

NOISE = 2e-4
"""Energy at which a direction is as much noise as direction."""

CARRIED = 0.2
"""How far places without a direction of their own follow what is around them, beside their own."""


def flow_planes(picture: Tensor) -> Tensor:
    """(1, 3, H, W) of (1, 3, H, W) colours in 0 to 1."""
    luma = (picture * picture.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    luma = functional.pad(blurred(luma, SMOOTHED), (1, 1, 1, 1), mode="replicate")
    across = (luma[..., 1:-1, 2:] - luma[..., 1:-1, :-2]) / 2
    down = (luma[..., 2:, 1:-1] - luma[..., :-2, 1:-1]) / 2
    return torch.cat([across.square() - down.square(), 2 * across * down, across.square() + down.square()], 1)


def carried_on(planes: Tensor, sigma: float) -> Tensor:
    """The same, where what has no direction runs as its surroundings do, over a Gaussian of `sigma` pixels."""
    wide = blurred(planes, sigma)
    direction = planes[:, :2] + CARRIED * wide[:, :2]
    return torch.cat([direction, planes[:, 2:]], 1)


def described(pooled: Tensor) -> Tensor:
    """(N, 3) of the planes' means over blocks, (N, 3): direction times how sure it is, and liveliness on a logarithmic scale."""
    length = pooled[:, :2].square().sum(1, keepdim=True).sqrt()
    sure = (length / (pooled[:, 2:] + NOISE)).clamp(max=1)
    direction = pooled[:, :2] / (length + 1e-12) * sure
    lively = (pooled[:, 2:] + NOISE).log() / 2
    return torch.cat([direction, lively], 1)
