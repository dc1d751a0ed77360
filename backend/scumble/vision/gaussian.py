"""A Gaussian filter on tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

STRIP = 1 << 18
"""Pixels that are filtered at once: a convolution needs up to sixteen times the memory of what it is given."""


def blurred(x: Tensor, sigma: float) -> Tensor:
    """(B, C, H, W) under a Gaussian of that standard deviation; beyond the border the picture goes on as it ends."""
    radius = max(1, round(3 * sigma))
    places = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-places.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    channels = x.shape[1]
    height, width = x.shape[2:]
    rows = max(1, STRIP // width)

    def strip(top: int, bottom: int) -> Tensor:
        above, below = min(radius, top), min(radius, height - bottom)
        part = x[:, :, top - above : bottom + below]
        wide = functional.pad(part, (radius, radius, radius - above, radius - below), mode="replicate")
        across = functional.conv2d(wide, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
        return functional.conv2d(across, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)

    if rows >= height:
        return strip(0, height)
    out = torch.empty_like(x)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        out[:, :, top:bottom] = strip(top, bottom)
    return out
