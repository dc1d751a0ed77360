"""White painted over a closed mouth opens it: what an artist asks for is a smile with teeth.

No model that fits on a laptop draws teeth: at 128 pixels they are a grey blot. The mouth itself is there, though. It is opened as one
would open it by hand: the photograph's own lips and skin are moved apart by a smooth map (thin plate splines; Bookstein, "Principal
Warps" (1989)) between the landmarks of the closed mouth and those of a smile, and the gap gets a row of teeth in the face's light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RBFInterpolator

from scumble.faces.detection.alignment import Points
from scumble.faces.detection.parts import CORNERS, OUTER_LIPS, polygon
from scumble.imaging.colour import luma

from .assembly import Redrawn

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

UPPER, LOWER = (43, 44, 45), (48, 47, 46)
"""Landmarks: the contour of the lips, from one corner over the upper lip to the other and back; the lips' inner rims."""

WIDER, RAISED = 0.08, 0.035
"""How far a corner moves aside and up in a smile, in distances between the corners."""

LIFT, DROP = 0.3, 0.8
"""How much of the gap the upper lip gives by going up, and how much of the rest the lower lip's rim goes down."""

LEAST_GAP, MOST_GAP = 0.15, 0.26
"""Of the gap's height, in distances between the corners; between them, what was painted says."""

SAG = 0.05
"""How far the middle of the upper teeth's edge hangs below the corners, in the same measure."""

AROUND = 0.75
"""How far from the mouth everything stays, in the same measure."""

SAMPLES = 9
"""Places along a lip's rim at which the map is told."""

TEETH = (1.0, 0.76, 0.84, 0.62, 0.54)
"""Widths of the teeth from the middle to one side, as they are seen from the front."""

ROW = 0.93
"""Where the row of teeth ends, in half widths of the gap."""

LIGHTER, WHITEST = 1.4, 0.97
"""Teeth beside skin: by so much lighter, up to nearly white."""

TINGE = 0.45
"""How much of the skin's colour teeth have."""

ASIDE, UNDER_LIP, ROUND, BETWEEN = 0.45, 0.35, 0.1, 0.2
"""How much darker teeth are at the corners, right under the upper lip, at each tooth's sides, and between two."""

LIPS_SHADE = 0.3
"""Height of the upper lip's shadow, in heights of the teeth."""

DARK = (0.2, 0.07, 0.07)
"""The inside of a mouth, as a share of the skin's colour."""

SMOOTHING = 1e-3

FINE = 4
"""Samples a pixel, each way, of what is drawn."""

RIM = 0.5
"""Landmarks: the inner rims of the upper and of the lower lip, from left to right."""


def opened_mouth(photograph: Floats, white: Mask, points: Points, seen: Mask) -> Redrawn:
    """The face with its mouth opened.

    Parameters
    ----------
    photograph
        (S, S, 3) in 0 to 1: the face's aligned frame.
    white
        (S, S): what was painted on its mouth.
    points
        (49, 2): its landmarks, in pixels of the frame.
    seen
        (S, S): where there is a photograph; nothing changes elsewhere.
    """
    smile = _smile(points, white)
    where = _near(smile, len(white))
    moved = _moved(photograph, smile, where)
    colours, gap = _inside(photograph, smile, white, points)
    picture = np.asarray(moved + gap[..., None] * (colours - moved), np.float32)
    rim = ndimage.distance_transform_edt(where) / (0.1 * smile.across)
    weight = np.maximum(np.clip(rim, 0, 1), gap) * seen
    return Redrawn(picture, np.asarray(weight, np.float32))


@dataclass(frozen=True)
class _Smile:
    """Contours (N, 2) in pixels, and the mouth's own axes."""

    middle: Points
    aside: Points
    """(2,): a unit vector towards the second corner."""
    down: Points
    across: float
    """Distance between the corners of the closed mouth."""
    old: Points
    """The lips' inner rims and contours, and what stays around them; `new`: where these are in the smile."""
    new: Points
    upper: Points
    """The gap's rims, from corner to corner."""
    lower: Points


