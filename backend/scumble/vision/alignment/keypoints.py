"""Places that are found again in another picture of the same thing, with descriptions that turn and scale leave as they are.

Lowe, "Distinctive Image Features from Scale-Invariant Keypoints" (IJCV 2004): extrema of differences of Gaussians (section 3),
kept where contrast is high and the place is no edge (section 4.1), an orientation out of the gradients around (section 5), and 4 × 4
histograms of 8 directions each (section 6.1). Descriptions are compared by their square roots (Arandjelović and Zisserman 2012).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

INTERVALS = 3
"""Scales looked at within an octave."""

BASE, CAMERA = 1.6, 0.5
"""Standard deviations of the first scale's blur, and of what pictures have by themselves, in pixels."""

CONTRAST = 0.04 / INTERVALS / 2
"""Least difference of Gaussians, in lightness of 0 to 1. Half of the paper's: pictures in shadow have places, too."""

EDGE = 10.0
"""Greatest ratio of the two curvatures."""

SECOND = 0.8
"""Another direction that is as strong as this share of the strongest makes another keypoint."""

CELLS, DIRECTIONS, SAMPLES = 4, 8, 16
WIDTH = 3.0
"""Side of a cell, in standard deviations of the keypoint's scale."""

LARGEST = 0.2
"""No value of a description is larger, before its last normalization: a changed light changes only few."""

SMALLEST_SIDE = 16
"""Octaves end above this side, in pixels."""


@dataclass(frozen=True)
class Keypoints:
    """Places (N, 2) as x and y in pixels (centres of pixels are whole numbers), and descriptions (N, 128) of length 1."""

    places: NDArray[np.float64]
    descriptions: Floats

    def __len__(self) -> int:
        return len(self.places)


def keypoints(lightness: Floats, usable: Mask | None = None, most: int = 1500) -> Keypoints:
    """The strongest keypoints of an (H, W) picture in 0 to 1; with `usable`, only where the whole description lies in it."""
    places, scales, strengths = [], [], []
    found: list[tuple[NDArray[np.float64], NDArray[np.float64], list[Floats], float]] = []
    for step, blurs, gaussians in _octaves(lightness):
        at, scale, strength = _extrema(gaussians, blurs)
        places.append(at * step)
        scales.append(scale * step)
        strengths.append(strength)
        found.append((at, scale, gaussians, step))
    if not found or not sum(map(len, strengths)):
        return Keypoints(np.zeros((0, 2)), np.zeros((0, CELLS**2 * DIRECTIONS), np.float32))
    every = np.concatenate(strengths)
    least = np.sort(every)[::-1][min(most, len(every)) - 1]
    away = None if usable is None else ndimage.distance_transform_edt(usable)
    all_places, all_descriptions = [], []
    for (at, scale, gaussians, step), strength in zip(found, strengths, strict=True):
        kept = strength >= least
        if away is not None:
            rows, columns = (np.clip(np.rint(at[:, n] * step).astype(int), 0, away.shape[1 - n] - 1) for n in (1, 0))
            kept &= away[rows, columns] > CELLS * WIDTH / 2 * scale * step
        if not kept.any():
            continue
        described = _described(at[kept], scale[kept], gaussians)
        all_places.append(at[kept][described[0]] * step)
        all_descriptions.append(described[1])
    if not all_places:
        return Keypoints(np.zeros((0, 2)), np.zeros((0, CELLS**2 * DIRECTIONS), np.float32))
    return Keypoints(np.concatenate(all_places), np.concatenate(all_descriptions))


def matched(one: Keypoints, other: Keypoints, ratio: float = 0.8) -> NDArray[np.intp]:
    """(M, 2) numbers of keypoints that are each other's nearest, and clearly nearer than the next (Lowe, section 7.1)."""
    if len(one) < 2 or len(other) < 2:
        return np.zeros((0, 2), np.intp)
    alike = one.descriptions @ other.descriptions.T
    best = alike.argmax(1)
    rows = np.arange(len(one))
    mutual = alike.argmax(0)[best] == rows
    first = alike[rows, best]
    alike[rows, best] = -1
    second = alike.max(1)
    near, next_near = (np.sqrt(np.maximum(0, 2 - 2 * x)) for x in (first, second))
    clear = mutual & (near < ratio * next_near)
    return np.stack([rows[clear], best[clear]], 1)


