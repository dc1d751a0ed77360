"""Photographic style in seconds: optimal transport of colour per segment, held to the content's own edges.

Two steps alternate, at a small size: each segment's colours are moved onto the style's (iterative distribution transfer),
then what came out is replaced by the nearest picture that is, around every pixel, an affine function of the content's
colours there. That is the photorealism of Luan et al. (2017), with the windows of a guided filter in place of the
3 × 3 pixels of the matting Laplacian, so that each step has a closed form. What the second step lost of the style, the next
transport makes up for. The coefficients are smooth: applied at full size, they keep every detail of the document.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.style.colour_transfer import Colours, iterative_transport, linear_transport
from scumble.vision.guided_filter import box_mean, coefficients, guided_filter

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]
Progress = Callable[[float], None]

UNIT = np.float32(100)
"""Lab divided by this is the guide, so that epsilons are those of colours from 0 to 1."""

SAMPLES = 20_000
"""Colours of a segment that a transport is fitted to."""

STEEP = 2.0
"""Slope of the curve that memberships go through."""

PLANES = 14
"""Coefficients of a segment."""

SMALLEST = 48
"""A segment with fewer pixels, at the small size, on either side, is treated as if it were not there."""


@dataclass(frozen=True)
class TransportEffort:
    """How the transfer is solved. Lengths are parts of the picture's longest side."""

    rounds: int = 4
    """Transport and smoothing, in turn."""

    radius: float = 0.032
    """Of the windows in which the result is an affine function of the content."""

    edge: float = 1e-4
    """Variance of the guide below which a window counts as flat."""

    least_gain: float = 0.45
    """Lightness contrast that is kept at least: below it, clouds of a bright sky vanish in a night's."""

    most_gain: float = 3.0
    """Lightness contrast is raised at most so much, or compression noise would show."""

    rim: float = 0.014
    """Reach of the segments' soft edges."""

    steps: int = 8
    """Rotations of each transport."""


@dataclass(frozen=True)
class Part:
    """One segment's coefficients at the small size, for a guide of Lab / 100."""

    member: Floats
    """(h, w, 4): how much a pixel belongs to it, as an affine function of the guide (three slopes, then the constant)."""

    lightness: Floats
    """(h, w, 2): slope and constant of L / 100."""

    colour: Floats
    """(h, w, 2, 4): a and b, over 100, each as three slopes and a constant."""


@dataclass(frozen=True)
class Transfer:
    """A solved transfer; it can be applied to the content at any size, in parts."""

    parts: tuple[Part, ...]
    shape: tuple[int, int]
    """Height and width at which it was solved."""

    def planes(self) -> Floats:
        """(segments · 14, h, w): all coefficients, for resizing."""
        columns = [
            np.concatenate([part.member, part.lightness, part.colour.reshape(*self.shape, 8)], axis=2)
            for part in self.parts
        ]
        return np.ascontiguousarray(np.moveaxis(np.concatenate(columns, axis=2), 2, 0), np.float32)


def apply(planes: Floats, lab: Floats) -> Floats:
    """(H, W, 3) Lab of the result.

    Parameters
    ----------
    planes
        (segments · 14, H, W): `Transfer.planes`, resized to the picture.
    lab
        (H, W, 3) Lab of the content.
    """
    guide = np.ascontiguousarray(np.moveaxis(lab, 2, 0)) / UNIT
    weights = np.full(lab.shape[:2], 1e-6, np.float32)
    total = guide * weights
    for start in range(0, len(planes), PLANES):
        one = planes[start : start + PLANES]
        weight = _steepened(_affine(one[0:4], guide))
        total[0] += weight * (one[4] * guide[0] + one[5])
        total[1] += weight * _affine(one[6:10], guide)
        total[2] += weight * _affine(one[10:14], guide)
        weights += weight
    total *= UNIT / weights
    return np.ascontiguousarray(np.moveaxis(total, 0, 2))


def _steepened(share: Floats) -> Floats:
    """Memberships in 0 to 1, steepened, as filtering leaves a veil on either side of an edge."""
    return np.asarray(np.clip((share - 0.5) * np.float32(STEEP) + 0.5, 0, 1), np.float32)


def _affine(terms: Floats, guide: Floats) -> Floats:
    """Three slopes and a constant, (4, h, w), on a guide, (3, h, w)."""
    out: Floats = terms[0] * guide[0]
    out += terms[1] * guide[1]
    out += terms[2] * guide[2]
    out += terms[3]
    return out


def _planes(array: Floats) -> Floats:
    return np.moveaxis(array, -1, 0)