def _smile(points: Points, white: Mask) -> _Smile:
    left, right = points[CORNERS[0]], points[CORNERS[1]]
    across = max(float(np.linalg.norm(right - left)), 1e-6)
    aside = (right - left) / across
    down = np.array([-aside[1], aside[0]])
    middle = (left + right) / 2
    axes = np.stack([aside, down], axis=1)

    def local(places: Points) -> Points:
        return np.asarray((places - middle) @ axes / across)

    outer = local(points[OUTER_LIPS])
    at = np.linspace(-0.5, 0.5, SAMPLES)

    def rim(landmarks: tuple[int, ...]) -> Points:
        """Of a lip, from corner to corner."""
        line = local(points[list(landmarks)])
        told = np.concatenate([outer[[0]], line[np.argsort(line[:, 0])], outer[[6]]])
        return np.stack([at, np.interp(at, told[:, 0], told[:, 1])], axis=1)

    over, under = rim(UPPER), rim(LOWER)
    painted = local(np.asarray(np.argwhere(white)[:, ::-1] + 0.5, np.float64))
    tall = float(np.ptp(painted[:, 1])) if len(painted) else 0.0
    gap = float(np.clip(tall, LEAST_GAP, MOST_GAP))

    def bow(x: Points) -> Points:
        return np.asarray(np.clip(1 - np.square(2 * x), 0, 1))

    def smiled(places: Points, drop: Points) -> Points:
        """Corners go aside and up, the middle goes down by so much."""
        x = places[:, 0] * (1 + 2 * WIDER)
        return np.stack([x, places[:, 1] - RAISED * np.square(2 * places[:, 0]) + drop * bow(places[:, 0])], axis=1)

    flat = np.stack([at, 0.3 * (over + under)[:, 1]], axis=1)  # a row of teeth is straighter than closed lips are
    upper = smiled(flat, np.full(SAMPLES, SAG - LIFT * gap))
    lower = smiled(flat, np.full(SAMPLES, SAG + (1 - LIFT) * gap))
    above, below = outer[1:6], outer[7:12]
    moved_above = smiled(above, np.full(5, -0.4 * LIFT * gap))
    moved_below = smiled(below, np.full(5, DROP * (1 - LIFT) * gap))
    still = AROUND * np.stack([np.cos(turn := np.linspace(0, 2 * np.pi, 24, endpoint=False)), np.sin(turn)], axis=1)
    still = still * [1.15, 0.95]
    old = np.concatenate([over, under[1:-1], above, below, still])
    new = np.concatenate([upper, lower[1:-1], moved_above, moved_below, still])

    def back(places: Points) -> Points:
        return np.asarray(middle + across * places @ axes.T)

    return _Smile(middle, aside, down, across, back(old), back(new), back(upper), back(lower))


def _near(smile: _Smile, side: int) -> Mask:
    """(S, S): where the map moves anything."""
    return polygon(smile.new[-24:], side)


def _moved(photograph: Floats, smile: _Smile, where: Mask) -> Floats:
    """The photograph with lips and skin where the smile has them."""
    # a little smoothing, for lips so thin that two of the points are one
    back = RBFInterpolator(smile.new, smile.old - smile.new, kernel="thin_plate_spline", smoothing=SMOOTHING)
    y, x = np.nonzero(where)
    if not len(x):
        return photograph
    places = np.stack([x + 0.5, y + 0.5], axis=1)
    source = places + back(places) - 0.5
    found = photograph.copy()
    for channel in range(3):
        found[y, x, channel] = ndimage.map_coordinates(
            photograph[..., channel], [source[:, 1], source[:, 0]], order=3, mode="nearest"
        )
    return np.asarray(found.clip(0, 1), np.float32)


