"""The segments of `photo-style`, at the small sizes: out of the two segmentations, found in the pictures, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.imaging.reduction import Reduced
from scumble.operations.context import Context
from scumble.style.colour_transfer import rgb_to_lab
from scumble.style.inputs import OPAQUE, Target
from scumble_client.errors import ScumbleError

from . import segments
from .segments import Segments

if TYPE_CHECKING:
    from .parameters import PhotoStyleParameters

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]


def labels_for(
    where: Target,
    style: Layer,
    layers: Mapping[str, Layer],
    small: Reduced,
    small_style: Reduced,
    parameters: PhotoStyleParameters,
    context: Context,
) -> tuple[Labels, Labels]:
    """(h, w) labels of the picture and of its style; −1 where something is not selected, or transparent.

    Raises ScumbleError where a segmentation lacks its counterpart, is empty, or has no colour in common with it.
    """
    both = _segments(layers, where, style, small, small_style, parameters, context)
    content = np.where(unseen.solid(where.weight(small.factor)), both.content, -1)
    if (content < 0).all():  # a selection finer than the small picture's pixels
        content = np.where(unseen.solid(small.alpha), both.content, -1)
    style_labels = np.where(unseen.solid(small_style.alpha), both.style, -1)
    return content.astype(np.int32), style_labels.astype(np.int32)


def _segments(
    layers: Mapping[str, Layer],
    where: Target,
    style: Layer,
    small: Reduced,
    small_style: Reduced,
    parameters: PhotoStyleParameters,
    context: Context,
) -> Segments:
    """Labels at the small sizes."""
    maps = layers.get("segmentation"), layers.get("style_segmentation")
    if parameters.segments == "none":
        nothing = [np.zeros(one.alpha.shape, np.int32) for one in (small, small_style)]
        return Segments(nothing[0], nothing[1], 1)
    if parameters.segments == "automatic" or maps == (None, None):
        return segments.automatic(
            rgb_to_lab(small.rgb),
            rgb_to_lab(small_style.rgb),
            parameters.segment_count,
            context.seed,
            (unseen.solid(small.alpha), unseen.solid(small_style.alpha)),
        )
    if maps[0] is None or maps[1] is None:
        missing, there = ("style picture", "picture") if maps[0] else ("picture", "style picture")
        raise ScumbleError(
            "missing_input",
            f"There is a segmentation of the {there}, but none of the {missing}.",
            "Give both, or set “Segments” to automatic or none.",
        )
    content, content_seen = _map(maps[0], where.bounds, small.alpha.shape)
    over = maps[1].bounds  # a segmentation of a style picture has its shape, but need not have its size or place
    style_map, style_seen = _map(maps[1], over, small_style.alpha.shape)
    if not content_seen.any() or not style_seen.any():
        raise ScumbleError(
            "missing_input", "A segmentation is empty where it is needed.", "Paint flat colours over the whole picture."
        )
    both = segments.from_colours(content, style_map, content_seen, style_seen)
    lonely = both.lonely()
    if len(lonely) == len(np.unique(both.content)):
        raise ScumbleError(
            "invalid_parameter",
            "The two segmentations have no colour in common.",
            "Use the same colours in both for what goes together.",
        )
    if lonely:
        context.note("Some colours of the segmentation are missing in the style's; those parts stay as they are.")
    return both


def _map(layer: Layer, bounds: Bounds, shape: tuple[int, ...]) -> tuple[Floats, NDArray[np.bool_]]:
    """A segmentation at a small size, unmixed: colours (h, w, 3), and where they are seen."""
    rows = ((np.arange(shape[0]) + 0.5) * bounds.height / shape[0]).astype(np.intp)
    columns = ((np.arange(shape[1]) + 0.5) * bounds.width / shape[1]).astype(np.intp)
    part = layer.crop(bounds)
    picked = Layer(part.pixels[np.ix_(rows, columns)], colour=layer.colour).to_working()
    return np.clip(picked.rgb, 0, 1), picked.alpha >= OPAQUE
