"""How TensorFlow pads and resizes, where that differs from PyTorch: networks that were trained there depend on it."""

from __future__ import annotations

import torch
from torch.nn import functional


def same_padded(x: torch.Tensor, kernel: int, stride: int = 1, dilation: int = 1) -> torch.Tensor:
    """Zeros around (B, C, H, W) as `padding="SAME"` adds them: the odd one, with a stride, goes to the right and below."""
    sides: list[int] = []
    for length in (x.shape[3], x.shape[2]):
        total = max(0, (-(-length // stride) - 1) * stride + (kernel - 1) * dilation + 1 - length)
        sides += [total // 2, total - total // 2]
    return functional.pad(x, sides)


def nearest_aligned(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """`resize_nearest_neighbor(align_corners=True)`: the first and last rows stay first and last."""
    for axis, length in ((2, height), (3, width)):
        step = (x.shape[axis] - 1) / (length - 1) if length > 1 else 0.0
        place = torch.floor(torch.arange(length, device=x.device, dtype=torch.float32) * step + 0.5).long()
        x = x.index_select(axis, place.clamp(max=x.shape[axis] - 1))
    return x


def nearest(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """`resize_nearest_neighbor` by its defaults: of the pixels that a new one covers, the upper left."""
    return functional.interpolate(x, (height, width), mode="nearest")
