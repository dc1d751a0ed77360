"""Running `inpaint` without a daemon or files, and the selections that its tests use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.operations import find
from scumble.operations.base import Output
from scumble.operations.context import Context
from scumble.worker.models import ModelCache

Mask = NDArray[np.bool_]


def context(seed: int = 0) -> Context:
    return Context(seed, "cpu", ModelCache(), lambda fraction, message: None)


def inpaint(
    image: Layer, mask: Layer | None = None, source: Layer | None = None, seed: int = 0, **parameters: Any
) -> Sequence[Output]:
    """Every variation; by copying, where no method is named."""
    parameters.setdefault("method", "patchmatch")
    given = {"image": image, "mask": mask, "source": source}
    layers = {role: layer for role, layer in given.items() if layer is not None}
    operation = find("inpaint")
    return operation.run(layers, operation.validate(parameters), context(seed))


def fill(
    image: Layer, mask: Layer | None = None, source: Layer | None = None, seed: int = 0, **parameters: Any
) -> Layer:
    """The one layer that comes back."""
    (output,) = inpaint(image, mask, source, seed, **parameters)
    return output.layer


def selection(bounds: Bounds, *holes: Bounds, value: int = 255) -> Layer:
    """A mask over `bounds` in which the holes (in document coordinates) have the value."""
    pixels = np.zeros((*bounds.extent.shape, 1), np.uint8)
    for hole in holes:
        pixels[hole.intersection(bounds).relative_to(bounds.offset).slices] = value
    return Layer(pixels, bounds.offset)


def near(image: Layer, mask: Layer, distance: float) -> Mask:
    """(height, width) of the image: what is selected, or at most so far from it (Euclidean, in pixels)."""
    everything = Bounds.union([image.bounds, mask.bounds])
    selected = mask.coverage(everything) > 0
    away = ndimage.distance_transform_edt(~selected) if selected.any() else np.full(selected.shape, np.inf)
    reach: Mask = away[image.bounds.relative_to(everything.offset).slices] <= distance
    return reach


def at(layer: Layer, bounds: Bounds) -> NDArray[Any]:
    """The layer's pixels in a part of the document, transparent beyond the layer."""
    return layer.crop(bounds).pixels
