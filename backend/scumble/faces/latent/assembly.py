"""One layer out of all that strokes have changed: what the face has followed, lines that were drawn into it, tints over both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scumble.faces.detection.found_face import FaceFrame, bounds_of_part, rows_of
from scumble.faces.sketch.layer import in_document, weight_in_document
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.operations.new_layer import NewLayer

from .edit import SEEN

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Redrawn:
    """A part of an aligned face that was drawn again."""

    picture: Floats
    """(S, S, 3) in 0 to 1."""

    weight: Floats
    """(S, S) in 0 to 1: where it takes the place of what was there."""


def assembled(
    image: Layer,
    layers: dict[str, Layer],
    place: FaceFrame,
    followed: Layer | None,
    redrawn: Redrawn | None,
    shift: Floats | None,
) -> Layer:
    """A layer over the image, transparent where nothing changes.

    Parameters
    ----------
    layers
        Of which `mask` and `within` bound what may change.
    place
        The aligned frame of `redrawn` and `shift`.
    followed
        A layer of its own, already bounded.
    shift
        (S, S, 3): what is added to colours in 0 to 1.
    """
    areas = [] if followed is None else [followed.bounds]
    if redrawn is not None:
        areas.append(bounds_of_part(redrawn.weight > SEEN, place.frame).intersection(image.bounds))
    if shift is not None:
        areas.append(bounds_of_part(np.abs(shift).max(axis=2) > SEEN, place.frame).intersection(image.bounds))
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
        if redrawn is not None:
            fill, _ = in_document(redrawn.picture, place, part)
            weight = weight_in_document(redrawn.weight, place, part) * allowed
            rgb = np.asarray(rgb + weight[..., None] * (fill.clip(0, 1) - rgb), np.float32)
            moved |= weight > SEEN
        if shift is not None:
            added, inside = in_document(shift, place, part)
            added = np.asarray(added * (inside * allowed)[..., None], np.float32)
            rgb = rgb + added
            moved |= np.abs(added).max(axis=2) > SEEN
        high = max(1.0, float(working.rgb.max(initial=0)))
        rgb = np.asarray(np.clip(rgb, min(0.0, float(working.rgb.min(initial=0))), high), np.float32)
        made.put(rgb, np.asarray(np.where(moved, working.alpha, alpha), np.float32), part)
    return made.layer()
