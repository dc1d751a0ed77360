"""Where an artist says what is to be filled: the selection, what is transparent, or what has a key colour."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from scumble.imaging import masks
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.imaging.regions import hole_bounds
from scumble.operations.key_colour import has_key_colour
from scumble_client.errors import ScumbleError

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


class HoleParameters(Protocol):
    """The parameters of an operation that fills."""

    @property
    def mask_from(self) -> Literal["mask", "alpha", "color"]: ...

    @property
    def key_color(self) -> str: ...

    @property
    def tolerance(self) -> float: ...


class Holes:
    """What is to be filled, wherever it is said: bounds of its parts, and coverage (0 to 1) of any part of the plane."""

    def __init__(self, image: Layer, mask: Layer | None, parameters: HoleParameters) -> None:
        self._image, self._parameters = image, parameters
        if parameters.mask_from == "mask":
            if mask is None:
                raise ScumbleError("missing_input", "Nothing is selected.", "Select what should be filled.")
            self._layer = mask
            support: NDArray[Any] = (
                mask.pixels[..., 0] if mask.pixels.shape[2] <= 2 else mask.pixels[..., :3].max(axis=2)
            )
            if mask.has_alpha:
                support = (support > 0) & (mask.pixels[..., -1] > 0)
            empty = ("The selection is empty.", "Select what should be filled.")
        else:
            support = _of_image(image, parameters)
            if mask is not None and parameters.mask_from == "color":
                # what has the colour outside the selection belongs to the picture
                support &= mask.coverage(image.bounds) > 0
            # 0 and 255, so that it is read back as any selection is
            self._layer = Layer(support.astype(np.uint8)[..., None] * np.uint8(255), image.offset)
            empty = (
                ("The layer has no transparent part.", "Erase what should be filled, or select it.")
                if parameters.mask_from == "alpha"
                else (
                    f"Nothing has the colour {parameters.key_color}.",
                    "Paint over what should be filled with that colour, or raise the tolerance.",
                )
            )
        if np.issubdtype(support.dtype, np.floating):
            support = np.nan_to_num(support) > 0
        found = [b.moved(self._layer.offset) for b in hole_bounds(support)]
        if not found:
            raise ScumbleError("missing_input", *empty)
        # Parts of a selection that lie off the layer have nothing beside them that they could be filled from.
        self.bounds = [b for b in found if b.padded(1).intersection(image.bounds)]
        if not self.bounds:
            raise ScumbleError(
                "missing_input", "The selection lies outside the layer.", "Choose the layer that it belongs to."
            )

    def coverage(self, bounds: Bounds) -> Floats:
        return self._layer.coverage(bounds)


def _of_image(image: Layer, parameters: HoleParameters) -> Mask:
    if parameters.mask_from == "alpha":
        if not image.has_alpha:
            return np.zeros(image.extent.shape, np.bool_)
        return masks.from_alpha(np.nan_to_num(image.pixels[..., -1]))
    return has_key_colour(image, parameters.key_color, parameters.tolerance)
