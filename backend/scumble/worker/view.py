"""A run seen small: what an operation would make of the part of a document that is in view, at the size of the screen.

A dialog asks for it while its controls move. The part in view is made smaller by means over its pixels (weighted by
alpha), parameters that are lengths in pixels shrink along, and the operation itself runs on that: the picture says
what to expect, not each pixel of the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from scumble.imaging.colour import SRGB
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.io.profiles import to_srgb
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
        margin = round(MARGIN * max(self.bounds.width, self.bounds.height))
        frame = self.bounds.padded(margin).intersection(layers["image"].bounds)
        if not self.bounds.intersection(layers["image"].bounds):
            raise ScumbleError("missing_input", "Nothing of the layer is in view.", "Move the view over the layer.")
        placed = {role.name: role.placed for role in operation.roles}
        left, top = (round((a - b) * self.scale) for a, b in ((frame.x, self.bounds.x), (frame.y, self.bounds.y)))
        corner = Point(left, top)
        return {
            role: smaller(layer.crop(frame), self.scale, corner)
            if placed[role]
            else smaller(layer, max(self.scale, min(1.0, LEAST_SIDE / layer.extent.longest)), Point(0, 0))
            for role, layer in layers.items()
        }

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


def smaller(layer: Layer, scale: float, offset: Point) -> Layer:
    """The layer's means at another size, in its own depth and colour; at scale 1 it is only moved."""
    if scale >= 1:
        return replace(layer, offset=offset)
    extent = layer.extent.scaled(scale)
    working = layer.to_working()
    planes = [working.rgb[..., channel] * working.alpha for channel in range(3)] + [working.alpha]
    means = [np.asarray(Image.fromarray(plane).resize(extent, Image.Resampling.BOX)) for plane in planes]
    alpha = means[3]
    rgb = np.stack(means[:3], axis=2) / np.maximum(alpha, 1e-6)[..., None]
    return from_working(rgb, alpha, Bounds.of(extent, offset), layer)


def _on_screen(layer: Layer) -> Layer:
    working = layer.to_working()
    rgb = np.round(np.clip(working.rgb, 0, 1) * 255).astype(np.uint8)
    if layer.colour.icc is not None:
        rgb = to_srgb(rgb, layer.colour.icc)
    alpha = np.round(working.alpha * 255).astype(np.uint8)
    return Layer(np.dstack([rgb, alpha]), layer.offset, SRGB)
