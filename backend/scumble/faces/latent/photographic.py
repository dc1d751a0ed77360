"""What a latent model changes in a face, as a photograph would show it.

The model's pictures are soft: where it moves forms (teeth in a mouth that was closed, hair on a forehead) there is smoke. Such
places are finished like a completed face, by a network and with copies of real faces. Where only colours move (a lipstick), the
photograph's own detail is there already, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.found_face import FaceFrame, aligned_layer, rows_of, whole_face
from scumble.faces.detection.model_frame import model_frame
from scumble.faces.finishing.soft_face import SIDES, FineFace, SoftFace, finished, side_for
from scumble.faces.sketch.layer import detailed, in_document, weight_in_document
from scumble.imaging.colour import luma
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer, composite
from scumble.operations.context import Context
from scumble.operations.new_layer import NewLayer

from .edit import Subject, as_array

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

MOVED = 0.09
"""A change of lightness (0 to 1) above which forms move, not only colours."""

WHOLLY = 0.2
"""One from which the model's picture counts alone; below, what is seen of the change over the photograph does as well."""

LIGHT = 0.1
"""Standard deviation, as a share of the face's side, of the blur with which the model's error of light is given back."""

SPECK, RIM = 1 / 128, 1 / 80
"""Shares of the side: places narrower than the first are none; how softly what is finished begins."""

TOWARDS = 0.5
"""How far what the model found for a stroke is moved on towards its colour."""

LEAST = 1 / 1500
"""Share of the face's square below which nothing is finished."""


@dataclass(frozen=True)
class Painted:
    """Strokes in a face's aligned frame."""

    rgb: Floats
    """(S, S, 3) in 0 to 1."""

    alpha: Floats
    """(S, S), times how far they are to be followed."""


def side_of(place: FaceFrame) -> int:
    """Of the aligned frame in which a face is finished: as the document is fine."""
    return side_for(whole_face(place).frame)


def finished_change(
    change: Layer,
    after: Floats,
    face: Subject,
    image: Layer,
    painted: Painted | None,
    exemplars: bool,
    seed: int,
    context: Context,
) -> Layer:
    """The layer of a change with those places finished where forms have moved.

    Parameters
    ----------
    change
        What `change_layer` made: seen over the image, and transparent where nothing changes; it stays so there.
    after
        (h, w, 3) in −1 to 1: the model's picture after the change.
    painted
        What the model was asked for, of `side_of` the face; it is moved so much nearer to it.
    """
    place = whole_face(face.place)
    side = side_of(face.place)
    around = place.bounds.padded(6).intersection(image.bounds)
    base = image.crop(around)
    before, alpha = aligned_layer(base, place, side)
    now, _ = aligned_layer(composite(base, change), place, side)
    moved = ndimage.gaussian_filter(np.abs(luma(now) - luma(before)), SPECK * side)
    cross = np.ones((3, 3), np.bool_)
    steps = max(1, round(SPECK * side))
    hole = ndimage.binary_opening((moved > MOVED) & (alpha > 0.5), cross, steps)
    if hole.mean() < LEAST:
        return change
    hole = np.asarray(ndimage.binary_dilation(hole, cross, 2 * steps) & (alpha > 0.5))
    light = face.picture - (as_array(face.base.picture) / 2 + 0.5)
    light = ndimage.gaussian_filter(light, (LIGHT * len(light), LIGHT * len(light), 0))
    model, seen = in_aligned(np.asarray(after / 2 + 0.5 + light, np.float32), side)
    share = (np.clip(moved / WHOLLY, 0, 1) * seen * hole)[..., None]
    soft = np.asarray(now + share * (model - now), np.float32)
    if painted is not None:
        weight = (TOWARDS * painted.alpha * hole)[..., None]
        soft = np.asarray(soft + weight * (painted.rgb - soft), np.float32)
    found = finished(soft_face(soft.clip(0, 1), hole), exemplars, image, place, None, seed, context)
    picture = detailed(found, hole, image, place, 1.0, seed)
    rim = np.clip(ndimage.gaussian_filter(hole.astype(np.float32), RIM * side) * 2 - 0.5, 0, 1)
    return _over(change, picture, np.asarray(rim, np.float32), image, place)


def finished_picture(
    picture: Floats, image: Layer, place: FaceFrame, exemplars: bool, seed: int, context: Context
) -> Floats:
    """(S, S, 3) in 0 to 1: a model's picture (h, w, 3), all of it finished and as large as the document is fine."""
    from scumble.faces.detection.alignment import aligned

    whole = whole_face(place)
    side = side_of(place)
    soft, seen = in_aligned(picture, side)
    # beyond the model's square lies what is there already; it is seen by nobody, but the network knows faces with it
    around, alpha = aligned_layer(image, whole, side)
    around = around * alpha[..., None] + np.float32(0.5) * (1 - alpha[..., None])
    soft = np.asarray(soft * seen[..., None] + around * (1 - seen[..., None]), np.float32)
    found = finished(soft_face(soft.clip(0, 1), seen > 0.5), exemplars, image, whole, None, seed, context)
    return np.asarray(aligned(found, model_frame(np.array([[side, 0, 0], [0, side, 0.0]])), side), np.float32)


def in_aligned(picture: Floats, side: int) -> tuple[Floats, Floats]:
    """A model's picture (h, w, 3) in the aligned frame (S, S, 3) around it, and (S, S): where it is."""
    frame = model_frame(np.array([[side, 0, 0], [0, side, 0.0]]))
    return in_document(picture, FaceFrame(frame, True), Bounds(0, 0, side, side))


def soft_face(soft: Floats, hole: Mask) -> SoftFace:
    """Where neither lines nor colours are known. (S, S, 3) and (S, S), S one of `SIDES`."""
    nothing = np.zeros((SIDES[0], SIDES[0]), np.bool_)
    if len(soft) == SIDES[0]:
        return SoftFace(soft, soft, hole, nothing, nothing)
    half = SIDES[0]
    small = np.asarray(soft.reshape(half, 2, half, 2, 3).mean((1, 3)), np.float32)
    small_hole = np.asarray(hole.reshape(half, 2, half, 2).any((1, 3)))
    return SoftFace(small, small, small_hole, nothing, nothing, FineFace(soft, soft, hole, np.zeros_like(hole)))


def _over(change: Layer, picture: Floats, weight: Floats, image: Layer, place: FaceFrame) -> Layer:
    """The change, with an aligned picture in the place of its colours where the weight (S, S) is."""
    made = NewLayer(image, change.bounds)
    for part in rows_of(change.bounds):
        working = change.to_working(part)
        fill, _ = in_document(picture, place, part)
        amount = weight_in_document(weight, place, part)[..., None]
        rgb = working.rgb + amount * (fill.clip(0, 1) - working.rgb)
        made.put(np.asarray(rgb, np.float32), working.alpha, part)
    return made.layer()
