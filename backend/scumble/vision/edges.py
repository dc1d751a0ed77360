"""Lines in pictures: three detectors that see differently, and what makes their answers into thin, clean lines.

- `canny`: Canny, "A Computational Approach to Edge Detection" (1986), on the strongest colour channel: thin and nervous.
- `dark_lines`: the extended difference of Gaussians of Winnemöller, Kyprianidis and Olsen, "XDoG" (2012), equations 5 and 7,
  thinned: what a pen would draw, as it marks dark strokes by one line, not by their two sides.
- `outlines`: gradients of three scales of a flattened picture, as holistically nested edges (Xie and Tu 2015) would see
  it: few, long lines around things.

Pictures are (H, W, 3) in 0 to 1; lines (H, W) booleans.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

EIGHT = np.ones((3, 3), np.bool_)
"""Neighbours that touch with a corner belong together."""


def canny(rgb: Floats, sigma: float = 1.4, low: float = 0.02, high: float = 0.055) -> Mask:
    """Ridges of the gradient that are stronger than `low` and connected to one stronger than `high` (change per pixel)."""
    across, down = _gradient(_smooth(rgb, sigma))
    return hysteresis(ridges(np.hypot(across, down), across, down), low, high)


def dark_lines(
    rgb: Floats, sigma: float = 1.0, wider: float = 1.6, sharpness: float = 12.0, threshold: float = 0.009
) -> Mask:
    """Where the picture is darker than around it, as one line along the middle.

    Parameters
    ----------
    sigma, wider
        Standard deviation of the narrow Gaussian, in pixels, and how many times as wide the other one is.
    sharpness
        p of XDoG: how much the difference counts beside the lightness.
    threshold
        How much darker than the wide Gaussian; the lightness itself is taken out, so it means the same in shadows.
    """
    gray = _lightness(rgb)
    narrow = ndimage.gaussian_filter(gray, sigma, mode="nearest")
    wide = ndimage.gaussian_filter(gray, sigma * wider, mode="nearest")
    # equation 7 without its constant lightness: (1 + p) G − p kG, seen against kG
    sharpened = (1 + sharpness) * narrow - sharpness * wide
    return thinned((wide - sharpened) / (1 + sharpness) > threshold)


def outlines(rgb: Floats, flattened: Floats) -> Mask:
    """Few, long lines: gradients of `flattened` (the same picture, smoothed within its parts) at three scales, above Otsu's
    threshold, where the picture's own gradient has its ridge."""
    strength = np.zeros(rgb.shape[:2], np.float32)
    for sigma in (1.0, 2.0, 3.5):
        across, down = _gradient(_smooth(flattened, sigma))
        strength += np.hypot(across, down) * np.float32(sigma**0.5)
    across, down = _gradient(_smooth(flattened, 1.5))
    found = ridges(strength, across, down)
    values = strength[strength > 1e-3]
    if not values.size:
        return np.zeros(rgb.shape[:2], np.bool_)
    high = otsu(np.log(values))
    return hysteresis(found, 0.5 * float(np.exp(high)), 1.15 * float(np.exp(high)))


def ridges(strength: Floats, across: Floats, down: Floats) -> Floats:
    """The strength where it is greatest along the gradient's direction, 0 elsewhere (non-maximum suppression)."""
    padded = np.pad(strength, 1)
    height, width = strength.shape

    def shifted(y: int, x: int) -> Floats:
        return padded[1 + y : 1 + y + height, 1 + x : 1 + x + width]

    # the direction is rounded to one of four
    octant = np.round(np.arctan2(down, across) / (np.pi / 4)).astype(np.int8) % 4
    steps = ((0, 1), (1, 1), (1, 0), (1, -1))
    keep = np.zeros(strength.shape, np.bool_)
    for number, (y, x) in enumerate(steps):
        # of two that are equal only one is the ridge
        keep |= (octant == number) & (strength >= shifted(y, x)) & (strength > shifted(-y, -x))
    return np.where(keep, strength, 0).astype(np.float32)


def hysteresis(strength: Floats, low: float, high: float) -> Mask:
    """What is above `low` and connected to something above `high`."""
    weak = strength > low
    labels, count = ndimage.label(weak, EIGHT)
    good = np.zeros(count + 1, np.bool_)
    good[np.unique(labels[strength > high])] = True
    good[0] = False
    return np.asarray(good[labels])


def without_small(lines: Mask, least: int) -> Mask:
    """Lines of at least so many pixels."""
    labels, count = ndimage.label(lines, EIGHT)
    size = np.bincount(labels.ravel(), minlength=count + 1)
    size[0] = 0
    return np.asarray(size[labels] >= least)


def otsu(values: NDArray[np.float32], bins: int = 128) -> float:
    """The threshold that parts values into the two classes of least variance (Otsu 1979)."""
    counts, edges = np.histogram(values, bins)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return float(edges[1:][int(np.nanargmax(np.where(np.isfinite(between), between, -1)))])


def _table() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each pattern of eight neighbours: whether a pixel may go in the first and in the second half of a round."""
    first, second = np.zeros(256, np.bool_), np.zeros(256, np.bool_)
    for code in range(256):
        # clockwise from the one above
        n, ne, e, se, s, sw, w, nw = (bool((code >> bit) & 1) for bit in range(8))
        parts = (not n and (ne or e)) + (not e and (se or s)) + (not s and (sw or w)) + (not w and (nw or n))
        pairs = min((nw or n) + (ne or e) + (se or s) + (sw or w), (n or ne) + (e or se) + (s or sw) + (w or nw))
        if parts == 1 and 2 <= pairs <= 3:
            first[code] = not ((s or sw or not nw) and w)
            second[code] = not ((n or ne or not se) and e)
    return first, second


_MAY_GO = _table()
_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def thinned(shapes: Mask) -> Mask:
    """Shapes worn away to lines of one pixel; where they are connected, they stay connected.

    Guo and Hall, "Parallel Thinning with Two-Subiteration Algorithms" (1989), algorithm A1: the better known one of Zhang and
    Suen eats oblique lines that are two pixels wide from their ends.
    """
    image = np.pad(shapes, 1).astype(np.uint8)
    height, width = shapes.shape
    while True:
        before = int(image.sum())
        for table in _MAY_GO:
            code = np.zeros(shapes.shape, np.uint8)
            for bit, (y, x) in enumerate(_AROUND):
                code |= image[1 + y : 1 + y + height, 1 + x : 1 + x + width] << np.uint8(bit)
            image[1:-1, 1:-1] &= ~table[code]
        if int(image.sum()) == before:
            return np.asarray(image[1:-1, 1:-1] > 0)


def _lightness(rgb: Floats) -> Floats:
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def _smooth(rgb: Floats, sigma: float) -> Floats:
    return np.asarray(ndimage.gaussian_filter(rgb, (sigma, sigma, 0), mode="nearest"), np.float32)


def _gradient(rgb: Floats) -> tuple[Floats, Floats]:
    """Changes per pixel to the right and downwards, of the channel that changes most."""
    across = ndimage.correlate1d(rgb, [-0.5, 0, 0.5], axis=1, mode="nearest")
    down = ndimage.correlate1d(rgb, [-0.5, 0, 0.5], axis=0, mode="nearest")
    strongest = (across**2 + down**2).argmax(axis=2)[..., None]
    return (
        np.asarray(np.take_along_axis(across, strongest, 2)[..., 0], np.float32),
        np.asarray(np.take_along_axis(down, strongest, 2)[..., 0], np.float32),
    )
