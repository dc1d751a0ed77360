"""One layer out of all that strokes have changed: what the face has followed, parts that were made anew, tints, and lines over all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.found_face import FaceFrame, bounds_of_part, rows_of
from scumble.faces.sketch.layer import in_document, weight_in_document
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.operations.new_layer import NewLayer

from .drawn_strokes import Drawn
from .edit import SEEN

Floats = NDArray[np.float32]


SOFT = 0.6
"""Standard deviation of a line's edge, in pixels of the document."""


@dataclass(frozen=True)
class Redrawn:
    """A part of an aligned face that was made anew."""

    picture: Floats
    """(S, S, 3) in 0 to 1."""

    weight: Floats
    """(S, S) in 0 to 1: where it takes the place of what was there."""

    def over(self, photograph: Floats) -> Floats:
        """(S, S, 3): a photograph with it."""
        return np.asarray(photograph + self.weight[..., None] * (self.picture - photograph), np.float32)


def assembled(
    image: Layer,
    layers: dict[str, Layer],
    place: FaceFrame,
    followed: Layer | None,
    redrawn: Sequence[Redrawn],
    shift: Floats,
    lines: Drawn | None,
    strength: float,
) -> Layer:
    """A layer over the image, transparent where nothing changes.

    Parameters
    ----------
    layers
        Of which `mask` and `within` bound what may change, and `strokes` has the lines.
    place
        The aligned frame of `redrawn`, `shift` and `lines`, whatever the side of each.
    followed
        A layer of its own, already bounded.
    redrawn
        Each lies over those before it.
    shift
        (S, S, 3): what is added to colours in 0 to 1.
    strength
        0 to 1: of what is redrawn and of lines.
    """
    areas = [] if followed is None else [followed.bounds]
    masks = [one.weight for one in redrawn] + [np.abs(shift).max(axis=2)]
    if lines is not None:
        masks += [lines.keep, 1 - lines.under, lines.glass]
    areas += [
        bounds_of_part(mask > SEEN, place.frame).intersection(image.bounds) for mask in masks if (mask > SEEN).any()
    ]
    made = NewLayer(image, Bounds.union([area for area in areas if area] or [Bounds(*image.offset, 1, 1)]))
    for part in rows_of(made.bounds):
        working = image.to_working(part)
        rgb, alpha = working.rgb.copy(), np.zeros(working.alpha.shape, np.float32)
        allowed = np.ones(working.alpha.shape, np.float32)
        for role in ("mask", "within"):
            if role in layers:
                allowed = allowed * layers[role].coverage(part)
        if followed is not None:
            over = followed.to_working(part)
            share = over.alpha / np.maximum(working.alpha, 1e-6)
            rgb = np.asarray(rgb + share.clip(0, 1)[..., None] * (over.rgb - rgb), np.float32)
            alpha = over.alpha
        moved = np.zeros(alpha.shape, np.bool_)
        for one in redrawn:
            fill, _ = in_document(one.picture, place, part)
            weight = strength * weight_in_document(one.weight, place, part) * allowed
            rgb = np.asarray(rgb + weight[..., None] * (fill.clip(0, 1) - rgb), np.float32)
            moved |= weight > SEEN
        if shift.any():
            added, inside = in_document(shift, place, part)
            added = np.asarray(added * (inside * allowed)[..., None], np.float32)
            rgb = rgb + added
            moved |= np.abs(added).max(axis=2) > SEEN
        if lines is not None:
            inked, changed = _with_lines(rgb, lines, layers["strokes"], place, part, strength * allowed)
            rgb, moved = inked, moved | changed
        high = max(1.0, float(working.rgb.max(initial=0)))
        rgb = np.asarray(np.clip(rgb, min(0.0, float(working.rgb.min(initial=0))), high), np.float32)
        made.put(rgb, np.asarray(np.where(moved, working.alpha, alpha), np.float32), part)
    return made.layer()


def _with_lines(
    rgb: Floats, lines: Drawn, strokes: Layer, place: FaceFrame, part: Bounds, amount: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """A part of the document with the strokes' own pixels over it; and where that changes anything. `amount` (H, W) in 0 to 1."""
    # three planes at a time: sampling is what costs
    seen, inside = in_document(np.stack([1 - lines.under, lines.glass, lines.keep], axis=2), place, part)
    shade, glass, keep = np.moveaxis(amount[..., None] * seen.clip(0, 1) * inside[..., None], 2, 0)
    lit, _ = in_document(np.stack([lines.light, lines.gleam, lines.gleam], axis=2), place, part)
    found = rgb * (1 - shade)[..., None]
    found = found + glass[..., None] * (1 - found)
    drawn = _softened(strokes, part)
    ink = np.clip(drawn[..., :3] * lit[..., :1] + lit[..., 1:2].clip(0, 1) * inside[..., None], 0, 1)
    cover = keep * drawn[..., 3]
    found = np.asarray(found + cover[..., None] * (ink - found), np.float32)
    return found, (shade > SEEN) | (glass > SEEN) | (cover > SEEN)


def _softened(strokes: Layer, part: Bounds) -> Floats:
    """(H, W, 4): colours and alpha of strokes, with edges as soft as a lens draws them: a hard brush leaves stairs."""
    around = part.padded(math.ceil(4 * SOFT))
    hard = strokes.to_working(around)
    planes = np.concatenate([hard.rgb * hard.alpha[..., None], hard.alpha[..., None]], axis=2)
    soft = ndimage.gaussian_filter(planes, (SOFT, SOFT, 0))[part.y - around.y :, part.x - around.x :]
    soft = soft[: part.height, : part.width]
    return np.asarray(
        np.concatenate([soft[..., :3] / np.maximum(soft[..., 3:], 1e-4), soft[..., 3:]], axis=2), np.float32
    )
