"""Seeded free-form holes to measure on, as artists make them: brush strokes, the blob of an object, thin scratches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scumble_training.common.hole_masks import blob, brush_strokes

KINDS = ("strokes", "object", "scratches", "mixed")


def make_hole(height: int, width: int, kind: str, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A (height, width) hole of one of `KINDS`; its size scales with the picture, and it covers about 3 to 20 %."""
    if kind == "mixed":
        return make_hole(height, width, "object", rng) | make_hole(height, width, "scratches", rng)
    if kind == "object":
        return blob(height, width, rng)
    if kind == "strokes":
        return brush_strokes(height, width, rng)
    return brush_strokes(height, width, rng, count=(6, 14), thickness=(0.004, 0.012), length=(0.2, 0.7))
