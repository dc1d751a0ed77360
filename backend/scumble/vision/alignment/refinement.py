"""A homography made exact by the pixels themselves, and how one picture's light becomes the other's.

Gauss-Newton on what the four corners of the picture are moved by, coarse to fine, with the light's gain and offset solved along (the
inverse problem of Lucas and Kanade 1981; Evangelidis and Psarakis 2008 maximize the same likeness as a correlation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .homography import Matrix, moved

Floats = NDArray[np.float32]
Weights = NDArray[np.float32]

BLURS = (4.0, 2.0, 1.0)
"""Standard deviations, in pixels, of the scales that are gone through."""

STEPS = 6
FARTHEST = 12.0
"""Corners moved by more than so many pixels have lost the picture."""

STEP = 0.5
"""Pixels by which a corner is moved to see what that changes."""

OUTLIER = 2.5
"""Differences above so many medians of their size count nothing: what is another thing has no say in the light."""


@dataclass(frozen=True)
class Light:
    """What makes one picture's colours the other's: gains and offsets (3,) of red, green and blue as they are stored."""

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]

    def on(self, rgb: Floats) -> Floats:
        return (rgb * self.gain + self.offset).astype(np.float32)


def warped(picture: Floats, matrix: Matrix, shape: tuple[int, int], order: int = 1) -> Floats:
    """(H, W, …) of `shape`: the picture seen where the homography, from these pixels to the picture's, looks.

    Where it shrinks, the picture is blurred first. Beyond the picture's border it goes on as it ends. No value exceeds the picture's own.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    places = moved(matrix, np.stack([columns.ravel(), rows.ravel()], 1).astype(np.float64))
    shrinks = shrinking(matrix, shape)
    sigma = 0.5 * float(np.sqrt(shrinks**2 - 1)) if shrinks > 1.05 else 0.0
    at = [places[:, 1].reshape(shape), places[:, 0].reshape(shape)]

    def channel(one: Floats) -> Floats:
        one = ndimage.gaussian_filter(one, sigma) if sigma else one
        seen = ndimage.map_coordinates(one, at, order=order, mode="nearest", output=np.float32)
        return np.asarray(np.clip(seen, one.min(), one.max()))

    if picture.ndim == 2:
        return channel(picture)
    return np.stack([channel(picture[..., n]) for n in range(picture.shape[2])], -1)


def shrinking(matrix: Matrix, shape: tuple[int, int]) -> float:
    """How many of the picture's pixels lie, along a side, under one pixel in the middle of `shape`."""
    y, x = (length / 2 for length in shape)
    depth = float(matrix[2] @ [x, y, 1])
    return float(np.sqrt(abs(np.linalg.det(matrix)) / max(abs(depth), 1e-9) ** 3))


def refined(matrix: Matrix, one: Floats, other: Floats, weights: Weights) -> Matrix:
    """The homography from the pixels of `one` (H, W) to those of `other`, so that they agree better where the weights (H, W) say.

    The given one where nothing better is found near it.
    """
    height, width = one.shape
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
    base = matrix
    shift = np.zeros(8)
    best, error = shift, _error(one, warped(other, base, one.shape), weights)
    for blur in BLURS:
        a, b = (ndimage.gaussian_filter(picture, blur) for picture in (one, other))
        for _ in range(STEPS):
            here = warped(b, base @ _from_corners(corners, shift), one.shape)
            slopes = np.stack(
                [
                    (warped(b, base @ _from_corners(corners, shift + STEP * unit), one.shape) - here).ravel() / STEP
                    for unit in np.eye(8)
                ],
                1,
            )
            change = _step(a.ravel(), here.ravel(), slopes, weights.ravel())
            shift = shift + np.clip(change, -2 * blur, 2 * blur)
            if np.abs(shift).max() > FARTHEST or not np.isfinite(shift).all():
                return base @ _from_corners(corners, best)
            if np.abs(change).max() < 0.02:
                break
        reached = _error(one, warped(other, base @ _from_corners(corners, shift), one.shape), weights)
        if reached < error:
            best, error = shift.copy(), reached
    return base @ _from_corners(corners, best)


def light(one: Floats, other: Floats, where: NDArray[np.bool_]) -> Light:
    """What gives `other` (H, W, 3) the light of `one` over the pixels (H, W) that both know; what differs for another reason is left
    out as it shows itself."""
    a, b = one[where].astype(np.float64), other[where].astype(np.float64)
    gain, offset = np.ones(3), np.zeros(3)
    kept = np.ones(len(a), np.bool_)
    for _ in range(5):
        if kept.sum() < 16:
            break
        for n in range(3):
            x, y = b[kept, n], a[kept, n]
            spread = x.var() + 1e-4
            # where there is no contrast to go by, the light is brighter or darker as a whole
            gain[n] = np.clip((((x - x.mean()) * (y - y.mean())).mean() + 1e-4) / spread, 0.25, 4)
            offset[n] = y.mean() - gain[n] * x.mean()
        apart = np.abs(b * gain + offset - a).max(1)
        kept = apart <= OUTLIER * max(float(np.median(apart)), 1 / 255)
    return Light(gain, offset)


def likeness(one: Floats, other: Floats, where: NDArray[np.bool_]) -> float:
    """Correlation of two pictures' lightness (H, W) over some pixels, in -1 to 1; where both are flat and alike, 1."""
    a, b = (x[where].astype(np.float64) for x in (one, other))
    if len(a) < 16:
        return 0.0
    if float(np.median(np.abs(a - b))) < 0.01:
        return 1.0
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-9))


def _from_corners(corners: NDArray[np.float64], shift: NDArray[np.float64]) -> Matrix:
    """The homography that moves four corners by (8,): x and y of each."""
    there = corners + shift.reshape(4, 2)
    rows, right = [], []
    for (x, y), (u, v) in zip(corners, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1).reshape(3, 3)


def _step(wanted: Floats, here: Floats, slopes: NDArray[np.float32], weights: Weights) -> NDArray[np.float64]:
    """The change of the shift that, with the light's gain and offset, explains the difference best."""
    used = weights > 0
    slopes, h, w, weight = slopes[used].astype(np.float64), here[used], wanted[used], weights[used].astype(np.float64)
    sides = np.concatenate([slopes, h[:, None], np.ones((len(h), 1))], 1)
    difference = (w - h).astype(np.float64)
    size = np.median(np.abs(difference - np.median(difference)))
    weight = weight / (1 + (difference - np.median(difference)) ** 2 / max(9 * size**2, 1e-6))
    normal = sides.T @ (sides * weight[:, None])
    normal[np.diag_indices(8)] += 1e-3 * np.trace(normal[:8, :8]) / 8 + 1e-9
    return np.asarray(np.linalg.solve(normal + 1e-9 * np.eye(10), sides.T @ (weight * difference))[:8])


def _error(one: Floats, other: Floats, weights: Weights) -> float:
    return 1 - likeness(one, other, weights > 0)
