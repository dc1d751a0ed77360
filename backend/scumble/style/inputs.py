"""What the style operations share: where the style comes from, which part of the layer is worked on, and what comes back.

The style is a layer or file (role `style`), or one of the bundled paintings (parameter `painting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scumble import pictures
from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.io.files import read_picture
from scumble.imaging.layer import Layer, from_working
from scumble.imaging.reduction import Reduced, factor_for, reduce
from scumble.operations.base import Role
from scumble.operations.context import Context
from scumble.operations.new_layer import NewLayer
from scumble_client.errors import ScumbleError

Floats = NDArray[np.float32]

Painting = Literal[
    "none",
    "impasto",
    "ocean-waves",
    "mona-lisa",
    "bedroom",
    "sunset",
    "pointillism",
    "mosaic",
    "watercolour",
    "ink",
    "pastel",
    "charcoal",
    "woodcut",
]
"""Names of the bundled style pictures; `none` where the style is a layer or a file."""

PAINTINGS = {
    "none": "None",
    "impasto": "Impasto",
    "ocean-waves": "Ocean waves",
    "mona-lisa": "Mona Lisa",
    "bedroom": "Bedroom",
    "sunset": "Sunset",
    "pointillism": "Pointillism",
    "mosaic": "Mosaic",
    "watercolour": "Watercolour",
    "ink": "Ink",
    "pastel": "Pastel",
    "charcoal": "Charcoal",
    "woodcut": "Woodcut",
}
"""What an artist reads for each."""

OPAQUE = 0.5
"""A pixel with less alpha has no colour that counts."""

IMAGE = Role("image", "A picture", "Choose the layer to work on.", required=True)
STYLE = Role(
    "style", "A style picture", "Choose a layer or a file whose look to take, or one of the paintings.", placed=False
)
MASK = Role("mask", "A selection", "Select where the style should go; without one, everywhere.", kind="mask")


def style_layer(layers: Mapping[str, Layer], painting: Painting) -> Layer:
    """The style picture. Raises ScumbleError `missing_input` where there is none, or nothing is seen on it."""
    layer = layers.get("style")
    if layer is None:
        if painting == "none":
            raise ScumbleError(
                "missing_input",
                "There is no style to take over.",
                "Choose a style picture (a layer or a file), or one of the paintings.",
            )
        return read_picture(pictures.painting(painting)).layer
    if not (layer.alpha() > 0).any():
        raise ScumbleError("missing_input", "The style picture is transparent.", "Choose one that shows something.")
    return layer


@dataclass(frozen=True)
class Target:
    """The part of the image that is worked on."""

    image: Layer
    mask: Layer | None
    bounds: Bounds
    """Around what is selected, inside the image."""

    def coverage(self, bounds: Bounds) -> Floats:
        """How far a part is to be changed, 0 to 1: the selection times the image's alpha."""
        alpha = self.image.crop(bounds).alpha()
        return alpha if self.mask is None else alpha * self.mask.coverage(bounds)

    def weight(self, factor: int) -> Floats:
        """`coverage` of the whole target, as seen `factor` times smaller (the middle of each square)."""
        coverage = self.coverage(self.bounds)
        return coverage[sampled(coverage.shape[0], factor)][:, sampled(coverage.shape[1], factor)]


def target(image: Layer, mask: Layer | None) -> Target:
    """Where to work. Raises ScumbleError `missing_input` where nothing is selected, or nothing is seen there."""
    bounds = image.bounds.intersection(image.content_bounds())
    if mask is not None:
        seen = mask.coverage() > 0
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not rows.size:
            raise ScumbleError("missing_input", "The selection is empty.", "Select where the style should go.")
        box = Bounds.from_edges(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        bounds = bounds.intersection(box.moved(mask.offset))
    found = Target(image, mask, bounds)
    if not bounds or not (found.coverage(bounds) > 0).any():
        raise ScumbleError(
            "missing_input", "Nothing is seen where the style should go.", "Choose a layer that shows something there."
        )
    return found


def seen_small(layer: Layer, bounds: Bounds, longest: int, context: Context) -> Reduced:
    """A layer's part at a small size, carried on to where nothing is seen; what had to be mended is told."""
    small = reduce(layer, bounds, factor_for(bounds, longest))
    for note in small.notes:
        context.note(note)
    return replace(small, rgb=unseen.continued(small.rgb, small.alpha))


def as_wide_as(rgb: Floats, changed: Floats) -> Floats:
    """Colours (h, w, 3) within 0 to 1, or as far beyond as those of the picture they are made of: wide ones are not clipped to sRGB's."""
    low, high = min(0.0, float(rgb.min(initial=0))), max(1.0, float(rgb.max(initial=1)))
    return np.asarray(np.clip(changed, low, high), np.float32)


def preview_layer(picture: Floats, small: Reduced, image: Layer) -> Layer:
    """A picture (h, w, 3) of what is seen small, of any size, as a layer that shows nothing where that shows nothing."""
    rows, columns = (
        np.arange(count) * length // count for count, length in zip(picture.shape[:2], small.alpha.shape, strict=True)
    )
    return from_working(picture, small.alpha[rows][:, columns], Bounds(0, 0, *picture.shape[1::-1]), image)


def sampled(length: int, factor: int) -> NDArray[np.intp]:
    """Indices of the middles of squares, as many as `reduce` makes."""
    count = -(-length // factor)
    return np.minimum(np.arange(count) * factor + factor // 2, length - 1)


class Canvas:
    """The layer that is being made of a target: alpha is as the selection says."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._made = NewLayer(target.image, target.bounds)

    def put(self, rgb: Floats, bounds: Bounds) -> None:
        """Set a part: (h, w, 3)."""
        self._made.put(rgb, self._target.coverage(bounds), bounds)

    def layer(self) -> Layer:
        """The layer, no larger than what is seen of it."""
        return self._made.layer()
