"""What each stroke on a face means: a tint, a line, teeth, hair, or a mass that the face is to follow.

Where a stroke is about as light as what lies under it, forms are to stay and colours to move (a lipstick, a rouge, a shadow on a
lid): the photograph's own colours are shifted, with all of their detail, within the part of the face that the stroke lies on. A
thin stroke is a drawn line. White on a closed mouth means teeth, and on an open one whiter ones; a mass above the brows or beside
the face, in a colour that is not the skin's, means hair. For all others a face is looked for that has such colours there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.alignment import LEFT_EYE, RIGHT_EYE, Points
from scumble.faces.detection.parts import Parts, polygon
from scumble.imaging.colour import luma

from .stroke_bounds import FaceMap, covers_lips, dyed, lips_of, part_under, tint_reach
from .strokes import PAINTED, stroke_radius

Floats = NDArray[np.float32]

LIGHTNESS, OF_VIVID = 0.24, 0.42
"""Mean change of lightness (0 to 1, encoded) that a stroke, as far as it covers, would make: from it on it changes forms. A strong
colour, which neither hair nor teeth have, may be darker and still be a rouge."""

SHADE = 0.8
"""How much of the difference in lightness a tint takes over."""

ON_MOUTH, VIVID = 0.5, 0.3
"""Share of a stroke on lips and mouth from which it is meant for them; difference between a colour's largest and its least channel
from which it is strong: on a mouth, a lipstick."""

WHITE, WHITER = 0.2, 0.2
"""A colour on a mouth with less than the first between its largest and its least channel, and lighter than the mouth by more than
the second, means teeth."""

WHITENED = 0.6
"""How far teeth that are there become what is painted on them."""

SHINES = (0.95, 1.25)
"""How light teeth are beside the lips around them: surely none, and surely teeth."""

LIPS_REDNESS, TEETH_PALER = 0.22, 0.08
"""How much more red than green, as a share of its largest channel, a colour of lips has; by so much less, it may be that of teeth."""

LEAST_TEETH = 0.15
"""Share of what lies between the lips, from which teeth are there."""

NEAR_MOUTH = 0.015
"""How far from the landmarks' mouth teeth are looked for, as a share of the side."""

BROWS = slice(0, 10)

BESIDE = 0.42
"""Where hair can be beside a face: so far out from the middle of an eye, in distances between the eyes."""

HAIR = 0.6
"""Share of a stroke above the brows or beside the face from which it is hair."""

UNLIKE_SKIN = 0.2
"""Least difference from the skin's colour, in lightness or 1.25 times that in a channel, of hair: else it is to become a forehead."""

THIN = 1 / 50
"""Radius of a stroke, as a share of the aligned frame's side, up to which it is a line: the frame of glasses, a strand, a scar."""

ONE_COLOUR = 0.12
"""Largest difference in a channel up to which strokes are of one colour."""

SOFT = 0.32
"""Standard deviation with which a tint fades, in radii of its stroke."""


@dataclass(frozen=True)
class Meanings:
    """What strokes mean, in the face's aligned frame."""

    shift: Floats
    """(S, S, 3): what is added to the photograph's colours, for colours in 0 to 1; 0 where nothing is tinted."""

    lines: Floats
    """(S, S): the alpha of those strokes that are thin: drawn lines."""

    teeth: Floats
    """(S, S): the alpha of those strokes that are white on a mouth which is closed, and not white."""

    hair: Floats
    """(S, S): the alpha of those strokes that are hair."""

    left: Floats
    """(S, S): the alpha of those strokes that are none of these."""