def _inside(photograph: Floats, smile: _Smile, white: Mask, points: Points) -> tuple[Floats, Floats]:
    """(S, S, 3) and (S, S): teeth and what is dark below them, and where they are seen."""
    side = len(white)
    lips = polygon(points[OUTER_LIPS], side)
    around = _near(smile, side) & ~lips & ~white
    skin = np.median(photograph[around], axis=0) if around.any() else np.full(3, 0.6, np.float32)
    low, high = np.floor(smile.upper.min(0) - 2), np.ceil(np.maximum(smile.lower, smile.upper).max(0) + 2)
    low[1] -= 2
    steps = [np.arange(int((b - a) * FINE)) / FINE + a + 0.5 / FINE for a, b in zip(low, high, strict=True)]
    x, y = np.meshgrid(*steps)
    away = np.stack([x, y], axis=-1) - smile.middle
    along, height = away @ smile.aside, away @ smile.down
    half = float(np.abs((smile.upper[[0, -1]] - smile.middle) @ smile.aside).max())
    t = along / half
    rims = []
    for rim in (smile.upper, smile.lower):
        rims.append(np.interp(along, (rim - smile.middle) @ smile.aside, (rim - smile.middle) @ smile.down))
    top, bottom = rims
    gap = (height > top) & (height < bottom) & (np.abs(t) < 1)
    tallest = float((bottom - top).max(initial=1.0))
    # teeth end in a curve of their own: they fill most of the gap in the middle, and all of it aside
    long = 0.86 * tallest * (1 - 0.45 * np.square(t))
    down = (height - top) / np.maximum(long, 1e-6)
    within, edge, apart = _teeth(t)
    light = min(WHITEST, LIGHTER * float(luma(np.asarray(skin, np.float32)[None])[0]))
    base = light * ((1 - TINGE) + TINGE * skin / max(float(skin.max()), 1e-3))
    shade = (1 - ASIDE * np.square(t)) * (1 - ROUND * np.square(within))
    shade = shade * (1 - UNDER_LIP * np.clip(1 - down / LIPS_SHADE, 0, 1))
    shade = shade * (1 - BETWEEN * apart * (0.5 + 0.5 * np.clip(down, 0, 1)))
    tooth = (down < 1 - 0.13 * edge) & gap
    dark = np.asarray(skin) * np.array(DARK)
    colours = np.where(tooth[..., None], shade[..., None] * base, dark)
    planes = np.concatenate([colours * gap[..., None], gap[..., None]], axis=2)
    rows, columns = (len(one) // FINE for one in (steps[1], steps[0]))
    small = planes[: rows * FINE, : columns * FINE].reshape(rows, FINE, columns, FINE, 4).mean((1, 3))
    canvas = np.zeros((side, side, 4))
    x0, y0 = int(low[0]), int(low[1])
    inside = [max(0, -y0), max(0, -x0), min(rows, side - y0), min(columns, side - x0)]
    if inside[2] > inside[0] and inside[3] > inside[1]:
        canvas[y0 + inside[0] : y0 + inside[2], x0 + inside[1] : x0 + inside[3]] = small[
            inside[0] : inside[2], inside[1] : inside[3]
        ]
    soft = ndimage.gaussian_filter(canvas, (RIM, RIM, 0))
    rgb = soft[..., :3] / np.maximum(soft[..., 3:], 1e-4)
    return np.asarray(rgb.clip(0, 1), np.float32), np.asarray(soft[..., 3].clip(0, 1), np.float32)


def _teeth(t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """For places along the row, −1 to 1: where in its tooth each is, −1 to 1; how much shorter the tooth is there, 0 to 1; and how near
    the next tooth is, 0 to 1."""
    ends = np.concatenate([[0], np.cumsum(TEETH)]) * ROW / sum(TEETH)
    number = np.clip(np.searchsorted(ends, np.abs(t), side="right") - 1, 0, len(TEETH) - 1)
    start, width = ends[number], np.diff(ends)[number]
    within = np.clip(2 * (np.abs(t) - start) / width - 1, -1, 1)
    return within, np.power(np.abs(within), 3), np.exp(-np.square((1 - np.abs(within)) * width / 0.02))
