"""The guided filter: smoothing that keeps the edges of another picture (He, Sun and Tang, "Guided Image Filtering", 2013).

In every window the output is an affine function of the guide's colours; the coefficients of all windows that hold a
pixel are averaged. Coefficients that were found at a small size can be applied at a large one ("Fast Guided Filter",
He and Sun 2015), which is how a transfer reaches the detail of the full document.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]


def guided_filter(guide: Floats, values: Floats, radius: int, epsilon: float, weight: Floats | None = None) -> Floats:
    """`values` smoothed along the edges of `guide`.

    Parameters
    ----------
    guide
        (H, W, G), usually the colours of the picture.
    values
        (H, W, C).
    radius
        Windows are squares of 2 · radius + 1 pixels; at the border of the picture they are what is left of them.
    epsilon
        Variance of the guide, in its own units squared, below which a window is smoothed rather than kept.
    weight
        (H, W), not negative: how much each pixel counts; by default all alike.

    Returns
    -------
    NDArray
        (H, W, C).
    """
    matrix, offset = coefficients(guide, values, radius, epsilon, weight)
    return apply(matrix, offset, guide)


def coefficients(
    guide: Floats, values: Floats, radius: int, epsilon: float, weight: Floats | None = None
) -> tuple[Floats, Floats]:
    """The averaged affine models (eq. 5 and 6, 19 and 20 for colours): (H, W, C, G) and (H, W, C)."""
    if guide.ndim != 3 or values.ndim != 3 or guide.shape[:2] != values.shape[:2]:
        raise ValueError(f"guide {guide.shape} and values {values.shape} do not fit")
    if radius < 1 or epsilon <= 0:
        raise ValueError("the radius is at least 1, and epsilon above 0")
    channels, outputs = guide.shape[2], values.shape[2]
    # Windows of nearly one colour lose digits in E[x²] − E[x]²; around the mean there are more of them.
    shift = guide.mean(axis=(0, 1))
    centred = (guide - shift).astype(np.float32)
    ones = np.ones(guide.shape[:2], np.float32) if weight is None else np.maximum(weight, 1e-6).astype(np.float32)
    mass = box_mean(ones, radius)

    def mean(plane: Floats) -> Floats:
        return box_mean(plane * ones, radius) / mass

    means = [mean(centred[..., i]) for i in range(channels)]
    goals = [mean(values[..., c]) for c in range(outputs)]
    covariance = np.empty((*guide.shape[:2], channels, channels), np.float32)
    cross = np.empty((*guide.shape[:2], channels, outputs), np.float32)
    for i in range(channels):
        for j in range(i, channels):
            plane = mean(centred[..., i] * centred[..., j]) - means[i] * means[j]
            covariance[..., i, j] = covariance[..., j, i] = plane
        covariance[..., i, i] = np.maximum(covariance[..., i, i], 0) + np.float32(epsilon)
        for c in range(outputs):
            cross[..., i, c] = mean(centred[..., i] * values[..., c]) - means[i] * goals[c]
    slopes = _solve(covariance, cross)
    matrix = np.empty((*guide.shape[:2], outputs, channels), np.float32)
    offset = np.empty(values.shape, np.float32)
    for c in range(outputs):
        constant = goals[c] - sum(slopes[..., i, c] * means[i] for i in range(channels))
        for i in range(channels):
            matrix[..., c, i] = mean(slopes[..., i, c])
        offset[..., c] = mean(constant) - matrix[..., c, :] @ shift
    return matrix, offset


def apply(matrix: Floats, offset: Floats, guide: Floats) -> Floats:
    """(H, W, C): the models applied to the guide's colours."""
    return np.asarray(np.einsum("hwcg,hwg->hwc", matrix, guide, optimize=False) + offset, np.float32)


def box_mean(plane: Floats, radius: int) -> Floats:
    """The mean over the square window around each pixel; at the border, over the part of it that is in the picture."""
    size = 2 * radius + 1
    total = ndimage.uniform_filter(plane, size, mode="constant")
    inside = ndimage.uniform_filter1d(np.ones(plane.shape[0], np.float32), size, mode="constant")[:, None]
    inside = inside * ndimage.uniform_filter1d(np.ones(plane.shape[1], np.float32), size, mode="constant")
    return np.asarray(total / inside, np.float32)


def _solve(covariance: Floats, cross: Floats) -> Floats:
    """Small symmetric systems, all at once; three unknowns by cofactors, which is ten times as fast as LAPACK's loop."""
    if covariance.shape[-1] == 1:
        return np.asarray(cross / covariance, np.float32)
    if covariance.shape[-1] != 3:
        return np.asarray(np.linalg.solve(covariance, cross), np.float32)
    (a, b, c), (d, e), f = (
        (covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 0, 2]),
        (covariance[..., 1, 1], covariance[..., 1, 2]),
        covariance[..., 2, 2],
    )
    rows = (
        (d * f - e * e, c * e - b * f, b * e - c * d),
        (c * e - b * f, a * f - c * c, b * c - a * e),
        (b * e - c * d, b * c - a * e, a * d - b * b),
    )
    determinant = a * rows[0][0] + b * rows[0][1] + c * rows[0][2]
    out = np.empty_like(cross)
    for i, row in enumerate(rows):
        for k in range(cross.shape[-1]):
            total = row[0] * cross[..., 0, k] + row[1] * cross[..., 1, k] + row[2] * cross[..., 2, k]
            out[..., i, k] = total / determinant
    return out
