"""One place that is to be filled: its crop of the picture, what is hole there, and what may be copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scumble.imaging import masks, unseen
from scumble.imaging.layer import Layer
from scumble.imaging.regions import Region
from scumble.operations.context import Context
from scumble.vision import blending
from scumble_client.errors import ScumbleError

from .holes import Holes

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


class FillRegionParameters(Protocol):
    @property
    def grow(self) -> int: ...

    @property
    def feather(self) -> int: ...

    @property
    def patch(self) -> int: ...


@dataclass(frozen=True)
class FillRegion:
    """One region ready to be filled; arrays have the size of its crop."""

    region: Region
    rgb: Floats
    hole: Mask
    source: Mask
    alpha: Floats
    restricted: bool = False
    """Whether the artist said what may be copied."""
    lines: Mask | None = None
    """Where the artist drew lines in the hole."""


def prepare(
    region: Region,
    image: Layer,
    holes: Holes,
    source: Layer | None,
    parameters: FillRegionParameters,
    context: Context,
) -> FillRegion:
    working = image.to_working(region.crop)
    for note in working.notes:
        context.note(note)
    alpha = holes.coverage(region.crop)
    if parameters.grow or parameters.feather:
        wide = masks.grow(alpha > 0, parameters.grow)
        # A soft selection stays soft inside; what is added around it is full, then fades.
        alpha = np.maximum(alpha, np.where(alpha > 0, 0, blending.feather(wide, parameters.feather))).astype(np.float32)
    hole = alpha > 0
    solid = unseen.solid(working.alpha, ~hole)
    allowed = ~hole & solid
    if source is not None:
        allowed &= source.coverage(region.crop) >= 0.5
    if not allowed.any():
        if hole.all():
            raise ScumbleError(
                "missing_input",
                "Everything is selected, so there is nothing left to copy from.",
                "Select a smaller part.",
            )
        raise ScumbleError(
            "missing_input",
            "Around the selection there is nothing to copy from.",
            "Raise “Context”, or allow more as source.",
        )
    # What is transparent beside the hole has no colour to be compared with: it is filled as well, and not shown.
    beside = ~solid & masks.grow(hole, 2 * parameters.patch)
    rgb = working.rgb
    if not (solid | hole).all():
        around = unseen.continued(
            np.where(hole[..., None], np.float32(0), rgb), np.where(hole, np.float32(0), working.alpha)
        )
        rgb = np.where((hole & (working.alpha > 0))[..., None], rgb, around)
    alpha = alpha * unseen.opacity(working.alpha, allowed)  # in a veil the fill is as thin as the veil
    return FillRegion(region, rgb, hole | beside, allowed, alpha, source is not None)
