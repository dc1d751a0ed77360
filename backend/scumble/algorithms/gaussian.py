"""A Gaussian filter on tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def blurred(x: Tensor, sigma: float) -> Tensor:
    """(B, C, H, W) under a Gaussian of that standard deviation; beyond the border the picture goes on as it ends."""
    radius = max(1, round(3 * sigma))
    places = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-places.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    channels = x.shape[1]
    wide = functional.pad(x, (radius, radius, radius, radius), mode="replicate")
    across = functional.conv2d(wide, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return functional.conv2d(across, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
