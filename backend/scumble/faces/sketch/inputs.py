"""What a face completion works on: the face that is meant, and hole, lines and colours as its network sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scumble.faces.detection.found_face import (
    FaceFrame,
    aligned_coverage,
    aligned_layer,
    covered,
    faces_of,
    share_inside,
    square_around,
)
from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble_client.errors import ScumbleError

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAST_SHARE = 0.15
"""A face is meant if so much of the hole lies in its frame, or so much of its middle is hole."""

ALL, MUCH_LARGER = 0.9, 1.4
"""A selection that takes so much of a face's square, and is no larger than so many times its side, takes all of the face."""

DRAWN_AT = 1024
"""Largest side, in pixels, at which a sketch is read: thin lines of a large document are still seen there."""

TOUCHED = 0.01
"""Coverage from which a pixel is hole."""

GIVEN = 0.35
"""Opacity from which a colour is given."""

FILLED_IN = 0.3
"""A sketch with lines on so much of the hole is no drawing."""


@dataclass(frozen=True)
class Conditions:
    """The aligned face, all of one side S."""

    picture: Floats
    """(S, S, 3) in 0 to 1; what lies in the hole is of no meaning."""

    hole: Mask
    """(S, S): what is selected, and what nothing is seen of."""

    unseen: Mask
    """(S, S): the part of the hole that is not selected."""

    lines: Mask
    """(S, S), in the hole."""

    colours: Floats
    """(S, S, 3) in 0 to 1."""

    given: Mask
    """(S, S): where a colour is given, in the hole."""

    def halved(self, thin: bool) -> Conditions:
        """The same at half the size; `thin` lines are made one pixel wide again."""
        from scumble.vision.edges import thinned

        lines = _any(self.lines)
        weight = self.given[..., None].astype(np.float32)
        colours = _means(self.colours * weight) / np.maximum(_means(weight), 1e-6)
        return Conditions(
            _means(self.picture),
            _any(self.hole),
            _any(self.unseen),
            thinned(lines) if thin else lines,
            np.asarray(colours, np.float32),
            _any(self.given),
        )


def frame_of_hole(image: Layer, mask: Layer, context: Context) -> FaceFrame:
    """The face that the selection lies on; the square around the selection where that takes all of the face, or there is none.

    Raises
    ------
    ScumbleError
        `missing_input` where nothing is selected, or nothing of the layer.
    """
    from scumble.faces.detection.alignment import scale_of

    coverage = mask.coverage()
    seen = coverage > TOUCHED
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        raise ScumbleError("missing_input", "The selection is empty.", "Select what is to be completed.")
    box = Bounds.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1).moved(mask.offset)
    if not box.intersection(image.bounds):
        raise ScumbleError(
            "missing_input", "The selection lies outside the layer.", "Choose the layer that it belongs to."
        )
    places = [FaceFrame(face.frame, True) for face in faces_of(image, context)]
    meant = [max(share_inside(coverage, mask.bounds, p), covered(coverage, mask.bounds, p)) for p in places]
    if places and max(meant) >= LEAST_SHARE:
        place = places[int(np.argmax(meant))]
        larger = max(box.width, box.height) / scale_of(place.frame)
        if covered(coverage, mask.bounds, place, 1.0) > ALL and larger < MUCH_LARGER:
            return square_around(box)  # nothing of this face stays: the new one fills what is selected
        if share_inside(coverage, mask.bounds, place) < 0.98:
            context.note(
                "The selection goes beyond the square around the face that is seen; only what lies in it is completed."
            )
        return place
    context.note(
        "No face was recognized at the selection, so the square around the selection was taken as the face, upright."
    )
    return square_around(box)


def conditions(layers: dict[str, Layer], place: FaceFrame, side: int, context: Context) -> Conditions:
    """Everything that the network is given, aligned; notes tell the artist what was not used."""
    image = layers["image"]
    picture, visible = _seen(image, place, side)
    selected = aligned_coverage(layers["mask"], place, side) > TOUCHED
    hole = selected | ~visible
    lines = np.zeros((side, side), np.bool_)
    if "sketch" in layers:
        lines = _lines(layers["sketch"], place, side, hole, context)
    colours, given = np.zeros((side, side, 3), np.float32), np.zeros((side, side), np.bool_)
    if "color" in layers:
        colours, alpha = aligned_layer(layers["color"], place, side)
        given = (alpha > GIVEN) & hole
        colours = np.clip(colours, 0, 1)
        if not given.any():
            context.note("The colour layer has nothing in the selection, so no colours were given.")
        elif (alpha > 0.99).all():
            context.note(
                "The colour layer covers the whole face, so all of it was taken as colour; leave transparent what is open."
            )
    return Conditions(picture, hole, hole & ~selected, lines, colours, given)


def _any(mask: Mask) -> Mask:
    """Of each 2 × 2."""
    half = len(mask) // 2
    return np.asarray(mask.reshape(half, 2, half, 2).any(axis=(1, 3)))


def _means(picture: Floats) -> Floats:
    """Of each 2 × 2."""
    half = len(picture) // 2
    return np.asarray(picture.reshape(half, 2, half, 2, -1).mean(axis=(1, 3)), np.float32)


def _lines(sketch: Layer, place: FaceFrame, side: int, hole: Mask, context: Context) -> Mask:
    from scumble.faces.detection.alignment import scale_of

    from .drawn_lines import read_lines

    factor = int(np.clip(np.ceil(scale_of(place.frame) / side), 1, max(1, DRAWN_AT // side)))
    drawn = read_lines(*aligned_layer(sketch, place, factor * side), side)
    lines = drawn & hole
    if not drawn.any():
        context.note("Nothing is drawn on the sketch layer over this face, so no lines were followed.")
    elif not lines.any():
        context.note(
            "No line of the sketch lies in the selection; select the part of the sketch that is to be followed."
        )
    elif lines.sum() > FILLED_IN * hole.sum():
        context.note("The sketch is nearly filled with lines; a face follows a few clear lines better.")
    return lines


def _seen(image: Layer, place: FaceFrame, side: int) -> tuple[Floats, Mask]:
    """(S, S, 3): the aligned picture, which goes on beyond its border, and where it is opaque."""
    from scumble.faces.detection.alignment import aligned

    bounds = place.bounds.padded(4).intersection(image.bounds)
    if not bounds:
        raise ScumbleError(
            "missing_input", "The selection lies outside the layer.", "Choose the layer that it belongs to."
        )
    working = image.to_working(bounds)
    matrix = place.frame - np.array([[0, 0, bounds.x], [0, 0, bounds.y]])
    alpha = working.alpha[..., None]
    planes = aligned(np.concatenate([working.rgb * alpha, alpha], axis=2, dtype=np.float32), matrix, side)
    rgb = np.clip(planes[..., :3] / np.maximum(planes[..., 3:], 1e-4), 0, 1)
    return np.asarray(rgb, np.float32), planes[..., 3] > unseen.OPAQUE * working.alpha.max(initial=0)
