"""Somebody else's face, whole: out of those that may be copied from, one that fits into a place.

A face that a network draws has no skin; a photograph of somebody has, and with the right pose, light and hairline it needs only to be laid
over the other's features and into the surroundings' colours. Which of many would fit is told by their thumbnails and landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.alignment import LEFT_EYE, RIGHT_EYE, Points, aligned, mirrored_points, similarity
from scumble.faces.relighting import relit
from scumble.operations.context import Context

from .library import ExemplarLibrary, open_libraries

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

RIM = 2
"""How far from the hole's edge, in pixels of a thumbnail, a face is compared with the one that is there."""

TURNED = 0.35
"""What a difference in pose counts beside one in colours: its unit is a tenth of the eye distance, theirs a tenth of the range."""

FEWEST, MORE = 5, 24
"""From how many that fit best one is drawn: with a variety of 0, and how many more for each 1."""

SELF = 0.04
"""Root mean square difference within the hole up to which a face is the very photograph that it would go into."""

CHROMA = 0.5
"""How much of the difference in hue a face takes over where it takes over the light."""


@dataclass(frozen=True)
class Place:
    """Where a face is to go: an aligned frame of side S."""

    photograph: Floats
    """(S, S, 3) in 0 to 1."""

    known: Mask
    """(S, S): where there is a photograph."""

    hole: Mask
    """(S, S): where the face goes."""

    points: Points
    """(49, 2): landmarks of the face that is there, as shares of the side."""


class Strangers:
    """Everybody who may be copied from, ordered once by how well they fit into a place."""

    def __init__(self, place: Place, context: Context) -> None:
        self._place, self._context = place, context
        self._library = open_libraries()
        for note in self._library.notes:
            context.note(note)
        self._order = _fitting(self._library, place)

    def somebody(self, variety: float, seed: int) -> Floats | None:
        """(S, S, 3) in 0 to 1: a face in the light of the one that is there, its features where that one's are.

        None where there is nobody to copy from. The same seed gives the same face; with more `variety` (0 to 2) it is drawn from more
        of them, that fit less well.
        """
        library, place, context = self._library, self._place, self._context
        count = min(len(self._order), FEWEST + round(MORE * variety))
        for number in np.random.default_rng([seed, 7]).permutation(self._order[:count]):
            face, turned = int(number) % len(library), bool(number >= len(library))
            for _, picture in library.pictures([face], context.note):
                points = np.asarray(library.points[face], np.float64)
                if turned:
                    picture, points = np.ascontiguousarray(picture[:, ::-1]), mirrored_points(points)
                matrix = similarity(place.points, points * len(picture))
                found = aligned(np.asarray(picture, np.float32) / np.float32(255), matrix, len(place.hole))
                copied = np.asarray(found.clip(0, 1), np.float32)
                context.copies_from(library.collections_of([face]))
                return relit(copied, place.photograph, place.hole & place.known, CHROMA).clip(0, 1)
        return None


def _fitting(library: ExemplarLibrary, place: Place) -> NDArray[np.int64]:
    """Numbers of the library's faces, those that fit best first; a number beyond their count is a face in the mirror."""
    if not len(library):
        return np.zeros(0, np.int64)
    small = np.asarray(library.thumbnails, np.float32) / np.float32(255)
    side, cell = small.shape[1], len(place.hole) // small.shape[1]
    share = place.hole.reshape(side, cell, side, cell).mean((1, 3)) > 0.5
    known = place.known.reshape(side, cell, side, cell).mean((1, 3)) > 0.5
    seen = place.photograph.reshape(side, cell, side, cell, 3).mean((1, 3))
    edge = ndimage.binary_dilation(share, iterations=RIM) & ~ndimage.binary_erosion(share, iterations=RIM) & known
    if not edge.any():
        edge = known if known.any() else np.ones_like(known)
    both = np.concatenate([small, small[:, :, ::-1]])
    apart = both[:, edge] - seen[edge]
    apart = apart - 0.7 * apart.mean(axis=1, keepdims=True)  # light in which a face was taken is forgiven, mostly
    colours = np.sqrt(np.square(apart).mean((1, 2))) / 0.1
    points = np.asarray(library.points, np.float64)
    poses = np.concatenate([_pose(points), _pose(mirrored_points(points))])
    turned = np.linalg.norm(poses - _pose(place.points), axis=1) / 0.1
    order = np.argsort(colours + TURNED * turned, kind="stable")
    inside = share & known
    if not inside.any():
        return order
    same = np.sqrt(np.square(both[:, inside] - seen[inside]).mean((1, 2))) < SELF
    return np.asarray(order[~same[order]])


def _pose(points: Points) -> NDArray[np.float64]:
    """(…, 2): how far the nose lies aside of the eyes' middle, and below them, in eye distances."""
    left, right = points[..., LEFT_EYE, :].mean(axis=-2), points[..., RIGHT_EYE, :].mean(axis=-2)
    apart = right - left
    length = np.maximum(np.linalg.norm(apart, axis=-1, keepdims=True), 1e-6)
    across = apart / length
    down = np.stack([-across[..., 1], across[..., 0]], axis=-1)
    nose = (points[..., 14:19, :].mean(axis=-2) - (left + right) / 2) / length
    return np.stack([(nose * across).sum(axis=-1), (nose * down).sum(axis=-1)], axis=-1)
