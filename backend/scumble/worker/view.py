"""A run seen small: what an operation would make of the part of a document that is in view, at the size of the screen.

A dialog asks for it while its controls move. The part in view is made smaller by means over its pixels (weighted by
alpha), parameters that are lengths in pixels shrink along, and the operation itself runs on that: the picture says
what to expect, not each pixel of the result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from scumble.imaging.colour import SRGB
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer, composite, from_working
from scumble.operations.base import Operation, Parameters
from scumble_client.errors import ScumbleError

P = TypeVar("P", bound=Parameters)

MARGIN = 0.25
"""How much of the document beyond the view goes along, as a share of the view's longest side: something to copy from."""

LEAST_SIDE = 32
"""A style picture is not made smaller than this, in pixels."""


@dataclass(frozen=True)
class View:
    """A part of the document, in its coordinates, and the longest side in pixels that it is shown with."""

    bounds: Bounds
    side: int

    @classmethod
    def of(cls, described: Mapping[str, int]) -> View:
        """Out of a message that was checked when it came."""
        return cls(Bounds(described["x"], described["y"], described["width"], described["height"]), described["side"])

    @property
    def scale(self) -> float:
        """Pixels shown for one of the document, at most 1."""
        return min(1.0, self.side / max(self.bounds.width, self.bounds.height))

    @property
    def shown(self) -> Bounds:
        """Where the view lies in its own coordinates, which begin in its corner."""
        return Bounds.of(self.bounds.extent.scaled(self.scale))

    def layers(self, operation: Operation[Any], layers: Mapping[str, Layer]) -> dict[str, Layer]:
        """Each role's layer as far as it is in view, and a margin; others than placed ones whole.

        Raises ScumbleError `missing_input` where nothing of the picture is in view.
        """
        image = layers["image"].bounds
        margin = round(MARGIN * max(self.bounds.width, self.bounds.height))
        frame = self.bounds.padded(margin).intersection(image)
        across, down = (b / a for a, b in zip(self.bounds.extent, self.shown.extent, strict=True))
        # whole pixels of the view's own grid, each of which the frame covers
        small = Bounds.from_edges(
            math.ceil((frame.x - self.bounds.x) * across - 1e-6),
            math.ceil((frame.y - self.bounds.y) * down - 1e-6),
            math.floor((frame.right - self.bounds.x) * across + 1e-6),
            math.floor((frame.bottom - self.bounds.y) * down + 1e-6),
        )
        if not self.bounds.intersection(image) or not small.intersection(self.shown):
            raise ScumbleError("missing_input", "Nothing of the layer is in view.", "Move the view over the layer.")
        box = (
            small.x / across + self.bounds.x - frame.x,
            small.y / down + self.bounds.y - frame.y,
            small.right / across + self.bounds.x - frame.x,
            small.bottom / down + self.bounds.y - frame.y,
        )
        placed = {role.name: role.placed for role in operation.roles}
        return {
            role: smaller(layer.crop(frame), box, small) if placed[role] else self._of_its_own(layer)
            for role, layer in layers.items()
        }

    def _of_its_own(self, layer: Layer) -> Layer:
        """A style picture, as much smaller as the document is."""
        extent = layer.extent.scaled(max(self.scale, min(1.0, LEAST_SIDE / layer.extent.longest)))
        return smaller(layer, (0.0, 0.0, *layer.extent), Bounds.of(extent))

    def parameters(self, operation: Operation[P], parameters: P) -> P:
        """The parameters with their lengths in pixels as the view has them, and one variation only."""
        changed: dict[str, Any] = {}
        for described in operation.describe()["parameters"]:
            name = described["name"]
            if described.get("unit") == "pixels":
                value = getattr(parameters, name) * self.scale
                changed[name] = round(value) if described["type"] == "integer" else value
        if "variations" in type(parameters).model_fields:
            changed["variations"] = 1
        try:
            return operation.validate({**parameters.model_dump(), **changed})
        except ScumbleError as error:
            raise ScumbleError(
                "invalid_parameter", "That is too small to be seen at this size.", "Look at a smaller part."
            ) from error

    def before_and_after(self, image: Layer, made: Layer) -> tuple[Layer, Layer]:
        """The view as it is and with what was made over it: both 8-bit sRGB with alpha, of the size of `shown`."""
        return _on_screen(image.crop(self.shown)), _on_screen(composite(image, made).crop(self.shown))


def smaller(layer: Layer, box: tuple[float, float, float, float], to: Bounds) -> Layer:
    """The means of a part of a layer, in its own depth and colour; at the same size it is only moved.

    Parameters
    ----------
    box
        Left, top, right and lower edge in pixels of the layer, from its own corner.
    to
        Where the part is to lie; no larger than it is.
    """
    size = (box[2] - box[0], box[3] - box[1])
    if np.allclose(size, to.extent, atol=1e-6) and np.allclose(box, np.round(box), atol=1e-6):
        left, top = round(box[0]), round(box[1])
        return replace(layer, pixels=layer.pixels[top : top + to.height, left : left + to.width], offset=to.offset)
    working = layer.to_working()
    planes = [working.rgb[..., channel] * working.alpha for channel in range(3)] + [working.alpha]
    inside = (
        max(0.0, box[0]),
        max(0.0, box[1]),
        min(float(layer.extent.width), box[2]),
        min(layer.extent.height, box[3]),
    )
    means = [np.asarray(Image.fromarray(plane).resize(to.extent, Image.Resampling.BOX, inside)) for plane in planes]
    alpha = means[3]
    rgb = np.stack(means[:3], axis=2) / np.maximum(alpha, 1e-6)[..., None]
    return from_working(rgb, alpha, to, layer)


def _on_screen(layer: Layer) -> Layer:
    working = layer.to_working()
    rgb = np.round(np.clip(working.rgb, 0, 1) * 255).astype(np.uint8)
    alpha = np.round(working.alpha * 255).astype(np.uint8)
    return Layer(np.dstack([rgb, alpha]), layer.offset, SRGB)
