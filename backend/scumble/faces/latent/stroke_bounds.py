"""How far what is painted on a face goes: not beyond the part that it was put on.

A brush is rounder than a face. A rouge's soft rim lies on hair and glasses, a colour for the hair on ear and forehead, a fringe's tips
on the white of an eye. Where it is known what is hair, skin, lips and neither (`scumble.faces.parsing.masks`), each keeps to its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.alignment import LEFT_EYE, RIGHT_EYE, Points
from scumble.faces.detection.parts import SOFT, Parts, polygon
from scumble.faces.parsing.masks import FaceMasks
from scumble.imaging.colour import luma

from .strokes import PAINTED

Floats = NDArray[np.float32]

SURE = 0.4
"""How sure masks are (`FaceMasks.sure`) that count."""

MOSTLY = 0.6
"""Share of a stroke on a part from which it is meant for that part."""

STRONG_ON_HAIR = 0.2
"""The same for hair and a strong colour that lies above the brows or beside the face, where an ear and a wall are not meant."""

BESIDE = 0.25
"""Share of a stroke on hair and face up to which it is meant for what is neither."""

COVERED, LEAST_LIPS = 0.65, 0.2
"""Share of the lips that a stroke covers, and of the stroke that lies on the mouth, from which a strong colour is a lipstick."""

RIM, TRACE, NEAR_LIPS = 1.5, 0.1, 0.015
"""What the shares of lips are multiplied with; what is a trace then, and no lip; how far from the landmarks' lips, as a share of the
side, there can be any."""

TOUCHED = 0.08
"""Share of a stroke on a part from which the part may follow."""

OVER_EYES = 0.5
"""Share of an eye's opening that a stroke has to cover so that hair falls over it."""

DARK_LINE = (0.62, 0.8)
"""How light something thin on skin is beside the skin around: surely no skin (a frame, a lash), and surely skin."""

BROAD = 0.025
"""Standard deviation, as a share of the side, over which that is told."""

FORELOCK = (-1.25, -0.7, 0.45)
"""Where a head is forehead or hair: heights above the line of the eyes, and how far from its middle, in eye distances."""

HAT = 0.6
"""Share of that place which is neither, from which there is a hat."""

HEAD = 1.2
"""Half the width of a hat, in eye distances."""

STRONGER, MOST = 0.75, 1.6
"""Exponent with which the contrast of strands falls where hair is dyed lighter, and how many times as light as its colour one gets."""


@dataclass(frozen=True)
class FaceMap:
    """What is known of a face's parts, in its aligned frame: masks that are sure, and landmarks in pixels of the frame. What follows from
    them is worked out once: it is kept with the photograph while strokes come and go."""

    masks: FaceMasks
    points: Points

    @cached_property
    def other(self) -> Floats:
        """(S, S): neither hair nor face."""
        return np.asarray((1 - self.masks.hair - self.masks.face).clip(0, 1), np.float32)

    @cached_property
    def opening(self) -> Floats:
        """(S, S) in 0 to 1: between the lids."""
        side = len(self.masks.hair)
        inside = polygon(self.points[LEFT_EYE], side) | polygon(self.points[RIGHT_EYE], side)
        return np.asarray(ndimage.gaussian_filter(inside.astype(np.float32), SOFT * side), np.float32)

    @cached_property
    def hat(self) -> Floats:
        """(S, S) in 0 to 1: what lies on the head and is no hair; 0 where nothing does."""
        side, other = len(self.masks.hair), self.other
        left, right = self.points[LEFT_EYE].mean(axis=0), self.points[RIGHT_EYE].mean(axis=0)
        apart = max(float(np.linalg.norm(right - left)), 1e-6)
        across = (right - left) / apart
        down = np.array([-across[1], across[0]])
        y, x = np.mgrid[:side, :side] + 0.5
        places = (np.stack([x, y], axis=-1) - (left + right) / 2) / apart
        along, height = np.abs(places @ across), places @ down
        forelock = (height > FORELOCK[0]) & (height < FORELOCK[1]) & (along < FORELOCK[2])
        if not forelock.any() or float(other[forelock].mean()) < HAT:
            return np.zeros_like(other)
        return np.asarray(other * ((along < HEAD) & (height < -0.3)), np.float32)


def part_under(weight: Floats, alike: Floats, masks: FaceMasks, for_dye: bool) -> str:
    """`hair`, `face`, `other`, or nothing where a stroke (S, S) lies on several, or on what is not sure.

    `alike` (S, S) are all strokes of its colour; hair is meant by all of them or by none. `for_dye` says that place and colour are those
    of hair that is dyed: then a share of its own is enough.
    """
    hair = _on(weight, masks.hair) > STRONG_ON_HAIR if for_dye else _on(alike, masks.hair) > MOSTLY
    if hair:
        return "hair"
    if _on(weight, masks.face) > MOSTLY:
        return "face"
    return "other" if _on(weight, masks.hair + masks.face) < BESIDE else ""


