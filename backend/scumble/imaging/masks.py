"""Where masks come from, other than a mask image: transparency, and a key colour painted over the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

LEAST_BLEND = 0.06
"""A pixel with less of the key colour than this is taken for noise of the surroundings."""


BLOCK = 8
"""Side of JPEG's blocks, over which a colour spreads, in pixels."""

WAVERS = 1.5 / 255
"""How far flat paint is off its median where JPEG has been; the soft edge of a brush leaves a step of a byte."""

LEAST_BLEED = 0.04
"""How much more of the key's hue there must be, as a share of the key's own, than in the surroundings."""


def from_alpha(alpha: NDArray[Any], threshold: float = 0.5) -> Mask:
    """The transparent part: (H, W) alpha, integers of full range or floats in [0, 1], below `threshold` in (0, 1]."""
    if not 0 < threshold <= 1:
        raise ValueError("the threshold lies above 0 and up to 1")
    full = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1
    return np.asarray(alpha < threshold * full)


def parse_colour(text: str) -> tuple[float, float, float]:
    """Red, green and blue in [0, 1] of "#rrggbb" or "#rgb"; ValueError for anything else."""
    digits = text.strip().lower().removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    if len(digits) != 6 or any(digit not in "0123456789abcdef" for digit in digits):
        raise ValueError(f"{text!r} is no colour like #00ff00")
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def from_colour(rgb: NDArray[Any], colour: Sequence[float], tolerance: float = 0.12, grow: int = 3) -> Mask:
    """What is painted in a key colour, with the soft edges of the brush.

    Pixels within the tolerance are certain. Anti-aliasing and JPEG leave blends of the key colour and the art around
    it; so a pixel near a certain one joins if it is, within the tolerance, a mixture of the key colour and of the
    nearest colour beyond the edge, and if such pixels connect it to a certain one. The art's own hue stays out, even
    where it is like the key colour: next to such art the mixture holds nothing of the key.

    Parameters
    ----------
    rgb
        (H, W, 3), integers of full range or floats in [0, 1].
    colour
        Key colour in [0, 1].
    tolerance
        Largest difference of a channel, in [0, 1].
    grow
        How many pixels a soft edge is wide at most; 0 for the certain pixels only. Where it is not 0, the mask is at
        last widened by one pixel, for the faintest rim.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"colours have the shape (height, width, 3), not {rgb.shape}")
    if not 0 <= tolerance <= 1 or grow < 0:
        raise ValueError("the tolerance lies in [0, 1], and growth is not negative")
    full = np.float32(np.iinfo(rgb.dtype).max if rgb.dtype.kind in "iu" else 1)
    key = np.asarray(colour, dtype=np.float32)
    certain = np.ones(rgb.shape[:2], dtype=np.bool_)
    for channel in range(3):
        plane = rgb[:, :, channel].astype(np.float32) / full
        certain &= np.abs(plane - key[channel]) <= tolerance + 1e-6
    box = _box_around(certain, max(2 * grow + 2, 3 * BLOCK))
    if box is None or grow == 0:
        return certain
    mask = np.zeros_like(certain)
    part = rgb[box].astype(np.float32) / full
    found = _with_soft_edge(part, certain[box], key, tolerance, grow)
    mask[box] = _with_bleed(part, found, key) if _is_compressed(part, certain[box]) else found
    return mask


def _is_compressed(rgb: NDArray[np.float32], certain: Mask) -> bool:
    """Whether paint wavers where it is far enough from its rim to be flat, as JPEG leaves it."""
    depth = ndimage.distance_transform_edt(np.pad(certain, 1))[1:-1, 1:-1]
    flat = rgb[(depth >= 3) & (depth <= BLOCK)]
    return len(flat) > 0 and bool((np.abs(flat - np.median(flat, axis=0)).max(axis=1) > WAVERS).mean() > 0.05)


def _with_bleed(rgb: NDArray[np.float32], found: Mask, key: NDArray[np.float32]) -> Mask:
    """With what JPEG has spread over its blocks: what is more of the key's hue, near it, than what lies beyond varies by."""
    hue = key - key.mean()
    if float(np.abs(hue).max()) < 0.2:  # a gray key has none
        return found
    away = ndimage.distance_transform_edt(~found)
    beyond = (away > BLOCK) & (away <= 3 * BLOCK)
    if not beyond.any():
        return found
    share = ((rgb - rgb.mean(axis=2, keepdims=True)) @ hue) / (hue @ hue)
    weight = ndimage.gaussian_filter(beyond.astype(np.float32), BLOCK / 2)
    around = ndimage.gaussian_filter(np.where(beyond, share, np.float32(0)), BLOCK / 2) / np.maximum(weight, 1e-6)
    excess = share - around
    limit = float(np.quantile(excess[beyond], 0.99)) + LEAST_BLEED
    spread = (away > 0) & (away <= BLOCK) & (excess > limit)
    return found | ndimage.binary_dilation(spread, np.ones((3, 3))) if spread.any() else found


def _with_soft_edge(
    rgb: NDArray[np.float32], certain: Mask, key: NDArray[np.float32], tolerance: float, grow: int
) -> Mask:
    away = ndimage.distance_transform_edt(~certain)
    beyond = away > grow
    if not beyond.any():
        return np.asarray(ndimage.binary_dilation(certain, np.ones((3, 3))))
    nearest = ndimage.distance_transform_edt(~beyond, return_distances=False, return_indices=True)
    rows, columns = np.nonzero((away > 0) & ~beyond)
    surround = rgb[nearest[0, rows, columns], nearest[1, rows, columns]]
    pixel = rgb[rows, columns]
    towards = key - surround
    share = ((pixel - surround) * towards).sum(1) / np.maximum((towards**2).sum(1), 1e-9)
    error = np.abs(pixel - (surround + share[:, None] * towards)).max(1)
    # Beside art of nearly the key's colour the share says nothing: noise alone makes it large.
    told_apart = np.abs(towards).max(1) > 2 * tolerance
    blended = np.zeros_like(certain)
    blended[rows, columns] = (share > LEAST_BLEND) & (error <= max(tolerance, 0.02)) & told_apart
    eight = np.ones((3, 3), dtype=np.bool_)
    joined = ndimage.binary_propagation(certain, structure=eight, mask=certain | blended)
    return np.asarray(ndimage.binary_dilation(joined, eight))


def grow(mask: NDArray[Any], pixels: float) -> Mask:
    """Everything within a distance (Euclidean, in pixels) of the mask; (H, W), what is not 0 is mask."""
    if pixels < 0:
        raise ValueError("use shrink to make a mask smaller")
    wide = np.asarray(mask != 0)
    box = _box_around(wide, int(np.ceil(pixels)))
    if box is not None and pixels > 0:
        wide[box] = ndimage.distance_transform_edt(~wide[box]) <= pixels
    return wide


def shrink(mask: NDArray[Any], pixels: float) -> Mask:
    """The mask without what lies within a distance of its outside; the picture's border takes nothing away."""
    if pixels < 0:
        raise ValueError("use grow to make a mask larger")
    narrow = np.asarray(mask != 0)
    box = _box_around(narrow, 1)
    if box is not None and pixels > 0 and not narrow[box].all():
        narrow[box] &= ndimage.distance_transform_edt(narrow[box]) > pixels
    return narrow


def _box_around(mask: Mask, margin: int) -> tuple[slice, slice] | None:
    """Slices of what surrounds the mask, so that a small mask on a large canvas is cheap; None for an empty mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + margin + 1),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + margin + 1),
    )
