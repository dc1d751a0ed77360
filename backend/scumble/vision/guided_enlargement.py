"""A small result enlarged along the edges of a large guide of which a small form is known, too.

The affine models of the guided filter (He and Sun, "Fast Guided Filter", 2015) are found at the small size and applied at the
large one; what they do not explain is enlarged smoothly and added. So nothing that the small result shows is lost, and what it
shares with the guide (lines, borders of colours) is as sharp as the guide.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from . import guided_filter

Floats = NDArray[np.float32]

RADIUS = 2
EPSILON = 4e-3
"""Window, in pixels of the small picture, and variance (0 to 1) below which a guide's edge is not one."""


def guided_enlargement(small: Floats, small_guide: Floats, guide: Floats) -> Floats:
    """(H, W, 3): `small` at the size of `guide`.

    Parameters
    ----------
    small, small_guide
        (h, w, 3) in about 0 to 1.
    guide
        (H, W, 3): what `small_guide` is at the large size.
    """
    if small.shape != small_guide.shape:
        raise ValueError(f"result {small.shape} and guide {small_guide.shape} do not fit")
    size = (guide.shape[0], guide.shape[1])
    matrix, offset = guided_filter.coefficients(small_guide, small, RADIUS, EPSILON)
    rest = small - guided_filter.apply(matrix, offset, small_guide)
    planes = np.concatenate([matrix.reshape(*small.shape[:2], 9), offset], axis=2)
    large = enlarged(planes, size, "bilinear")
    shaped = large[..., :9].reshape(*size, 3, 3)
    return np.asarray(guided_filter.apply(shaped, large[..., 9:], guide) + enlarged(rest, size), np.float32)


def enlarged(picture: Floats, size: tuple[int, int], mode: str = "bicubic") -> Floats:
    """(H, W, C) by a spline (bicubic, or bilinear)."""
    planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
    large = functional.interpolate(planes, size=size, mode=mode, align_corners=False)
    return np.asarray(large[0].permute(1, 2, 0).numpy(), np.float32)
