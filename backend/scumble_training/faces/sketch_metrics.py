"""How well a completed face keeps to its sketch and its colours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.vision import edges

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

NEAR = 2
"""An edge so many pixels from a line at most follows it."""

EDGE = (0.01, 0.03)
"""Canny's thresholds for what counts as an edge: a clean step of a tenth of the range (27 of 255) reaches the upper one, and
what is connected to it goes on down to a third of that."""


def obedience(picture: Floats, lines: Mask, hole: Mask) -> float:
    """Share of the line pixels in the hole that have an edge of the picture within two pixels (by Canny's detector).

    (H, W, 3), (H, W) and (H, W). The hole's own rim is left out: an edge there says nothing about the lines. NaN where
    no line is left.
    """
    asked = lines & ndimage.binary_erosion(hole, iterations=NEAR + 1, border_value=1)
    if not asked.any():
        return math.nan
    found = edges.canny(np.clip(picture, 0, 1), low=EDGE[0], high=EDGE[1])
    return float((ndimage.distance_transform_edt(~found) <= NEAR)[asked].mean()) if found.any() else 0.0
