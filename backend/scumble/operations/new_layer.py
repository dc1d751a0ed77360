"""The layer that an operation makes: put together part by part, in the depth and colour of the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer, from_working

Floats = NDArray[np.float32]


class NewLayer:
    """Transparent at first, over `bounds` of the document."""

    def __init__(self, image: Layer, bounds: Bounds) -> None:
        self._image, self._bounds = image, bounds
        channels = 2 if image.is_gray else 4
        self._pixels = np.zeros((*bounds.extent.shape, channels), image.pixels.dtype)

    @property
    def bounds(self) -> Bounds:
        return self._bounds

    def put(self, rgb: Floats, alpha: Floats, part: Bounds) -> None:
        """Set what is seen of a part: (h, w, 3) and (h, w). What is not shown is not kept, and covers nothing."""
        layer = from_working(rgb, alpha, part, self._image)
        shown = layer.pixels[..., -1] != 0
        self._pixels[part.relative_to(self._bounds.offset).slices][shown] = layer.pixels[shown]

    def layer(self) -> Layer:
        """The layer, no larger than what is seen of it."""
        made = Layer(self._pixels, self._bounds.offset, self._image.colour)
        return made.crop(made.content_bounds())
