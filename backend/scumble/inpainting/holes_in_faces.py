"""A hole that hides eyes, nose or mouth is completed as a face, not as a wall.

Copies of a face's surroundings make no face. Where a hole lies on one that is found, and takes so many of its landmarks, the
network that completes faces decides what belongs there, and real faces are copied where some fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scumble.imaging.layer import Layer, Working
from scumble.imaging.regions import Region
from scumble.operations.context import Context

if TYPE_CHECKING:
    from scumble.faces.detection.found_face import FaceFrame

    from .fill_regions import FillRegion

LEAST_LANDMARKS = 3
"""Of the 49 that lie in the hole: a scratch over a cheek has none, one over an eye few."""

LEAST_SHARE = 0.8
"""Of the hole that lies in the face's square."""

LEAST_SIDE = 20
"""Pixels of the hole's shorter side: what is narrower is a scratch, for which copies of its surroundings are best."""

MOST_REGIONS = 4
"""Where there are more, they are marks all over a picture, and no face is looked for in each."""


def completed_face(piece: FillRegion, image: Layer, seed: int, context: Context) -> Working | None:
    """The part of a hole that lies on a face, completed, over the region's crop; None where it lies on none."""
    region = piece.region
    if min(region.hole.extent) < LEAST_SIDE:
        return None
    hole = Layer((255 * (piece.alpha > 0)).astype(np.uint8)[..., None], region.crop.offset)
    place = _face_under(hole, region, image, context)
    if place is None:
        return None
    from scumble.faces.sketch.completion import completed, completion_input
    from scumble.faces.sketch.layer import detailed, layer_of

    context.note("The selection lies on a face, so it was completed as one; “Complete faces” turns that off.")
    job = completion_input({"image": image, "mask": hole}, place, "embedded", context)
    found = completed(job, True, image, hole, seed, context)
    picture = detailed(found, job.fine.hole, image, place, 1.0, seed)
    return layer_of(picture, image, hole, place, 0, True, context).to_working(region.crop)


def _face_under(hole: Layer, region: Region, image: Layer, context: Context) -> FaceFrame | None:
    from scumble.faces.detection.found_face import FaceFrame, faces_of, share_inside

    around = region.hole.padded(max(region.hole.extent)).intersection(image.bounds)
    coverage = hole.coverage()
    for face in faces_of(image.crop(around), context):
        at = np.floor(face.points).astype(int) - [hole.offset.x, hole.offset.y]
        inside = ((at >= 0) & (at < hole.extent)).all(axis=1)
        hidden = int((coverage[at[inside, 1], at[inside, 0]] > 0).sum())
        place = FaceFrame(face.frame, True)
        if hidden >= LEAST_LANDMARKS and share_inside(coverage, hole.bounds, place) >= LEAST_SHARE:
            return place
    return None
