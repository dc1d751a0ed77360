"""Means and maxima over areas, for sizes that need not divide: adaptive pools, on every device."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import functional


def area_resized(pictures: Tensor, size: Sequence[int]) -> Tensor:
    """(B, C, H, W) at another size, each pixel the mean of all those that it covers, in whole or in part."""
    return _pooled(lambda there: functional.interpolate(there, size=list(size), mode="area"), pictures, size)


def touched(masks: Tensor, size: Sequence[int]) -> Tensor:
    """(B, C, H, W) at another size, each pixel the largest of all those that it covers, in whole or in part."""
    return _pooled(lambda there: functional.adaptive_max_pool2d(there, list(size)), masks, size)


def _pooled(pool: Callable[[Tensor], Tensor], tensor: Tensor, size: Sequence[int]) -> Tensor:
    divides = all(max(a, b) % min(a, b) == 0 for a, b in zip(tensor.shape[2:], size, strict=True))
    if tensor.device.type != "mps" or divides:
        return pool(tensor)
    # MPS refuses other means (pytorch issue 96056), and gives other maxima than it should (190064)
    return pool(tensor.cpu()).to(tensor.device)
