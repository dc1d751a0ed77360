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

EYELIDS = 1.5
"""How much larger than the eye's corners and lids its part is, about its middle."""

SOFT = 1 / 170
"""Standard deviation of a part's rim, as a share of the side."""


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


def polygon(points: Points, side: int) -> NDArray[np.bool_]:
    """(side, side): what lies within a contour (N, 2) in pixels."""
    canvas = Image.new("1", (side, side))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in points], fill=1)
    return np.asarray(canvas)
