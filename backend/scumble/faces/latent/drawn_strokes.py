"""Thin strokes on a face: the frame of glasses, a lash, a freckle, a scar. They stay as they were drawn, and lie in the photograph.

Nothing draws a line better than the hand that drew it: networks of 128 pixels make soot of it. So a line keeps its own pixels, at the
document's resolution, dimmed and brightened as the face is lit there. A closed line around an eye is a frame of glasses: it throws a
shadow, and its edge catches the light.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.alignment import LEFT_EYE, RIGHT_EYE, Points
from scumble.imaging.colour import luma

from .strokes import PAINTED, stroke_radius

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

BROAD = 0.05
"""Standard deviation, as a share of the side, over which light is compared."""

LIT = 0.5
"""How much of the difference in light a line takes over."""

SHADOW, FALLS = 0.4, 1.2
"""How much darker the skin is under a frame; how far down its shadow falls, in half widths of the frame."""

EDGE = 0.5
"""What a frame's upper edge has of the face's lightness."""

GLASS = 0.05
"""How much lighter a lens is where it mirrors the light."""


@dataclass(frozen=True)
class Drawn:
    """What lines become, in the face's aligned frame."""

    keep: Floats
    """(S, S) in 0 to 1: where the strokes' layer is to be seen."""

    light: Floats
    """(S, S): what its colours are multiplied with."""

    gleam: Floats
    """(S, S): what is added to them then."""

    under: Floats
    """(S, S): what the photograph is multiplied with before the lines lie on it."""

    glass: Floats
    """(S, S): how far it goes towards white before that."""


def drawn(photograph: Floats, lines: Floats, points: Points | None) -> Drawn:
    """Find out how lines lie in the light.

    Parameters
    ----------
    photograph
        (S, S, 3) in 0 to 1: the face's aligned frame.
    lines
        (S, S) in 0 to 1: the strokes' alpha, of those that are lines.
    points
        (49, 2): landmarks in pixels of the frame; None where no face was found.
    """
    side = len(lines)
    painted = lines > PAINTED
    # the strokes' layer is finer than the frame, and its soft rim is wider
    keep = ndimage.gaussian_filter(ndimage.binary_dilation(painted, iterations=3).astype(np.float32), 1.0)
    light = _light(photograph, painted, BROAD * side)
    gleam, shadow, glass = np.zeros((3, side, side), np.float32)
    frame = np.zeros_like(painted) if points is None else frame_of_glasses(painted, points)
    if frame.any():
        radius = stroke_radius(frame)
        solid = ndimage.gaussian_filter(frame.astype(np.float32), 0.5 * radius)
        fall = np.array([1.0, 0.25]) * FALLS * radius
        shadow = SHADOW * ndimage.shift(ndimage.gaussian_filter(solid, 0.8 * radius), fall, order=1) * ~frame
        rising = np.clip(-ndimage.shift(np.gradient(solid)[0], (-0.3 * radius, 0), order=1) * -2 * radius, 0, 1)
        gleam = EDGE * np.square(rising) * float(np.median(luma(photograph)[frame])) * frame
        lens = np.asarray(ndimage.binary_fill_holes(frame)) & ~frame
        glass = GLASS * ndimage.gaussian_filter(_mirrored(lens).astype(np.float32), 0.01 * side) * lens
    parts = (keep, light, gleam, 1 - shadow, glass)
    return Drawn(*(np.asarray(part, np.float32) for part in parts))


def frame_of_glasses(painted: Mask, points: Points) -> Mask:
    """(S, S): those of the lines that go around an eye, and what hangs together with them."""
    found = np.zeros_like(painted)
    labels, count = ndimage.label(painted, np.ones((3, 3)))
    for number in range(1, count + 1):
        one = labels == number
        inside = np.asarray(ndimage.binary_fill_holes(one)) & ~one
        for eye in (points[LEFT_EYE], points[RIGHT_EYE]):
            x, y = (int(np.clip(round(v), 0, len(painted) - 1)) for v in eye.mean(axis=0))
            if inside[y, x]:
                found |= one
    return found


def _light(photograph: Floats, painted: Mask, reach: float) -> Floats:
    grey = luma(photograph)
    known = (~painted).astype(np.float32)
    broad = ndimage.gaussian_filter(grey * known, reach) / np.maximum(ndimage.gaussian_filter(known, reach), 1e-3)
    usual = max(float(broad[painted].mean()), 1e-3) if painted.any() else 1.0
    return np.asarray(1 + LIT * (np.clip(broad / usual, 0.4, 1.6) - 1), np.float32)


def _mirrored(lens: Mask) -> Mask:
    """Slanting bands across each lens."""
    found = np.zeros_like(lens)
    labels, count = ndimage.label(lens)
    for one, part in zip(range(1, count + 1), ndimage.find_objects(labels), strict=True):
        rows, columns = part
        y, x = np.mgrid[rows, columns]
        height, width = max(rows.stop - rows.start, 1), max(columns.stop - columns.start, 1)
        across = (x - columns.start) / width + 0.5 * (y - rows.start) / height
        found[part] |= (labels[part] == one) & (
            ((across > 0.35) & (across < 0.6)) | ((across > 0.68) & (across < 0.76))
        )
    return found