def meanings(
    rgb: Floats,
    alpha: Floats,
    photograph: Floats,
    points: Points | None,
    parts: Parts | None,
    strength: float,
    face: FaceMap | None = None,
) -> Meanings:
    """Take the strokes apart, each of what hangs together in one colour.

    Parameters
    ----------
    rgb, alpha
        (S, S, 3) and (S, S) in 0 to 1: the strokes.
    photograph
        (S, S, 3) in 0 to 1.
    points, parts
        Landmarks in pixels, and what they bound; None where no face was found.
    face
        Which part each place is, where that is surely known: tints keep to the one that they were put on, and a colour on hair dyes it.
    """
    shift, left = np.zeros_like(photograph), alpha.copy()
    lines, teeth, hair = np.zeros((3, *alpha.shape), np.float32)
    around = None if points is None else _hairs_place(points, len(alpha))
    skin = None if points is None else _skin(photograph, points)
    labels, count = ndimage.label(alpha > PAINTED)
    for number in range(1, count + 1):
        painted = labels == number
        weight = alpha * painted
        total = float(weight.sum())
        there = (photograph * weight[..., None]).sum((0, 1)) / total
        wanted = (rgb * weight[..., None]).sum((0, 1)) / total
        apart = np.abs(luma(rgb) - luma(photograph)) * weight
        on_mouth = parts is not None and _share(weight, parts.lips + parts.mouth) > ON_MOUTH
        vivid = float(np.ptp(wanted)) > VIVID
        # a brush that is broader than the lips, and covers them
        loose = face is not None and vivid and covers_lips(weight, face.masks)
        on_mouth = on_mouth or loose
        lipstick = on_mouth and vivid
        # white on a mouth is teeth, however light the mouth is
        forms = float(apart[painted].mean()) > (OF_VIVID if vivid else LIGHTNESS)
        lighter = float(luma(wanted[None])[0] - luma(there[None])[0])
        if on_mouth and np.ptp(wanted) < WHITE and lighter > WHITER:
            left = np.where(painted, 0, left)
            whiter = None if parts is None else _whitened(photograph, wanted, weight, parts)
            if whiter is None:
                teeth = np.maximum(teeth, weight)
            else:
                shift += strength * whiter
            continue
        thin = stroke_radius(painted) <= THIN * len(alpha)
        hairs_place = around is not None and _share(weight, around) > HAIR
        under = (
            "" if face is None else part_under(weight, _alike(wanted, rgb, alpha), face.masks, vivid and hairs_place)
        )
        # a strong colour on hair dyes it: that is a tint
        of_hair = hairs_place and _unlike(wanted, skin) and (forms or not vivid)
        # a skin's colour over hair takes it away: the face follows
        dye = under == "hair" and not on_mouth and (vivid or _unlike(wanted, skin))
        if face is not None and dye and not (forms and thin):
            left = np.where(ndimage.binary_dilation(painted, iterations=2), 0, left)
            shift += strength * dyed(photograph, wanted, _softened(weight, painted), face.masks)
            continue
        if not lipstick and (on_mouth or forms or of_hair):
            if forms and thin:
                lines = np.maximum(lines, weight)
                left = np.where(painted, 0, left)
            elif of_hair:
                hair = np.maximum(hair, weight)
                left = np.where(painted, 0, left)
            continue
        left = np.where(ndimage.binary_dilation(painted, iterations=2), 0, left)
        soft = _softened(weight, painted)
        if lipstick and parts is not None:
            # what is painted of the lips, to their very rim; teeth stay as they are
            lips = parts.lips
            if face is not None:
                # masks say it to a pixel or two, and teeth are told by what they look like
                beside = np.asarray(ndimage.maximum_filter(parts.mouth, 2 * round(NEAR_MOUTH * len(alpha)) + 1))
                lips = lips_of(face.masks, parts) * (1 - parts.open * beside * _like_teeth(photograph, parts))
            on_lips = weight * lips
            there = (photograph * on_lips[..., None]).sum((0, 1)) / max(float(on_lips.sum()), 1e-6)
            soft = np.maximum(soft, ndimage.maximum_filter(weight, 3)) * lips
        elif face is not None:
            soft = soft * tint_reach(under, weight, photograph, face)
        elif parts is not None:
            soft = soft * (1 - parts.lips) * (1 - parts.mouth)
        change = wanted - there
        grey = luma(change[None])[0]
        change = change - (1 - SHADE) * grey
        shift += strength * soft[..., None] * change
    left = np.where(left > PAINTED, left, 0)  # the soft rims of what was taken out
    found = (np.asarray(one, np.float32) for one in (shift, lines, teeth, hair, left))
    return Meanings(*found)


