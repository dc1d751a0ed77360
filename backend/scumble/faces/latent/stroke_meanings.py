"""What each stroke on a face means: a tint, a line, or a mass that the face is to follow.

Where a stroke is about as light as what lies under it, forms are to stay and colours to move (a lipstick, a rouge, a shadow on a
lid): the photograph's own colours are shifted, with all of their detail, within the part of the face that the stroke lies on. A
thin stroke is a drawn line. For all others a face is looked for that has such colours there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.parts import Parts
from scumble.imaging.colour import luma

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

THIN = 1 / 50
"""Radius of a stroke, as a share of the aligned frame's side, up to which it is a line: the frame of glasses, a strand, a scar."""

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
    """(S, S): the alpha of those strokes that are white on a mouth which is not."""

    left: Floats
    """(S, S): the alpha of those strokes that are none of these."""


def meanings(rgb: Floats, alpha: Floats, photograph: Floats, parts: Parts | None, strength: float) -> Meanings:
    """Take the strokes apart, each of what hangs together in one colour.

    Parameters
    ----------
    rgb, alpha
        (S, S, 3) and (S, S) in 0 to 1: the strokes.
    photograph
        (S, S, 3) in 0 to 1.
    parts
        Of the face; None where it was not found.
    """
    shift, left = np.zeros_like(photograph), alpha.copy()
    lines, teeth = np.zeros_like(alpha), np.zeros_like(alpha)
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
        lipstick = on_mouth and vivid
        # white on a mouth is teeth, however light the mouth is
        forms = float(apart[painted].mean()) > (OF_VIVID if vivid else LIGHTNESS)
        lighter = float(luma(wanted[None])[0] - luma(there[None])[0])
        if on_mouth and np.ptp(wanted) < WHITE and lighter > WHITER:
            teeth = np.maximum(teeth, weight)
            left = np.where(painted, 0, left)
            continue
        if not lipstick and (on_mouth or forms):
            if stroke_radius(painted) <= THIN * len(alpha):
                lines = np.maximum(lines, weight)
                left = np.where(painted, 0, left)
            continue
        left = np.where(ndimage.binary_dilation(painted, iterations=2), 0, left)
        soft = ndimage.gaussian_filter(weight, SOFT * stroke_radius(painted))
        if lipstick and parts is not None:
            # what is painted of the lips, to their very rim; teeth stay as they are
            on_lips = weight * parts.lips
            there = (photograph * on_lips[..., None]).sum((0, 1)) / max(float(on_lips.sum()), 1e-6)
            soft = np.maximum(soft, ndimage.maximum_filter(weight, 3)) * parts.lips
        elif parts is not None:
            soft = soft * (1 - parts.lips) * (1 - parts.mouth)
        change = wanted - there
        grey = luma(change[None])[0]
        change = change - (1 - SHADE) * grey
        shift += strength * soft[..., None] * change
    left = np.where(left > PAINTED, left, 0)  # the soft rims of what was taken out
    found = (np.asarray(one, np.float32) for one in (shift, lines, teeth, left))
    return Meanings(*found)


def _share(weight: Floats, part: Floats) -> float:
    return float((weight * part).sum() / max(float(weight.sum()), 1e-6))
