"""From painted pixels to what the solve is asked for: colours, weights, and what should stay as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

Mode = Literal["colour", "lighten", "darken"]

LIGHTER = 0.55
"""How far the modes `lighten` and `darken` go towards white and black."""

PAINTED = 0.15
"""A pixel of the model with less of a stroke over it is not painted."""

BROAD = 1.5
"""Deviation, in pixels of the model, beyond which the reconstruction's error is taken for colour, not for detail."""

LEAST_RADIUS = 1.5
"""Of a stroke, in pixels of the model."""

REACH = 3.0
"""In stroke radii: beyond that, full locality lets nothing move."""


@dataclass(frozen=True)
class PaintTargets:
    """What the artist wants, at the model's size."""

    colour: Floats
    """(h, w, 3) in −1 to 1; anything where the weight is 0."""

    weight: Floats
    """(h, w), 0 to 1."""

    stay: Floats
    """(h, w), 0 to 1: how much each pixel should stay as it is."""

    through: Floats
    """(h, w), 0 to 1: how much of its change a pixel takes over."""


def paint_targets(
    rgb: Floats,
    alpha: Floats,
    before: Floats,
    mode: Mode = "colour",
    strength: float = 1.0,
    locality: float = 0.5,
    within: Floats | None = None,
    error: Floats | None = None,
) -> PaintTargets:
    """Read the strokes.

    Parameters
    ----------
    rgb, alpha
        (h, w, 3) and (h, w) in 0 to 1: the strokes' colours and how far they cover each pixel.
    before
        (h, w, 3) in −1 to 1: what the model makes of the photograph.
    strength
        How far from there to the painted colour.
    locality
        1: nothing moves beyond three times the strokes' radius. 0: the whole face may follow.
    within
        (h, w), 0 to 1: nothing moves where this is 0.
    error
        (h, w, 3) in −1 to 1: the photograph less `before`. It stays in the result, so that the model is asked for so much
        less of it, where it is broad: a highlight that the model does not see must not shine through the paint.
    """
    if mode == "colour":
        goal = rgb * 2 - 1
        if error is not None:
            goal = np.clip(goal - ndimage.gaussian_filter(error, (BROAD, BROAD, 0), mode="nearest"), -1, 1)
    else:
        end = 1.0 if mode == "lighten" else -1.0
        goal = before + LIGHTER * (end - before)
    colour = before + np.float32(strength) * (goal - before)
    near = _near(alpha)
    # squared: far from the strokes locality works in full, near them hardly
    stay = locality * (1 - near)
    through = 1 - locality * (1 - near)
    if within is not None:
        stay = np.maximum(stay, 1 - within)
        through = through * within
    stay = np.where(alpha > PAINTED, np.minimum(stay, 1 - alpha), stay)
    return PaintTargets(*(np.asarray(part, np.float32) for part in (colour, alpha, stay, through)))


def _near(alpha: Floats) -> Floats:
    """(h, w): 1 at the strokes and to one radius around them, falling to 0 at three."""
    painted = alpha > PAINTED
    if not painted.any():
        painted = alpha > 0
    if not painted.any():
        return np.ones(alpha.shape, np.float32)
    radius = stroke_radius(painted)
    away = ndimage.distance_transform_edt(~painted)
    ramp = np.clip((REACH * radius - away) / ((REACH - 1) * radius), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def stroke_radius(painted: NDArray[np.bool_]) -> float:
    """Half the width of the widest stroke, in pixels."""
    found = ndimage.find_objects(painted.astype(np.uint8))
    inside = ndimage.distance_transform_edt(np.pad(painted[found[0]] if found else painted, 1))
    return max(LEAST_RADIUS, float(inside.max()))