def _on(weight: Floats, part: Floats) -> float:
    """Of a stroke, how much lies on a part."""
    return float((weight * part).sum() / max(float(weight.sum()), 1e-6))


def covers_lips(weight: Floats, masks: FaceMasks) -> bool:
    """Whether a stroke lies over most of the lips, and not over half a face."""
    return _share(masks.lips, weight) > COVERED and _on(weight, masks.lips + masks.mouth) > LEAST_LIPS


def lips_of(masks: FaceMasks, parts: Parts) -> Floats:
    """(S, S) in 0 to 1: lips to their very rim, also where network or landmarks alone see them, but not far from the landmarks'."""
    reach = 2 * round(NEAR_LIPS * len(masks.lips)) + 1
    near = ndimage.maximum_filter(np.clip(parts.lips + parts.mouth, 0, 1), reach)
    lips = np.clip((RIM * masks.lips - TRACE) / (1 - TRACE), 0, 1)
    return np.asarray(np.minimum(lips, near), np.float32)


def tint_reach(part: str, weight: Floats, photograph: Floats, face: FaceMap) -> Floats:
    """(S, S) in 0 to 1: where a tint that was put on a part may be seen; lips are no part of it."""
    masks = face.masks
    if part == "other":
        return face.other
    if part != "face":
        return np.asarray((1 - masks.lips - masks.mouth).clip(0, 1), np.float32)
    opening = face.opening
    allowed = masks.skin + masks.eyes
    if _share(opening, weight) < OVER_EYES:
        allowed = allowed * (1 - opening)
    return np.asarray(allowed.clip(0, 1) * _plain(photograph, masks), np.float32)


def _share(part: Floats, weight: Floats) -> float:
    """Of a part, how much is painted."""
    return float((part * (weight > PAINTED)).sum() / max(float(part.sum()), 1e-6))


def _plain(photograph: Floats, masks: FaceMasks) -> Floats:
    """(S, S): 0 on dark lines over skin, like the frame of glasses."""
    grey, skin = luma(photograph), masks.skin + 1e-3
    reach = BROAD * len(grey)
    broad = ndimage.gaussian_filter(grey * skin, reach) / ndimage.gaussian_filter(skin, reach)
    beside = grey / np.maximum(broad, 0.05)
    return np.asarray(np.clip((beside - DARK_LINE[0]) / (DARK_LINE[1] - DARK_LINE[0]), 0, 1), np.float32)


def dyed(photograph: Floats, colour: Floats, weight: Floats, masks: FaceMasks) -> Floats:
    """(S, S, 3): what to add to the photograph so that its hair has a colour (3,), with its strands and its light.

    `weight` (S, S) in 0 to 1 is what is painted; `0` beside the hair.
    """
    grey = luma(photograph)
    inside = weight * masks.hair
    there = float((grey * inside).sum() / max(float(inside.sum()), 1e-6))
    wanted = float(luma(colour[None])[0])
    strands = grey / max(there, 0.02)
    # hair that is made lighter has too much contrast else, and the camera's noise is seen
    strands = 1 + (strands - 1) * min(1.0, (max(there, 0.02) / max(wanted, 0.02)) ** STRONGER)
    made = colour * strands.clip(0, MOST)[..., None]
    return np.asarray(inside[..., None] * (made.clip(0, 1) - photograph), np.float32)


def hair_reach(alpha: Floats, face: FaceMap) -> Floats:
    """(S, S) in 0 to 1: where hair that was painted (its alpha) may lie: not over an eye that it only touches, and over no hat."""
    found = np.ones(alpha.shape, np.float32)
    opening = face.opening
    if _share(opening, alpha) < OVER_EYES:
        found *= 1 - opening
    hat = face.hat
    if not _is_meant_for(hat, alpha):
        found *= 1 - hat
    return found


def _is_meant_for(part: Floats, alpha: Floats) -> bool:
    return float((part * alpha).sum()) > MOSTLY * float(alpha.sum())


def mass_reach(alpha: Floats, face: FaceMap) -> Floats:
    """(S, S) in 0 to 1: what of a face may follow strokes (their alpha): of face, hair and what is neither those that they touch; what
    was painted itself always."""
    masks, total = face.masks, max(float(alpha.sum()), 1e-6)
    found = np.zeros(alpha.shape, np.float32)
    for part in (masks.hair, masks.face, face.other):
        if float((alpha * part).sum()) / total > TOUCHED:
            found = found + part
    hat = face.hat
    if not _is_meant_for(hat, alpha):
        found = found * (1 - hat)
        return np.asarray(np.maximum(found, alpha * (1 - hat)).clip(0, 1), np.float32)
    return np.asarray(np.maximum(found, alpha).clip(0, 1), np.float32)