def _softened(weight: Floats, painted: NDArray[np.bool_]) -> Floats:
    """(S, S): a stroke as a tint fades."""
    return np.asarray(ndimage.gaussian_filter(weight, SOFT * stroke_radius(painted)), np.float32)


def _alike(colour: Floats, rgb: Floats, alpha: Floats) -> Floats:
    """(S, S): the alpha of all strokes in that colour: of a fringe's locks some lie on hair, and some on the forehead."""
    return np.asarray(alpha * (np.abs(rgb - colour).max(axis=2) < ONE_COLOUR), np.float32)


def _share(weight: Floats, part: Floats) -> float:
    return float((weight * part).sum() / max(float(weight.sum()), 1e-6))


def _hairs_place(points: Points, side: int) -> Floats:
    """(S, S): 1 above the brows and beside the face."""
    left, right = points[LEFT_EYE].mean(axis=0), points[RIGHT_EYE].mean(axis=0)
    apart = right - left
    across = apart / max(float(np.linalg.norm(apart)), 1e-6)
    down = np.array([-across[1], across[0]])
    y, x = np.mgrid[:side, :side] + 0.5
    places = np.stack([x, y], axis=-1) - (left + right) / 2
    along, height = places @ across, places @ down
    brows = (points[BROWS] - (left + right) / 2) @ down
    far = (0.5 + BESIDE) * float(np.linalg.norm(apart))
    return np.asarray((height < brows.max()) | (np.abs(along) > far), np.float32)


def _skin(photograph: Floats, points: Points) -> Floats:
    """(3,): the usual colour between eyes, nose and mouth's corners."""
    eyes = [points[LEFT_EYE].mean(axis=0), points[RIGHT_EYE].mean(axis=0)]
    corners = [points[37], points[31]]
    cheeks = polygon(np.array([*eyes, *corners]), len(photograph))
    if not cheeks.any():
        return np.asarray(photograph.mean((0, 1)), np.float32)
    return np.asarray(np.median(photograph[cheeks], axis=0), np.float32)


def _unlike(colour: Floats, skin: Floats | None) -> bool:
    if skin is None:
        return False
    apart = float(luma(colour[None])[0] - luma(skin[None])[0])
    return abs(apart) > UNLIKE_SKIN or bool(np.abs(colour - skin).max() > 1.25 * UNLIKE_SKIN)


def _like_teeth(photograph: Floats, parts: Parts) -> Floats:
    """(S, S) in 0 to 1: how much lighter and paler than the lips it is."""
    grey = luma(photograph)
    lips = (parts.lips > 0.5) & (parts.mouth < 0.1)
    usual = float(np.median(grey[lips])) if lips.any() else float(np.median(grey))
    redness = (photograph[..., 0] - photograph[..., 1]) / np.maximum(photograph.max(axis=2), 0.2)
    pale = np.clip((LIPS_REDNESS - redness) / TEETH_PALER, 0, 1)
    bright = np.clip((grey / max(usual, 0.05) - SHINES[0]) / (SHINES[1] - SHINES[0]), 0, 1)
    return np.asarray(pale * bright, np.float32)


def _whitened(photograph: Floats, wanted: Floats, weight: Floats, parts: Parts) -> Floats | None:
    """(S, S, 3): what to add so that the teeth within the weight become like that colour; what is dark or red there stays. None where
    there are none: landmarks alone do not tell a thin line between lips from a smile."""
    inside = parts.open * weight * np.clip(parts.lips + parts.mouth, 0, 1)  # landmarks may be off by a lip
    within = inside > 0.5
    if not within.any():
        return None
    teeth = inside * _like_teeth(photograph, parts)
    if teeth[within].mean() < LEAST_TEETH:
        return None
    there = (photograph * teeth[..., None]).sum((0, 1)) / teeth.sum()
    # what is lighter than most of them has less room left: else they become one white bar
    room = np.clip((1 - photograph) / np.maximum(1 - there, 0.05), 0, 1.5)
    return np.asarray(teeth[..., None] * room * np.maximum(WHITENED * (wanted - there), -0.05), np.float32)
