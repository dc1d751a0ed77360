"""The matting Laplacian: how far a picture is from being, everywhere, an affine function of another's colours.

Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting" (2008), equation 12, for square windows.
Deep Photo Style Transfer uses its quadratic form as the measure of what is not photographic.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Progress = Callable[[float], None]

THREADS = min(4, os.cpu_count() or 1)

ROWS = 16
"""Rows of windows whose entries are worked out at once, so that the temporaries stay in the processor's cache."""


def matting_laplacian(picture: NDArray[np.floating], epsilon: float = 1e-7, radius: int = 1) -> sparse.csr_array:
    """The Laplacian of a picture, row by row (index = y · width + x).

    Parameters
    ----------
    picture
        (H, W, C) colours in about 0 to 1; C is 1 or 3, both sides at least 2 · radius + 1.
    epsilon
        Regularization of a window's colour covariance (epsilon / window size is added to its diagonal).
    radius
        Windows have 2 · radius + 1 pixels on a side, and lie wholly inside the picture.

    Returns
    -------
    scipy.sparse.csr_array
        (H · W, H · W) float64, symmetric, positive semi-definite, with rows that add up to 0.
    """
    if picture.ndim != 3 or picture.shape[2] not in (1, 3):
        raise ValueError(f"a picture is (height, width, 1 or 3), not {picture.shape}")
    side = 2 * radius + 1
    height, width = picture.shape[:2]
    if radius < 1 or height < side or width < side:
        raise ValueError(f"windows of {side} pixels do not fit into {width} × {height}")
    if epsilon < 0:
        raise ValueError("epsilon is not negative")
    bands = _bands(np.asarray(picture, np.float64), epsilon, radius)
    return _from_bands(bands, radius)


def _bands(picture: Floats, epsilon: float, radius: int) -> Floats:
    """(offsets, H, W): entry [d, y, x] couples pixel (y, x) with the pixel that offset d (from (0, 0) on) leads to.

    The matrix is symmetric, so offsets that lead up or left are left out. Band 0 is the diagonal. There is a frame of
    2 · radius zeros around every band.
    """
    height, width, _ = picture.shape
    reach = 2 * radius
    framed = np.zeros((len(_offsets(reach)), height + 2 * reach, width + 2 * reach))
    bands = framed[:, reach : reach + height, reach : reach + width]
    planes = np.ascontiguousarray(np.moveaxis(picture, -1, 0))
    tops = range(0, height - 2 * radius, ROWS)

    def strip(top: int) -> None:
        _add_strip(bands, planes, top, epsilon, radius)

    # Neighbouring strips write to common rows; every other one does not.
    with ThreadPoolExecutor(THREADS) as threads:
        for turn in (tops[::2], tops[1::2]):
            list(threads.map(strip, turn))
    return framed


def _add_strip(bands: Floats, planes: Floats, top: int, epsilon: float, radius: int) -> None:
    """Add what the windows give whose upper edges lie in the rows from `top` on."""
    side, (channels, height, width) = 2 * radius + 1, planes.shape
    place = {offset: number for number, offset in enumerate(_offsets(2 * radius))}
    places = [(y, x) for y in range(side) for x in range(side)]
    count = len(places)
    across, down = width - 2 * radius, min(ROWS, height - 2 * radius - top)
    views = [planes[:, top + y : top + y + down, x : x + across] for y, x in places]
    mean = views[0].copy()
    for view in views[1:]:
        mean += view
    mean /= count
    centred = [view - mean for view in views]
    turned = _times_inverse_covariance(centred, channels, count, epsilon)
    value, term = np.empty((down, across)), np.empty((down, across))
    for i, (y, x) in enumerate(places):
        for j in range(i, count):
            np.multiply(turned[i][0], centred[j][0], out=value)
            for channel in range(1, channels):
                np.multiply(turned[i][channel], centred[j][channel], out=term)
                value += term
            offset = (places[j][0] - y, places[j][1] - x)
            value += (i == j) - 1 / count  # `turned` carries the factor −1 / count
            bands[place[offset], top + y : top + y + down, x : x + across] += value


def _times_inverse_covariance(centred: list[Floats], channels: int, count: int, epsilon: float) -> list[list[Floats]]:
    """For each pixel of the windows: its centred colour times the inverse of the window's regularized covariance,
    times −1 / (pixels of a window)."""

    def covariance(a: int, b: int) -> Floats:
        total: Floats = np.zeros_like(centred[0][0])
        for colour in centred:
            total += colour[a] * colour[b]
        total /= count
        if a == b:
            total += epsilon / count
        return total

    if channels == 1:
        inverse = -1 / (count * np.maximum(covariance(0, 0), np.finfo(np.float64).tiny))
        return [[colour[0] * inverse] for colour in centred]
    a, b, c = covariance(0, 0), covariance(0, 1), covariance(0, 2)
    d, e, f = covariance(1, 1), covariance(1, 2), covariance(2, 2)
    cofactors = ((d * f - e * e, c * e - b * f, b * e - c * d), (a * f - c * c, b * c - a * e), (a * d - b * b,))
    determinant = a * cofactors[0][0] + b * cofactors[0][1] + c * cofactors[0][2]
    scale = -1 / (count * np.maximum(determinant, np.finfo(np.float64).tiny))
    xx, xy, xz = (term * scale for term in cofactors[0])
    yy, yz = (term * scale for term in cofactors[1])
    zz = cofactors[2][0] * scale
    return [
        [
            xx * colour[0] + xy * colour[1] + xz * colour[2],
            xy * colour[0] + yy * colour[1] + yz * colour[2],
            xz * colour[0] + yz * colour[1] + zz * colour[2],
        ]
        for colour in centred
    ]