def solve(
    content: Floats,
    style: Floats,
    content_labels: Labels,
    style_labels: Labels,
    effort: TransportEffort | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Transfer:
    """Find the transfer at the size of `content`.

    Parameters
    ----------
    content, style
        Lab pictures, (h, w, 3) and (h', w', 3).
    content_labels, style_labels
        Which segment each pixel belongs to; the same number on both sides goes together. Below 0: the pixel shows
        nothing, or counts for nothing. Segments that the other side lacks keep their colours.
    seed
        Of the transports' rotations.
    progress
        Called with the share that is done; what it raises ends the work.
    """
    effort = effort or TransportEffort()
    guide = np.ascontiguousarray(content / UNIT)
    longest = max(content.shape[:2])
    radius, rim = max(2, round(effort.radius * longest)), max(2, round(effort.rim * longest))
    numbers = [int(n) for n in np.unique(content_labels) if n >= 0]
    if not numbers:
        return Transfer((), (content.shape[0], content.shape[1]))
    members = _members(guide, content_labels, numbers, rim)
    soft = [_steepened(_affine(_planes(member), _planes(guide))) for member in members]
    total = np.maximum(sum(soft), 1e-6)
    soft = [np.asarray(one / total, np.float32) for one in soft]
    goals = [_colours(style, style_labels == n) for n in numbers]
    chosen = [np.flatnonzero(content_labels.ravel() == n) for n in numbers]
    chosen = [places[:: max(1, places.size // SAMPLES)] for places in chosen]
    lacking = [len(goal) < SMALLEST or places.size < SMALLEST for goal, places in zip(goals, chosen, strict=True)]
    now = content
    fits: list[_Fit] = []
    for turn in range(effort.rounds):
        fits = []
        blended = np.zeros_like(content)
        for k in range(len(numbers)):
            if progress is not None:
                progress((turn + k / len(numbers)) / effort.rounds)
            if lacking[k]:
                fit = _unchanged(guide)
            else:
                move = _mover(now.reshape(-1, 3)[chosen[k]], goals[k], turn, effort, seed)
                fit = _fit(guide, now, soft[k], move, radius, effort)
            fits.append(fit)
            blended += soft[k][..., None] * fit.picture
        now = blended * UNIT
    parts = tuple(Part(member, fit.lightness, fit.colour) for member, fit in zip(members, fits, strict=True))
    return Transfer(parts, (content.shape[0], content.shape[1]))


def _mover(
    source: Colours, goal: Colours, turn: int, effort: TransportEffort, seed: int
) -> Callable[[Colours], Colours]:
    """The first move is linear: it keeps neighbouring colours together; the others fit the distribution's shape."""
    if turn == 0:
        return linear_transport(source, goal)
    return iterative_transport(source, goal, effort.steps, seed + turn)


@dataclass(frozen=True)
class _Fit:
    picture: Floats
    """(h, w, 3), Lab / 100."""

    lightness: Floats
    colour: Floats


def _unchanged(guide: Floats) -> _Fit:
    lightness = np.zeros((*guide.shape[:2], 2), np.float32)
    lightness[..., 0] = 1
    colour = np.zeros((*guide.shape[:2], 2, 4), np.float32)
    colour[..., 0, 1] = colour[..., 1, 2] = 1
    return _Fit(guide, lightness, colour)


def _fit(
    guide: Floats, now: Floats, soft: Floats, move: Callable[[Colours], Colours], radius: int, effort: TransportEffort
) -> _Fit:
    """Move one segment's colours and find the affine coefficients that come nearest; only around the segment."""
    fit = _unchanged(guide)
    rows, columns = np.flatnonzero((soft > 1e-3).any(axis=1)), np.flatnonzero((soft > 1e-3).any(axis=0))
    if not rows.size:
        return fit
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    weight, around = soft[part], guide[part]
    moved = now[part] / UNIT
    inside = weight > 1e-3
    moved[inside] = move(now[part][inside]) / UNIT
    light = np.ascontiguousarray(around[..., :1])
    slope, constant = coefficients(light, moved[..., :1], radius, effort.edge, weight)
    bounded = np.clip(slope[..., 0, 0], effort.least_gain, effort.most_gain)
    mean = _weighted_mean(light[..., 0], weight, radius)
    offset = constant[..., 0] + (slope[..., 0, 0] - bounded) * mean
    slopes, constants = coefficients(around, moved[..., 1:], radius, effort.edge, weight)
    fit.lightness[part] = np.stack([bounded, offset], axis=2)
    fit.colour[part] = np.concatenate([slopes, constants[..., None]], axis=3)
    lightness, colour = fit.lightness[part], fit.colour[part]
    picture = np.empty_like(around)
    picture[..., 0] = np.clip(lightness[..., 0] * light[..., 0] + lightness[..., 1], 0, 1)
    picture[..., 1] = _affine(_planes(colour[..., 0, :]), _planes(around))
    picture[..., 2] = _affine(_planes(colour[..., 1, :]), _planes(around))
    whole = guide.copy()
    whole[part] = picture
    return _Fit(whole, fit.lightness, fit.colour)


def _weighted_mean(plane: Floats, weight: Floats, radius: int) -> Floats:
    """Averaged twice, as the coefficients are, so that bounding a slope leaves the mean lightness as it was."""
    weight = np.maximum(weight, 1e-6)
    mass = box_mean(weight, radius)
    once = box_mean(plane * weight, radius) / mass
    return np.asarray(box_mean(once * weight, radius) / mass, np.float32)


def _members(guide: Floats, labels: Labels, numbers: Sequence[int], rim: int) -> list[Floats]:
    """Soft memberships that follow the picture's own edges, as affine functions of its colours: (h, w, 4) each."""
    if len(numbers) == 1:
        only = np.zeros((*guide.shape[:2], 4), np.float32)
        only[..., 3] = 1
        return [only]
    if (labels < 0).any():  # what counts for nothing takes the nearest label: its soft edge must not be lost
        nearest = ndimage.distance_transform_edt(labels < 0, return_distances=False, return_indices=True)
        labels = labels[tuple(nearest)]
    hard = np.stack([(labels == n).astype(np.float32) for n in numbers], axis=2)
    # twice: drawn segments miss the edge by a few pixels, and the first pass moves them there
    better = np.clip(guided_filter(guide, hard, rim, 1e-4), 0, 1)
    better /= np.maximum(better.sum(axis=2, keepdims=True), 1e-6)
    slopes, constants = coefficients(guide, np.asarray(better, np.float32), rim, 1e-4)
    return [np.concatenate([slopes[:, :, k], constants[:, :, k, None]], axis=2) for k in range(len(numbers))]


def _colours(picture: Floats, where: NDArray[np.bool_]) -> Colours:
    colours: Colours = picture[where]
    return colours[:: max(1, len(colours) // SAMPLES)]