def _octaves(lightness: Floats) -> list[tuple[float, list[float], list[Floats]]]:
    """Each octave's pixel in pixels of the picture, and its blurs and blurred pictures."""
    blurs = [BASE * 2 ** (n / INTERVALS) for n in range(INTERVALS + 3)]
    found = []
    picture = ndimage.gaussian_filter(lightness.astype(np.float32), float(np.sqrt(BASE**2 - CAMERA**2)))
    step = 1.0
    while min(picture.shape) >= SMALLEST_SIDE:
        gaussians = [picture]
        for before, after in itertools.pairwise(blurs):
            gaussians.append(ndimage.gaussian_filter(gaussians[-1], float(np.sqrt(after**2 - before**2))))
        found.append((step, blurs, gaussians))
        picture = np.ascontiguousarray(gaussians[INTERVALS][::2, ::2])
        step *= 2
    return found


def _extrema(
    gaussians: list[Floats], blurs: list[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Places (N, 2) as x and y in the octave's pixels, their scales and strengths."""
    differences = np.stack([b - a for a, b in itertools.pairwise(gaussians)])
    highest, lowest = (f(differences, size=3, mode="nearest") for f in (ndimage.maximum_filter, ndimage.minimum_filter))
    extreme = ((differences == highest) & (differences > CONTRAST)) | (
        (differences == lowest) & (differences < -CONTRAST)
    )
    extreme[[0, -1]] = False
    extreme[:, [0, 1, -2, -1]] = False
    extreme[:, :, [0, 1, -2, -1]] = False
    s, y, x = np.nonzero(extreme)
    d = differences.astype(np.float64)
    here = d[s, y, x]
    dxx = d[s, y, x + 1] + d[s, y, x - 1] - 2 * here
    dyy = d[s, y + 1, x] + d[s, y - 1, x] - 2 * here
    dxy = (d[s, y + 1, x + 1] + d[s, y - 1, x - 1] - d[s, y + 1, x - 1] - d[s, y - 1, x + 1]) / 4
    trace, determinant = dxx + dyy, dxx * dyy - dxy**2
    sharp = (determinant > 0) & (trace**2 * EDGE < (EDGE + 1) ** 2 * determinant)
    s, y, x = s[sharp], y[sharp], x[sharp]
    here, dxx, dyy = here[sharp], dxx[sharp], dyy[sharp]
    dx, dy = (d[s, y, x + 1] - d[s, y, x - 1]) / 2, (d[s, y + 1, x] - d[s, y - 1, x]) / 2
    # a parabola along each axis gives the place between pixels
    at = np.asarray(np.stack([x - np.clip(dx / dxx, -0.5, 0.5), y - np.clip(dy / dyy, -0.5, 0.5)], 1), np.float64)
    return at, np.asarray(blurs, np.float64)[s], np.asarray(np.abs(here), np.float64)


def _described(
    at: NDArray[np.float64], scale: NDArray[np.float64], gaussians: list[Floats]
) -> tuple[NDArray[np.intp], Floats]:
    """Descriptions, and of which keypoint each is: one with two directions is described twice."""
    level = np.clip(np.rint(np.log2(scale / BASE) * INTERVALS).astype(int), 0, len(gaussians) - 1)
    which, found = [], []
    for one in np.unique(level):
        rows, columns = np.gradient(gaussians[one])
        members = np.flatnonzero(level == one)
        number, direction = _directions(at[members], scale[members], rows, columns)
        which.append(members[number])
        found.append(_histograms(at[members[number]], scale[members[number]], direction, rows, columns))
    return np.concatenate(which), np.concatenate(found)


def _sampled(
    at: NDArray[np.float64], offsets: NDArray[np.float64], rows: Floats, columns: Floats
) -> tuple[Floats, Floats]:
    """Strength and direction of the gradients at (N, M, 2) offsets from (N, 2) places."""
    there = at[:, None] + offsets
    y, x = (np.clip(np.rint(there[..., n]).astype(int), 0, rows.shape[1 - n] - 1) for n in (1, 0))
    down, across = rows[y, x], columns[y, x]
    return np.hypot(down, across), np.arctan2(down, across)


def _directions(
    at: NDArray[np.float64], scale: NDArray[np.float64], rows: Floats, columns: Floats
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    bins = 36
    places = np.linspace(-3, 3, 13)
    grid = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
    strength, direction = _sampled(at, 1.5 * scale[:, None, None] * grid, rows, columns)
    weight = strength * np.exp(-(grid**2).sum(1) / 2)
    which = np.floor(direction / (2 * np.pi) * bins).astype(int) % bins
    histogram = np.zeros((len(at), bins))
    np.add.at(histogram, (np.arange(len(at))[:, None], which), weight)
    histogram = ndimage.gaussian_filter1d(histogram, 1, axis=1, mode="wrap")
    before, after = np.roll(histogram, 1, 1), np.roll(histogram, -1, 1)
    peak = (
        (histogram > before)
        & (histogram >= after)
        & (histogram >= SECOND * histogram.max(1, keepdims=True))
        & (histogram > 0)
    )
    number, bin_ = np.nonzero(peak)
    b, h, a = before[peak], histogram[peak], after[peak]
    shift = (b - a) / (2 * np.minimum(b - 2 * h + a, -1e-12))
    return number, (bin_ + 0.5 + shift) / bins * 2 * np.pi


def _histograms(
    at: NDArray[np.float64],
    scale: NDArray[np.float64],
    direction: NDArray[np.float64],
    rows: Floats,
    columns: Floats,
) -> Floats:
    """(N, 128): soft histograms, turned into each keypoint's direction."""
    places = (np.arange(SAMPLES) + 0.5) / SAMPLES * CELLS - CELLS / 2  # in cells
    grid = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
    cos, sin = np.cos(direction)[:, None], np.sin(direction)[:, None]
    turned = np.stack([cos * grid[:, 0] - sin * grid[:, 1], sin * grid[:, 0] + cos * grid[:, 1]], -1)
    strength, angle = _sampled(at, WIDTH * scale[:, None, None] * turned, rows, columns)
    weight = strength * np.exp(-(grid**2).sum(1) / (2 * (CELLS / 2) ** 2))
    turn = (angle - direction[:, None]) / (2 * np.pi) * DIRECTIONS
    found = np.zeros((len(at), CELLS, CELLS, DIRECTIONS))
    numbers = np.broadcast_to(np.arange(len(at))[:, None], turn.shape)
    low = np.floor(turn)
    cells = grid + CELLS / 2 - 0.5
    below = np.floor(cells).astype(int)
    for dy in (0, 1):
        for dx in (0, 1):
            x, y = below[:, 0] + dx, below[:, 1] + dy
            share = (1 - np.abs(cells[:, 0] - x)) * (1 - np.abs(cells[:, 1] - y))
            inside = (x >= 0) & (x < CELLS) & (y >= 0) & (y < CELLS)
            for more in (0, 1):
                bin_ = (low.astype(int) + more) % DIRECTIONS
                part = weight * share * (1 - np.abs(turn - low - more))
                where = (numbers[:, inside], *(np.broadcast_to(one[inside], (len(at), inside.sum())) for one in (y, x)))
                np.add.at(found, (*where, bin_[:, inside]), part[:, inside])
    flat = found.reshape(len(at), -1)
    for _ in range(2):
        flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
        flat = np.minimum(flat, LARGEST)
    return np.asarray(np.sqrt(flat / np.maximum(flat.sum(1, keepdims=True), 1e-9)), np.float32)
