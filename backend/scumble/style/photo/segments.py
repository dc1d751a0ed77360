"""Segments of two pictures that go together: out of flat colours, or found in the pictures themselves.

Labels are (H, W) int32; the same number on both sides goes together, and −1 belongs to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]
Mask = NDArray[np.bool_]

PUBLISHED = {
    "blue": (0, 0, 1),
    "green": (0, 1, 0),
    "black": (0, 0, 0),
    "white": (1, 1, 1),
    "red": (1, 0, 0),
    "yellow": (1, 1, 0),
    "grey": (0.5, 0.5, 0.5),
    "lightblue": (0, 1, 1),
    "purple": (1, 0, 1),
}
"""The nine colours of Deep Photo Style Transfer's segmentations, in its order."""

NEAR = 0.2
"""Colours (0 to 1) at most so far apart are one; compression makes a flat colour waver."""

LEAST_SHARE = 0.0005
"""Of a map's flat pixels; a colour with less is an accident."""

FLAT = 0.1
"""Greatest difference of a channel to the pixel's neighbours inside a flat part."""


@dataclass(frozen=True)
class Segments:
    """Labels of both pictures, and how many segments there are (numbers run from 0)."""

    content: Labels
    style: Labels
    count: int

    def lonely(self) -> list[int]:
        """Segments of the content that the style does not have."""
        there = set(np.unique(self.style).tolist())
        return [n for n in np.unique(self.content).tolist() if n >= 0 and n not in there]


def published_mask(rgb: Floats, name: str) -> Floats:
    """(H, W), 1 where a map has one of the nine colours, by the published thresholds.

    Below 0.1 is nothing, above 0.9 full, and grey lies from 0.4 to 0.6 in each channel.
    """
    mask = np.ones(rgb.shape[:2], np.bool_)
    for channel, wanted in enumerate(PUBLISHED[name]):
        value = rgb[..., channel]
        if wanted == 0.5:
            mask &= (value > 0.4) & (value < 0.6)
        else:
            mask &= value > 0.9 if wanted else value < 0.1
    return mask.astype(np.float32)


def from_colours(
    content: Floats,
    style: Floats,
    content_seen: NDArray[np.bool_] | None = None,
    style_seen: NDArray[np.bool_] | None = None,
) -> Segments:
    """Segments out of two maps of flat colours; any colours will do, equal ones (nearly) go together.

    Parameters
    ----------
    content, style
        (H, W, 3) and (H', W', 3) in 0 to 1. Between flat parts (soft or compressed edges) a pixel takes the label that
        lies nearest.
    content_seen, style_seen
        Where the maps are not transparent; by default everywhere. What is not seen takes the nearest label, too.
    """
    if content_seen is None:
        content_seen = np.ones(content.shape[:2], np.bool_)
    if style_seen is None:
        style_seen = np.ones(style.shape[:2], np.bool_)
    flat_content, flat_style = _flat(content) & content_seen, _flat(style) & style_seen
    palette = _palette([content[flat_content], style[flat_style]])
    return Segments(
        _labelled(content, flat_content, palette), _labelled(style, flat_style, palette), max(1, len(palette))
    )


def _flat(rgb: Floats) -> NDArray[np.bool_]:
    spread = ndimage.maximum_filter(rgb, (3, 3, 1)) - ndimage.minimum_filter(rgb, (3, 3, 1))
    return np.asarray((spread <= FLAT).all(axis=2))


def _palette(maps: Sequence[Floats]) -> Floats:
    """(K, 3): the colours that occur, the most frequent of neighbouring ones first."""
    levels = 32
    shares = np.zeros(levels**3)
    sums = np.zeros((levels**3, 3))
    for colours in maps:
        if not len(colours):
            continue
        cells = (np.clip(colours, 0, 1) * (levels - 1e-3)).astype(np.int64) @ np.array([levels**2, levels, 1])
        weight = np.full(len(colours), 1 / len(colours))
        shares += np.bincount(cells, weight, levels**3)
        for channel in range(3):
            sums[:, channel] += np.bincount(cells, weight * colours[:, channel], levels**3)
    found: list[NDArray[np.float64]] = []
    amounts: list[float] = []
    for cell in np.argsort(-shares, kind="stable")[: np.count_nonzero(shares)]:
        colour = sums[cell] / shares[cell]
        distances = [float(np.linalg.norm(colour - other)) for other in found]
        if distances and min(distances) <= NEAR:
            amounts[int(np.argmin(distances))] += shares[cell]
        else:
            found.append(colour)
            amounts.append(float(shares[cell]))
    kept = [colour for colour, amount in zip(found, amounts, strict=True) if amount >= LEAST_SHARE]
    return np.array(kept, np.float32).reshape(-1, 3)