def _offsets(reach: int) -> list[tuple[int, int]]:
    """(rows, columns) from a pixel to those it shares a window with, itself first, each pair once."""
    return [(0, x) for x in range(reach + 1)] + [(y, x) for y in range(1, reach + 1) for x in range(-reach, reach + 1)]


def _from_bands(bands: Floats, radius: int) -> sparse.csr_array:
    """The whole symmetric matrix in compressed rows; the pattern is known, so nothing has to be sorted."""
    reach = 2 * radius
    height, width = bands.shape[1] - 2 * reach, bands.shape[2] - 2 * reach
    offsets = _offsets(reach)
    everywhere = [(y, x) for y in range(-reach, reach + 1) for x in range(-reach, reach + 1)]
    rows, columns = np.arange(height), np.arange(width)
    beside = np.array([(columns + x >= 0) & (columns + x < width) for _, x in everywhere]).T
    above = np.array([(rows + y >= 0) & (rows + y < height) for y, _ in everywhere]).T
    counts = above.astype(np.int64) @ beside.T.astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(counts.ravel())])
    data = np.empty(starts[-1])
    indices = np.empty(starts[-1], np.int32)
    steps = np.array([y * width + x for y, x in everywhere], np.int32)

    def rows_from(top: int) -> None:
        down = min(ROWS, height - top)
        values = np.empty((down, width, len(everywhere)))
        for number, (y, x) in enumerate(everywhere):
            if (y, x) in offsets:
                band, up, left = offsets.index((y, x)), reach, reach
            else:  # of a symmetric pair, the entry lies with the other pixel
                band, up, left = offsets.index((-y, -x)), reach + y, reach + x
            values[..., number] = bands[band, top + up : top + up + down, left : left + width]
        index = np.arange(top * width, (top + down) * width, dtype=np.int32).reshape(down, width, 1) + steps
        present = above[top : top + down, None] & beside
        part = slice(starts[top * width], starts[(top + down) * width])
        data[part], indices[part] = values[present], index[present]

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(rows_from, range(0, height, ROWS)))
    size = height * width
    return sparse.csr_array((data, indices, starts.astype(np.int32)), shape=(size, size))


def smooth_solution(
    laplacian: sparse.csr_array,
    goal: Floats,
    weight: Floats,
    tolerance: float = 1e-6,
    most_steps: int = 2000,
    progress: Progress | None = None,
) -> tuple[Floats, float]:
    """What lies near a goal and is smooth in the sense of the Laplacian: (L + diag(weight)) x = weight · goal.

    Solved by conjugate gradients with the diagonal as preconditioner, for all columns at once.

    Parameters
    ----------
    laplacian
        (N, N).
    goal
        (N, C).
    weight
        (N,), positive somewhere: how much each pixel is held to its goal.
    tolerance
        Of the residual's norm relative to the right side's, for each column.
    progress
        Called with the share of the way to the tolerance, on a logarithmic scale. What it raises ends the work.

    Returns
    -------
    tuple
        The solution (N, C), and the largest relative residual of its columns.

    Raises
    ------
    ValueError
        Where shapes do not fit, or no pixel has weight.
    """
    count = laplacian.shape[0]
    if goal.ndim != 2 or goal.shape[0] != count or weight.shape != (count,):
        raise ValueError(f"{laplacian.shape}, goal {goal.shape} and weight {weight.shape} do not fit")
    if (weight < 0).any() or not weight.any():
        raise ValueError("weights are not negative, and one of them is positive")
    system = sparse.csr_array(laplacian + sparse.diags_array(weight))
    right = weight[:, None] * goal
    scale = np.maximum(np.linalg.norm(right, axis=0), 1e-300)
    inverse = (1 / np.maximum(system.diagonal(), 1e-300))[:, None]
    x = np.array(goal, np.float64)
    residual = right - system @ x
    better = inverse * residual
    direction = better
    energy = np.einsum("nc,nc->c", residual, better)
    worst = float((np.linalg.norm(residual, axis=0) / scale).max())
    first = max(worst, tolerance * 1.0001)
    for _ in range(most_steps):
        if progress is not None:
            progress(min(1.0, max(0.0, float(np.log(first / max(worst, tolerance)) / np.log(first / tolerance)))))
        if worst <= tolerance:
            break
        image = system @ direction
        step = energy / np.maximum(np.einsum("nc,nc->c", direction, image), 1e-300)
        x += step * direction
        residual = residual - step * image
        better = inverse * residual
        following = np.einsum("nc,nc->c", residual, better)
        direction = better + following / np.maximum(energy, 1e-300) * direction
        energy = following
        worst = float((np.linalg.norm(residual, axis=0) / scale).max())
    return x, worst
