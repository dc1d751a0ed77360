"""Smooth local affine: a stylized picture made again out of its photograph's own detail (Luan et al. 2017).

Around every pixel, the affine map from the photograph's colours to the stylized ones over 3 × 3 pixels is found; the
maps' coefficients are averaged by a bilateral filter whose guide is the photograph; then they are applied to it. What the
optimization left of noise and distortion goes; light and colour stay.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from scumble.vision.guided_filter import guided_filter

Floats = NDArray[np.float32]
Progress = Callable[[float], None]

RIDGE = 1e-3
LEAST_DETERMINANT = 1e-9


def local_models(content: Floats, result: Floats, radius: int = 1) -> Floats:
    """(H, W, 3, 4): the least-squares affine maps of the windows around the pixels (in the picture only).

    1e-3 is added to the first three diagonal entries of the normal equations, the constant is free. Where they are
    singular nonetheless, the map is zero.
    """
    content = np.asarray(content, np.float64)
    one = np.concatenate([content, np.ones((*content.shape[:2], 1))], axis=2)
    sums = np.zeros((*content.shape[:2], 4, 4))
    for i in range(4):
        for j in range(i, 4):
            sums[..., i, j] = sums[..., j, i] = _window_sum(one[..., i] * one[..., j], radius)
    cross = np.stack(
        [np.stack([_window_sum(one[..., i] * result[..., c], radius) for c in range(3)], axis=-1) for i in range(4)],
        axis=-2,
    )
    sums[..., [0, 1, 2], [0, 1, 2]] += RIDGE
    singular = np.abs(np.linalg.det(sums)) < LEAST_DETERMINANT
    sums[singular] = np.eye(4)
    models = np.linalg.solve(sums, cross)
    models[singular] = 0
    return np.swapaxes(models, -1, -2).astype(np.float32)


def _window_sum(plane: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    height, width = plane.shape
    padded = np.pad(plane, radius)
    total = np.zeros_like(plane)
    for y in range(2 * radius + 1):
        for x in range(2 * radius + 1):
            total += padded[y : y + height, x : x + width]
    return total


def smooth_local_affine(
    content: Floats, result: Floats, radius: int = 15, edge: float = 0.01, progress: Progress | None = None
) -> Floats:
    """The photograph with the stylized picture's smoothed local maps applied to it.

    Parameters
    ----------
    content, result
        (H, W, 3) in 0 to 1, of one size.
    radius
        Of the bilateral filter, in pixels; its spatial deviation is a third of it.
    edge
        Its deviation in squared colour difference (mean of the channels), in 0 to 1.
    progress
        Called with the share that is done; what it raises ends the work.
    """
    if content.shape != result.shape or content.ndim != 3 or content.shape[2] != 3:
        raise ValueError(f"pictures {content.shape} and {result.shape} do not fit")
    if radius < 1 or edge <= 0:
        raise ValueError("the radius is at least 1, and the edge above 0")
    models = torch.from_numpy(local_models(content, result)).flatten(2).permute(2, 0, 1).contiguous()
    guide = torch.from_numpy(np.ascontiguousarray(np.moveaxis(content, 2, 0), np.float32))
    height, width = content.shape[:2]
    padded_models = torch.nn.functional.pad(models, [radius] * 4)
    padded_guide = torch.nn.functional.pad(guide, [radius] * 4)
    there = torch.nn.functional.pad(torch.ones(height, width), [radius] * 4)
    total, weights = torch.zeros_like(models), torch.zeros(height, width)
    deviation = radius / 3
    for number, y in enumerate(range(-radius, radius + 1)):
        if progress is not None:
            progress(number / (2 * radius + 1))
        for x in range(-radius, radius + 1):
            part = np.s_[..., radius + y : radius + y + height, radius + x : radius + x + width]
            gap = (padded_guide[part] - guide).square().mean(0)
            near = float(np.exp(-(x * x + y * y) / (2 * deviation**2)))
            weight = there[part] * torch.exp(gap / (-2 * edge**2)) * near
            total.addcmul_(padded_models[part], weight)
            weights += weight
    smooth = (total / weights).reshape(3, 4, height, width)
    found = torch.einsum("cghw,ghw->chw", smooth[:, :3], guide) + smooth[:, 3]
    return np.ascontiguousarray(np.moveaxis(found.numpy(), 0, 2))


def refine_posterization(result: Floats, content: Floats, radius: int = 8, epsilon: float = 0.1**2) -> Floats:
    """The result with the photograph's fine detail put back: result + content − guided filter of the content.

    As the published `refine_posterization.m`: the photograph guides its own filter. (H, W, 3) in 0 to 1.
    """
    smooth = guided_filter(content, content, radius, epsilon)
    return np.asarray(result + content - smooth, np.float32)
