"""Parts of a face as masks, from its landmarks: lips, mouth and eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from .alignment import LEFT_EYE, RIGHT_EYE, Points

Floats = NDArray[np.float32]

OUTER_LIPS, INNER_LIPS = slice(31, 43), slice(43, 49)

CORNERS = (31, 37)

OPEN = 0.085
"""Distance between the lips' inner rims, in distances between the mouth's corners, from which a mouth counts as open."""

BROWS = (slice(0, 5), slice(5, 10))

BROW = 0.03
"""How high a brow is, as a share of the side; its points lie along its middle."""

EYELIDS = 1.5
"""How much larger than the eye's corners and lids its part is, about its middle."""

SOFT = 1 / 170
"""Standard deviation of a part's rim, as a share of the side."""


FINER = 4
"""How many times finer than its mask a brow is drawn."""


@dataclass(frozen=True)
class Parts:
    """(S, S) each, 0 to 1."""

    lips: Floats
    mouth: Floats
    """What lies between the lips."""

    eyes: Floats

    open: bool
    """Whether anything can be seen between the lips."""


def parts_of(points: Points, side: int) -> Parts:
    """The parts of a face whose 49 points are given in pixels of a square of so many."""
    inner = points[INNER_LIPS]
    # with one corner of the mouth on either side, as the inner contour of 68 points has them
    opening = np.concatenate([points[[31]], inner[:3], points[[37]], inner[3:]])
    mouth = polygon(opening, side)
    lips = polygon(points[OUTER_LIPS], side) & ~mouth
    eyes = np.zeros((side, side), np.bool_)
    for eye in (points[LEFT_EYE], points[RIGHT_EYE]):
        middle = eye.mean(axis=0)
        eyes |= polygon(middle + EYELIDS * (eye - middle), side)
    soft = [ndimage.gaussian_filter(part.astype(np.float32), SOFT * side) for part in (lips, mouth, eyes)]
    return Parts(soft[0], soft[1], soft[2], _is_open(points))


def _is_open(points: Points) -> bool:
    upper, lower = points[INNER_LIPS][:3], points[INNER_LIPS][3:]
    across = np.linalg.norm(points[CORNERS[1]] - points[CORNERS[0]])
    return bool(np.linalg.norm(upper.mean(axis=0) - lower.mean(axis=0)) > OPEN * across)


def brows_of(points: Points, side: int) -> Floats:
    """(side, side) in 0 to 1: bands along the brows of a face whose 49 points are given in pixels of a square of so many."""
    canvas = Image.new("1", (side * FINER, side * FINER))
    draw = ImageDraw.Draw(canvas)
    for brow in BROWS:
        draw.line(
            [(float(x) * FINER, float(y) * FINER) for x, y in points[brow]], 1, round(BROW * FINER * side), "curve"
        )
    small = np.asarray(canvas, np.float32).reshape(side, FINER, side, FINER).mean((1, 3))
    return np.asarray(ndimage.gaussian_filter(small, SOFT * side), np.float32)


def polygon(points: Points, side: int) -> NDArray[np.bool_]:
    """(side, side): what lies within a contour (N, 2) in pixels."""
    canvas = Image.new("1", (side, side))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in points], fill=1)
    return np.asarray(canvas)
