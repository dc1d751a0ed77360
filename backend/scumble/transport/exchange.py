"""Layers as the client's pixels, and back: what the command line needs to talk to the daemon."""

from __future__ import annotations

from scumble.imaging.colour import Colour
from scumble.imaging.geometry import Extent, Point
from scumble.imaging.layer import Layer
from scumble_client import Pixels


def to_pixels(layer: Layer) -> Pixels:
    """A layer as it travels. Contiguous pixels are not copied."""
    return Pixels(
        layer.to_buffer(),
        layer.extent.width,
        layer.extent.height,
        layer.layout,
        layer.depth,
        layer.bounds.x,
        layer.bounds.y,
        layer.colour.kind,
        layer.colour.icc,
    )


def to_layer(pixels: Pixels) -> Layer:
    """What came back, as a layer over the received memory."""
    return Layer.from_buffer(
        pixels.data,
        Extent(pixels.width, pixels.height),
        pixels.layout,
        pixels.depth,
        Point(pixels.x, pixels.y),
        Colour(pixels.colour, pixels.icc),  # type: ignore[arg-type]
    )
