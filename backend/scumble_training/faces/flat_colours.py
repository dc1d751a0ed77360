"""A picture as an artist would lay in its colours: flattened, cut into segments, each in its median colour.

The colour domain of SC-FEGAN (Jo and Park 2019, section 3.1): median filter, bilateral filter again and again, and the median
colour of each segment. There the segments come from a face parser; here from the colours and places themselves.
Pictures are (H, W, 3) in 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]

SPREAD = 3
"""Half the bilateral filter's window, in pixels."""


@dataclass(frozen=True)
class FlatColours:
    """Segments, and the colour of each."""

    labels: Labels
    """(H, W): numbers of segments from 0 on."""

    colours: Floats
    """(N, 3) in 0 to 1."""

    def picture(self) -> Floats:
        """(H, W, 3)."""
        return self.colours[self.labels]


def flattened(rgb: Floats, median: int = 3, rounds: int = 4, sigma: float = 2.0, colours: float = 0.08) -> Floats:
    """Smooth within its parts: a median filter, then so many rounds of a bilateral one."""
    rgb = np.asarray(ndimage.median_filter(rgb, (median, median, 1), mode="nearest"), np.float32)
    for _ in range(rounds):
        rgb = bilateral(rgb, sigma, colours)
    return rgb


def bilateral(rgb: Floats, sigma: float, colours: float) -> Floats:
    """Tomasi and Manduchi (1998): means over near pixels of like colour.

    Parameters
    ----------
    sigma
        Standard deviation of the nearness, in pixels; the window ends at three pixels.
    colours
        Standard deviation of the likeness (Euclidean distance in RGB, 0 to 1).
    """
    height, width = rgb.shape[:2]
    wide = np.pad(rgb, ((SPREAD, SPREAD), (SPREAD, SPREAD), (0, 0)), mode="edge")
    total, weights = rgb.copy(), np.ones((height, width, 1), np.float32)
    scale = np.float32(-0.5 / colours**2)
    for y in range(-SPREAD, SPREAD + 1):
        for x in range(-SPREAD, SPREAD + 1):
            if (y, x) == (0, 0) or y * y + x * x > SPREAD * SPREAD + 1:
                continue
            there = wide[SPREAD + y : SPREAD + y + height, SPREAD + x : SPREAD + x + width]
            difference = there - rgb
            weight = np.exp(np.einsum("hwc,hwc->hw", difference, difference) * scale)[..., None]
            weight *= np.float32(np.exp(-0.5 * (y * y + x * x) / sigma**2))
            total += weight * there
            weights += weight
    return np.asarray(total / weights, np.float32)


def flat_colours(rgb: Floats, flat: Floats, segments: int = 24, place: float = 0.35, seed: int = 0) -> FlatColours:
    """Segments by k-means on the colours of `flat` and places, made whole, with the median of `rgb` in each.

    Parameters
    ----------
    flat
        `flattened(rgb)`, or that of the picture at another size: its places are what they share.
    segments
        Clusters; each of their connected parts is a segment, but no more than 255.
    place
        How much the place counts beside the colour: the whole side is so much of the range of a channel.
    """
    height, width = rgb.shape[:2]
    points = _features(flat, place)
    centres = _k_means(points, segments, np.random.default_rng(seed))
    if flat.shape != rgb.shape:
        zoom = (height / flat.shape[0], width / flat.shape[1], 1)
        points = _features(np.asarray(ndimage.zoom(flat, zoom, order=1, mode="nearest", grid_mode=True)), place)
    nearest = _nearest(points, centres).reshape(height, width)
    parts = _whole(_smoothed(nearest, segments), segments, least=height * width // 2000)
    count = int(parts.max()) + 1
    order = np.argsort(parts, axis=None, kind="stable")
    starts = np.searchsorted(parts.ravel()[order], np.arange(count + 1))
    flat_rgb = rgb.reshape(-1, 3)[order]
    colours = np.stack([np.median(flat_rgb[starts[n] : starts[n + 1]], axis=0) for n in range(count)])
    return FlatColours(parts, colours.astype(np.float32))


def _features(rgb: Floats, place: float) -> Floats:
    height, width = rgb.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    places = np.stack([y / height, x / width], axis=2) * np.float32(place)
    return np.concatenate([rgb, places], axis=2, dtype=np.float32).reshape(-1, 5)


def _k_means(points: Floats, count: int, rng: np.random.Generator, rounds: int = 8) -> Floats:
    some = points[rng.permutation(len(points))[:4096]]
    centres = some[:1]
    distance = np.full(len(some), np.inf, np.float32)
    for _ in range(count - 1):  # each begins where the others are far (k-means++, Arthur and Vassilvitskii 2007)
        distance = np.minimum(distance, ((some - centres[-1]) ** 2).sum(axis=1))
        total = float(distance.sum())
        chance = distance.astype(np.float64) / total if total > 0 else None
        if chance is not None:
            chance /= chance.sum()
        centres = np.concatenate([centres, some[rng.choice(len(some), 1, p=chance)]])
    for _ in range(rounds):
        owner = _nearest(some, centres)
        mass = np.bincount(owner, minlength=count)
        for axis in range(some.shape[1]):
            sums = np.bincount(owner, some[:, axis], minlength=count)
            centres[:, axis] = np.where(mass > 0, sums / np.maximum(mass, 1), centres[:, axis])
    return centres


def _nearest(points: Floats, centres: Floats) -> NDArray[np.intp]:
    return np.asarray(((centres**2).sum(axis=1) - 2 * (points @ centres.T)).argmin(axis=1))


def _smoothed(labels: NDArray[np.intp], count: int, size: int = 5) -> NDArray[np.intp]:
    """The commonest label of each window."""
    best, most = np.zeros(labels.shape, np.intp), np.full(labels.shape, -1.0, np.float32)
    for number in range(count):
        share = ndimage.uniform_filter((labels == number).astype(np.float32), size, mode="nearest")
        better = share > most
        best[better], most[better] = number, share[better]
    return best


def _whole(labels: NDArray[np.intp], count: int, least: int) -> Labels:
    """Connected parts, numbered; those that are too small join their nearest neighbour."""
    parts = np.zeros(labels.shape, np.int32)
    total = 0
    for number in range(count):
        found, many = ndimage.label(labels == number)
        parts[found > 0] = found[found > 0] + total
        total += many
    size = np.bincount(parts.ravel(), minlength=total + 1)
    kept = np.argsort(-size)[:255]
    kept = kept[size[kept] >= max(1, min(least, int(size.max())))]
    new = np.full(total + 1, 255, np.int32)
    new[kept] = np.arange(len(kept))
    out = new[parts]
    if (out == 255).any():
        place = ndimage.distance_transform_edt(out == 255, return_distances=False, return_indices=True)
        out = out[tuple(place)]
    return out.astype(np.uint8)