def _labelled(rgb: Floats, flat: NDArray[np.bool_], palette: Floats) -> Labels:
    if not len(palette):
        return np.zeros(rgb.shape[:2], np.int32)
    distances = np.stack([np.linalg.norm(rgb - colour, axis=2) for colour in palette])
    labels: Labels = distances.argmin(axis=0).astype(np.int32)
    sure: NDArray[np.bool_] = flat & (distances.min(axis=0) <= NEAR)
    if not sure.any():
        return labels
    nearest = ndimage.distance_transform_edt(~sure, return_distances=False, return_indices=True)
    found: Labels = labels[tuple(nearest)]
    return found


def automatic(
    content: Floats, style: Floats, count: int, seed: int = 0, seen: tuple[Mask, Mask] | None = None
) -> Segments:
    """Segments out of the pictures: colours that stand alike among those of their own picture, and at a like height.

    k-means over both pictures at once, on Lab values of zero mean and unit deviation per picture and
    on the row; then each pixel takes the label of most of its surroundings.

    Parameters
    ----------
    content, style
        Lab pictures, (h, w, 3), small: every pixel takes part.
    count
        At most so many segments.
    seen
        (h, w) of each: the pixels whose colours count, by default all. The others get labels, too.
    """
    masks = seen or tuple(np.ones(picture.shape[:2], np.bool_) for picture in (content, style))
    described = [_described(picture, mask) for picture, mask in zip((content, style), masks, strict=True)]
    rng = np.random.default_rng(seed)
    shown = [points[mask.ravel()] for points, mask in zip(described, masks, strict=True)]
    samples = [points[rng.permutation(len(points))[:4000]] for points in shown]
    centres = _k_means(np.concatenate(samples), count)
    labels = []
    for points, picture in zip(described, (content, style), strict=True):
        hard = _nearest(points, centres).reshape(picture.shape[:2])
        size = max(3, max(picture.shape[:2]) // 40 * 2 + 1)
        votes = [ndimage.uniform_filter((hard == n).astype(np.float32), size) for n in range(len(centres))]
        labels.append(np.argmax(votes, axis=0).astype(np.int32))
    return Segments(labels[0], labels[1], len(centres))


def _described(picture: Floats, seen: Mask) -> NDArray[np.float64]:
    height, width = picture.shape[:2]
    colours = picture.reshape(-1, 3).astype(np.float64)
    known = colours[seen.ravel()]
    # lightness tells parts of a scene apart; hues of two pictures have little to do with each other
    colours = (colours - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1) * (1.0, 0.5, 0.5)
    rows = np.repeat(np.linspace(-1.5, 1.5, height), width)[:, None]
    return np.concatenate([colours, rows], axis=1)


def _k_means(points: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(at most `count`, D): centres. They begin by splitting the widest group at its mean, across its principal axis, again and again
    (Boley, "Principal Direction Divisive Partitioning", 1998): a file of the same photograph in another colour space, whose
    values are rounded differently, must give the same segments, which starts by chance do not."""
    groups = [points]
    while len(groups) < count:
        spreads = [float(((group - group.mean(axis=0)) ** 2).sum()) for group in groups]
        widest = int(np.argmax(spreads))
        if spreads[widest] <= 1e-9:
            break  # fewer different points than segments
        centred = groups[widest] - groups[widest].mean(axis=0)
        _, axes = np.linalg.eigh(centred.T @ centred)
        axis = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
        above = centred @ axis > 0
        groups[widest : widest + 1] = [groups[widest][~above], groups[widest][above]]
    centres: NDArray[np.float64] = np.stack([group.mean(axis=0) for group in groups])
    for _ in range(30):
        labels = _nearest(points, centres)
        moved = np.stack(
            [points[labels == n].mean(axis=0) if (labels == n).any() else centres[n] for n in range(len(centres))]
        )
        if np.allclose(moved, centres):
            break
        centres = moved
    return centres


def _nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.asarray((-2 * points @ centres.T + (centres**2).sum(axis=1)).argmin(axis=1))
