"""White painted over a closed mouth opens it: what an artist asks for is a smile with teeth.

The latent model knows no mouth that is open just there, and white as a line is a bandage. So the stroke becomes what an artist would draw
for `face-sketch`: lines and colours of a smile at the place of the mouth, with teeth in the face's light and the face's own lips; the
completion network makes a mouth of that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from scumble.faces.detection.alignment import Points
from scumble.faces.detection.parts import polygon
from scumble.faces.sketch.inputs import Conditions
from scumble.imaging.colour import luma

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

CORNERS, UPPER = (31, 37), 34
"""Landmarks: the mouth's corners, and the middle of the upper lip's rim."""

OUTER = [(-1, 0), (-0.69, -0.14), (-0.35, -0.2), (0, -0.17), (0.35, -0.2), (0.69, -0.14), (1, 0)]
OUTER += [(0.76, 0.34), (0.43, 0.58), (0, 0.66), (-0.43, 0.58), (-0.76, 0.34)]
INNER = [(-0.8, 0.03), (-0.45, -0.02), (0, 0.01), (0.45, -0.02), (0.8, 0.03), (0.48, 0.29), (0, 0.375), (-0.48, 0.29)]
"""Contours of the lips of a smile, in half distances between its corners: the mean of 1,491 photographed ones."""

WIDER = 1.18
"""A smile beside the closed mouth: 0.95 and 0.79 eye distances."""

BEYOND = 1.15
"""The lips beside what was painted white between them, at least."""

AROUND = 1 / 16
"""How far beyond the lips, old and new, the face is drawn anew, as a share of the aligned frame's side."""

LIGHTER, WHITEST = 1.2, 0.9
"""Teeth beside skin: by so much lighter, up to nearly white."""

TINGE = 0.35
"""How much of the skin's colour teeth have."""

SHADE = 0.45
"""How much darker teeth are at the corners of a mouth."""

LEFT_OPEN = 1 / 150
"""How far inside the lips' rims their colour is given, as a share of the side: so that the rim is the network's."""


def opened_mouth(photograph: Floats, white: Mask, points: Points, seen: Mask) -> Conditions:
    """What is to be completed.

    Parameters
    ----------
    photograph
        (S, S, 3) in 0 to 1: the face's aligned frame.
    white
        (S, S): what was painted on its mouth.
    points
        (49, 2): its landmarks, in pixels of the frame.
    seen
        (S, S): where there is a photograph.
    """
    side = len(white)
    left, right = points[CORNERS[0]], points[CORNERS[1]]
    old = polygon(points[31:43], side)
    across = (right - left) / max(float(np.linalg.norm(right - left)), 1e-6)
    down = np.array([-across[1], across[0]])
    painted = np.argwhere(white)[:, ::-1] + 0.5
    middle = (left + right) / 2
    reach = float(np.abs((painted - middle) @ across).max()) if len(painted) else 0.0
    half = max(WIDER * float(np.linalg.norm(right - left)) / 2, BEYOND * reach)
    top = points[UPPER] - OUTER[3][1] * half * down  # the upper lip's rim stays where it is
    middle = middle + float((top - middle) @ down) * down

    def placed(contour: list[tuple[float, float]]) -> Points:
        return np.asarray(middle + half * (np.array(contour) @ np.stack([across, down])))

    outer, inner = placed(OUTER), placed(INNER)
    new, teeth = polygon(outer, side), polygon(inner, side)
    hole = _grown(old | new, AROUND * side) & seen
    around = hole & ~_grown(old, 2.0) & ~white
    skin = np.median(photograph[around], axis=0) if around.any() else np.full(3, 0.6, np.float32)
    lips = np.median(photograph[old & ~white], axis=0) if (old & ~white).any() else skin * np.float32(0.8)
    light = min(WHITEST, LIGHTER * float(luma(np.asarray(skin, np.float32)[None])[0]))
    colours = np.zeros_like(photograph)
    colours[new] = lips
    white_here = light * ((1 - TINGE) + TINGE * skin / max(float(skin.max()), 1e-3))
    y, x = np.mgrid[:side, :side] + 0.5
    aside = np.square(((x - middle[0]) * across[0] + (y - middle[1]) * across[1]) / half)
    colours[teeth] = (white_here * (1 - SHADE * aside[..., None]))[teeth]
    lines = (_drawn(outer, side) | _drawn(inner, side)) & hole
    given = teeth | (new & ~_grown(~new, LEFT_OPEN * side))
    return Conditions(photograph, hole, np.zeros_like(hole), lines, colours, given & hole)


def _drawn(contour: Points, side: int) -> Mask:
    canvas = Image.new("1", (side, side))
    corners = [(float(x), float(y)) for x, y in [*contour, contour[0]]]
    ImageDraw.Draw(canvas).line(corners, fill=1)
    return np.asarray(canvas)


def _grown(mask: Mask, reach: float) -> Mask:
    return np.asarray(ndimage.distance_transform_edt(~mask) <= reach) if mask.any() else mask
