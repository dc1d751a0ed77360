"""Making a fill meet its surroundings without a visible seam; and the soft rim of a mask.

Pictures are (H, W, C) float32 arrays, masks (H, W) boolean; values may exceed [0, 1].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]


def feather(mask: Mask, radius: float) -> NDArray[np.float32]:
    """(H, W) alpha: 1 in the mask, falling smoothly outside it; exactly 0 for all that is farther than `radius` pixels.

    The distance is Euclidean, between pixel centres; a radius below 1 gives the mask itself.
    """
    if radius < 0:
        raise ValueError("a feather's radius is not negative")
    alpha = mask.astype(np.float32)
    box = _box(mask, int(np.ceil(radius)))
    if box is None or radius < 1:
        return alpha
    distance = ndimage.distance_transform_edt(~mask[box])
    ramp = np.clip(1 - distance / (radius + 1), 0, 1)
    alpha[box] = np.where(distance > radius, 0, ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
    return alpha


def membrane(fill: Picture, around: Picture, mask: Mask, tolerance: float = 3e-4) -> Picture:
    """Gradient-domain blending: the fill's own gradients, with the values of the surroundings at the rim.

    Solves the Poisson equation of Pérez et al., "Poisson Image Editing" (SIGGRAPH 2003), in the form of its section 2:
    the fill plus the smooth membrane (Laplace equation) that takes, on the pixels next to the mask, the difference
    between the surroundings and the fill. At the border of the picture the membrane is free (its slope is 0).

    Parameters
    ----------
    fill
        What goes into the mask; the pixels next to the mask must hold what it would continue with there.
    around
        The picture to be met.
    mask
        Where the fill goes.
    tolerance
        Largest residual left in the equation, in units of the values.

    Returns
    -------
    NDArray
        `around`, bit for bit, outside the mask, and the corrected fill inside.
    """
    _check(fill, around, mask)
    out = around.copy()
    box = _box(mask, 1)
    if box is None:
        return out
    inside = mask[box]
    target = fill[box]
    if not inside.all():
        difference = np.where(inside[:, :, None], 0, around[box] - target).astype(np.float32)
        target = target + _laplace(difference, inside, ndimage.binary_dilation(inside) & ~inside, tolerance)
    out[box][inside] = target[inside]
    return out


def _laplace(values: Picture, unknown: Mask, known: Mask, tolerance: float) -> Picture:
    """The harmonic function in `unknown` with the given `values` in `known`; coarse to fine (cascadic multigrid)."""
    start = np.where(unknown[:, :, None], 0, values)
    if min(unknown.shape) > 8 and unknown.sum() > 64:
        weight = _halved(known[:, :, None].astype(np.float32))
        means = _halved(values * known[:, :, None]) / np.maximum(weight, 1e-6)
        seen = weight[:, :, 0] > 0
        inner = (_halved(unknown[:, :, None].astype(np.float32))[:, :, 0] > 0) & ~seen
        coarse = _laplace(means * seen[:, :, None], inner, seen, tolerance)
        finer = coarse.repeat(2, axis=0).repeat(2, axis=1)[: unknown.shape[0], : unknown.shape[1]]
        start = np.where(unknown[:, :, None], finer, values)
    return _relaxed(start.astype(np.float32), unknown, known, tolerance)


def _relaxed(start: Picture, unknown: Mask, known: Mask, tolerance: float, limit: int = 400) -> Picture:
    """Conjugate gradients (Hestenes and Stiefel 1952) on the five-point Laplacian, all channels at once."""
    active = unknown | known
    degree = _neighbour_sum(active[:, :, None].astype(np.float32))
    free = unknown[:, :, None].astype(np.float32)
    active_values = active[:, :, None].astype(np.float32)

    def laplacian(x: Picture) -> Picture:
        return np.asarray((degree * x - _neighbour_sum(x * active_values)) * free, dtype=np.float32)

    x = start * active_values
    residual = -laplacian(x)
    direction = residual.copy()
    energy = (residual**2).sum(axis=(0, 1))
    for _ in range(limit):
        if np.abs(residual).max(initial=0) <= tolerance:
            break
        image = laplacian(direction)
        step = energy / np.maximum((direction * image).sum(axis=(0, 1)), 1e-20)
        x += step * direction
        residual -= step * image
        following = (residual**2).sum(axis=(0, 1))
        direction = residual + following / np.maximum(energy, 1e-20) * direction
        energy = following
    return np.asarray(x, dtype=np.float32)


def _neighbour_sum(x: Picture) -> Picture:
    total = np.zeros_like(x)
    total[1:] += x[:-1]
    total[:-1] += x[1:]
    total[:, 1:] += x[:, :-1]
    total[:, :-1] += x[:, 1:]
    return total


def _halved(x: Picture) -> Picture:
    """Means of 2 x 2 pixels; an odd last row or column is completed by zeros."""
    height, width = x.shape[:2]
    even = np.pad(x, ((0, height % 2), (0, width % 2), (0, 0)))
    return np.asarray((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4, dtype=np.float32)


def multiband(fill: Picture, around: Picture, alpha: NDArray[np.float32], bands: int = 5) -> Picture:
    """Multi-band blending: coarse structure is mixed over a wide zone, detail over a narrow one.

    Burt and Adelson, "A Multiresolution Spline with Application to Image Mosaics" (1983), section 3, with Gaussian
    filters at full size in place of the pyramid.

    Parameters
    ----------
    fill, around
        (H, W, C) pictures that both make sense everywhere: near the rim, the coarse structure inside the mask is partly
        that of the surroundings. To remove something, use `membrane`.
    alpha
        (H, W) in [0, 1], as `feather` gives it: 1 where the fill is wanted. Where it is 0 the result is `around`, bit
        for bit: the mixing zones of all bands lie where it is above 0, and end there without a step.
    bands
        Number of frequency bands; the widest has a standard deviation of 2 ** (bands - 2) pixels.
    """
    _check(fill, around, alpha)
    if bands < 1:
        raise ValueError("there is at least one band")
    difference = (fill - around).astype(np.float32)
    mixed = np.zeros_like(difference)
    weight = alpha.astype(np.float32)
    for band in range(bands - 1):
        sigma = 2.0**band if band == 0 else float(np.sqrt(4.0**band - 4.0 ** (band - 1)))
        smoother = ndimage.gaussian_filter(difference, (sigma, sigma, 0), mode="nearest")
        mixed += (alpha * weight)[:, :, None] * (difference - smoother)
        difference = smoother
        weight = ndimage.gaussian_filter(weight, sigma, mode="nearest")
    mixed += (alpha * weight)[:, :, None] * difference
    return np.where(alpha[:, :, None] > 0, around + mixed, around).astype(np.float32)


def _check(fill: Picture, around: Picture, mask: NDArray[np.generic]) -> None:
    if fill.ndim != 3 or fill.shape != around.shape or fill.shape[:2] != mask.shape:
        raise ValueError(f"shapes do not fit: fill {fill.shape}, surroundings {around.shape}, mask {mask.shape}")


def _box(mask: Mask, margin: int) -> tuple[slice, slice] | None:
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
