"""Where the face is that is worked on: found in the layer, chosen by strokes or selection, or simply the selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.operations.base import Role
from scumble.operations.context import Context
from scumble_client.errors import ScumbleError

from .photograph_cache import digest, photograph_cache

if TYPE_CHECKING:
    from .search import Face

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

SEARCHED = 2400
"""Longest side, in pixels, of the picture that is searched for faces."""

IMAGE = Role("image", "A picture with a face", "Choose the layer that shows the face.", required=True)
MASK = Role(
    "mask",
    "A selection",
    "Select the face where there are several, or where none is found; nothing changes outside.",
    kind="mask",
)
WITHIN = Role("within", "A limiting mask", "Nothing moves where this is not white.", kind="mask")


@dataclass(frozen=True)
class FaceFrame:
    """The part of the document that the face model sees."""

    frame: Matrix
    """(2, 3): from the model's unit square to the document."""

    found: bool
    """Whether a face was found there; otherwise it is the selection's square."""

    @property
    def bounds(self) -> Bounds:
        """Whole pixels of the document around it."""
        from .alignment import applied

        corners = applied(self.frame, np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]]))
        low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
        return Bounds.from_edges(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def faces_of(image: Layer, context: Context) -> list[Face]:
    """All faces of a layer, in document coordinates; remembered by the layer's content."""
    from dataclasses import replace

    from scumble.imaging.reduction import factor_for, reduce

    from .search import find_faces
    from .weights import face_networks

    networks = face_networks(context)

    def search() -> list[Face]:
        context.report(0.05, "Looking for faces")
        factor = factor_for(image.bounds, SEARCHED)
        seen = reduce(image, image.bounds, factor)
        for note in seen.notes:
            context.note(note)
        share = (seen.alpha / max(float(seen.alpha.max(initial=0)), 1e-6))[..., None]
        rgb = seen.rgb * share + 0.5 * (1 - share)
        progress = context.part(0.05, 0.3, "Looking for faces")
        shift = np.array([image.offset.x, image.offset.y], np.float64)
        out = []
        for face in find_faces(np.asarray(rgb, np.float32), networks, progress):
            frame = face.frame * factor
            frame[:, 2] += shift
            out.append(replace(face, points=face.points * factor + shift, frame=frame))
        return out

    name = digest("faces", context.device, image.pixels, *image.offset, image.colour.kind, image.colour.icc or b"")
    return photograph_cache(context).get(name, search)


def frame_of(layers: dict[str, Layer], context: Context, needs_face: bool = True) -> FaceFrame:
    """The face that is meant.

    Several faces: the one under the strokes, else the one that is selected, else the largest. Where there is none, the
    square around the selection is taken as a face that fills it.

    Raises
    ------
    ScumbleError
        `missing_input` where no face is found and nothing is selected, and where the strokes lie beside all faces.
    """
    from .model_frame import model_frame

    image, mask, strokes = layers["image"], layers.get("mask"), layers.get("strokes")
    selected = selected_bounds(mask)
    places = [FaceFrame(model_frame(face.frame), True) for face in faces_of(image, context)]
    if selected is not None:
        assert mask is not None
        places = [p for p in places if covered(mask.coverage(), mask.bounds, p) > 0.35]
    if strokes is not None and places:
        alpha = strokes.alpha()
        if (alpha > 0).any():
            under = [share_inside(alpha, strokes.bounds, p) for p in places]
            if max(under) <= 0.02:
                raise ScumbleError(
                    "missing_input",
                    "The strokes lie on no face.",
                    "Paint on the face, or select it where it was not recognized.",
                )
            return places[int(np.argmax(under))]
    if places:
        if len(places) > 1:
            context.note(f"There are {len(places)} faces; the largest was taken. Select another one to change that.")
        return max(places, key=lambda p: abs(np.linalg.det(p.frame[:, :2])))
    if selected is not None:
        context.note("No face was recognized in the selection, so the selection was taken as the face, upright.")
        return square_around(selected)
    if not needs_face:
        return square_around(image.bounds.intersection(image.content_bounds()) or image.bounds)
    raise ScumbleError(
        "missing_input",
        "No face was found in this layer.",
        "Select the face, from chin to hair: then the selection is taken as the face.",
    )


def bounds_of_part(where: NDArray[np.bool_], frame: Matrix) -> Bounds:
    """Whole pixels of the document around the part (S, S) of a frame in which something is true, with a pixel's margin."""
    from .alignment import applied

    rows, columns = np.nonzero(where)
    if not rows.size:
        return Bounds(0, 0, 0, 0)
    box = np.array([columns.min() - 1, rows.min() - 1, columns.max() + 2, rows.max() + 2]) / len(where)
    corners = applied(frame, np.array([[x, y] for x in box[[0, 2]] for y in box[[1, 3]]]))
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    return Bounds.from_edges(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def whole_face(place: FaceFrame) -> FaceFrame:
    """The aligned frame of the face whose model frame `place` is."""
    from .model_frame import aligned_frame

    return FaceFrame(aligned_frame(place.frame), place.found)


def points_of(image: Layer, place: FaceFrame, context: Context) -> NDArray[np.float64] | None:
    """(49, 2): the landmarks of the face whose model frame `place` is, in its aligned frame's unit square; None for a selection."""
    from .alignment import applied, inverse
    from .model_frame import model_frame

    if not place.found:
        return None
    for face in faces_of(image, context):
        if np.abs(model_frame(face.frame) - place.frame).max() < 1e-6:
            return np.asarray(applied(inverse(whole_face(place).frame), face.points))
    return None


def square_around(bounds: Bounds) -> FaceFrame:
    """The square around a rectangle's middle that holds it."""
    side = float(max(bounds.width, bounds.height))
    x, y = bounds.x + bounds.width / 2 - side / 2, bounds.y + bounds.height / 2 - side / 2
    return FaceFrame(np.array([[side, 0, x], [0, side, y]]), False)


def selected_bounds(mask: Layer | None) -> Bounds | None:
    """Bounds of what is selected; None without a selection."""
    if mask is None:
        return None
    seen = mask.coverage() > 0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        raise ScumbleError("missing_input", "The selection is empty.", "Select the face, or select nothing.")
    box = Bounds.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return box.moved(mask.offset)


def _grid(place: FaceFrame, share: float, side: int = 24) -> NDArray[np.intp]:
    """(side², 2): columns and rows of the document inside the middle of a place."""
    from .alignment import applied

    middles = 0.5 + ((np.arange(side) + 0.5) / side - 0.5) * share
    x, y = np.meshgrid(middles, middles)
    return np.floor(applied(place.frame, np.stack([x.ravel(), y.ravel()], axis=1))).astype(np.intp)


def covered(values: Floats, bounds: Bounds, place: FaceFrame, share: float = 0.5) -> float:
    """Mean of a selection over the middle of a place: that share of its side."""
    at = _grid(place, share) - [bounds.x, bounds.y]
    inside = ((at >= 0) & (at < [bounds.width, bounds.height])).all(axis=1)
    return float(values[at[inside, 1], at[inside, 0]].sum() / len(at))


def share_inside(alpha: Floats, bounds: Bounds, place: FaceFrame) -> float:
    """How much of the strokes lies in a place."""
    from .alignment import applied, inverse

    rows, columns = np.nonzero(alpha > 0)
    step = max(1, len(rows) // 20000)
    rows, columns = rows[::step], columns[::step]
    points = np.stack([columns + bounds.x + 0.5, rows + bounds.y + 0.5], axis=1)
    at = applied(inverse(place.frame), points)
    inside = ((at > 0) & (at < 1)).all(axis=1)
    weight = alpha[rows, columns]
    return float(weight[inside].sum() / max(weight.sum(), 1e-6))


def aligned_layer(layer: Layer, place: FaceFrame, side: int) -> tuple[Floats, Floats]:
    """A layer as the model sees it: colours (side, side, 3) in 0 to 1, weighted by alpha, and alpha (side, side).

    Beyond the layer it is transparent.
    """
    from .alignment import aligned

    bounds = place.bounds.padded(4)
    working = layer.to_working(bounds)
    matrix = place.frame - np.array([[0, 0, bounds.x], [0, 0, bounds.y]])
    together = np.concatenate([working.rgb * working.alpha[..., None], working.alpha[..., None]], axis=2)
    seen = aligned(np.asarray(together, np.float32), matrix, side)
    alpha = np.clip(seen[..., 3], 0, 1)
    return np.asarray(seen[..., :3] / np.maximum(seen[..., 3:], 1e-4), np.float32), np.asarray(alpha, np.float32)


def aligned_coverage(mask: Layer, place: FaceFrame, side: int) -> Floats:
    """(side, side): a mask as the model sees it."""
    from .alignment import aligned

    bounds = place.bounds.padded(4)
    matrix = place.frame - np.array([[0, 0, bounds.x], [0, 0, bounds.y]])
    seen = aligned(mask.coverage(bounds)[..., None], matrix, side)[..., 0]
    return np.asarray(np.clip(seen, 0, 1), np.float32)


def aligned_picture(image: Layer, place: FaceFrame, side: int) -> Floats:
    """(side, side, 3) in 0 to 1: the face; the picture goes on beyond its border and where nothing of it is seen."""
    from .alignment import aligned

    bounds = place.bounds.padded(4).intersection(image.bounds)
    if not bounds:
        raise ScumbleError(
            "missing_input", "The selection lies outside the layer.", "Choose the layer that it belongs to."
        )
    working = image.to_working(bounds)
    if not (working.alpha > 0).any():
        raise ScumbleError(
            "missing_input", "Nothing is seen where the face should be.", "Choose a layer that shows something there."
        )
    rgb = unseen.continued(working.rgb, working.alpha)
    matrix = place.frame - np.array([[0, 0, bounds.x], [0, 0, bounds.y]])
    return np.clip(aligned(np.asarray(rgb, np.float32), matrix, side), 0, 1)


def known_picture(image: Layer, place: FaceFrame, side: int, context: Context) -> Floats:
    """`aligned_picture`, remembered by the layer's content."""
    colour = image.colour
    name = digest("picture", image.pixels, *image.offset, colour.kind, colour.icc or b"", place.frame, side)
    return photograph_cache(context).get(name, lambda: aligned_picture(image, place, side))


def rows_of(bounds: Bounds, pixels: int = 2**20) -> Sequence[Bounds]:
    """Full-width parts of at most about so many pixels."""
    height = max(1, pixels // max(1, bounds.width))
    return [
        Bounds(bounds.x, top, bounds.width, min(height, bounds.bottom - top))
        for top in range(bounds.y, bounds.bottom, height)
    ]
