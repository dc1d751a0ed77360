"""Photographic style: one photograph gets the light and the colours of another, and stays a photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scumble.algorithms import photo_transfer, segments
from scumble.algorithms.colour_transfer import lab_to_rgb, rgb_to_lab
from scumble.algorithms.reduction import Reduced, enlarged, strips
from scumble.algorithms.segments import Segments
from scumble.geometry import Bounds
from scumble.layers import Layer
from scumble_client.errors import ScumbleError

from .base import Operation, Output, Parameters, Role
from .context import Context
from .style_inputs import IMAGE, MASK, OPAQUE, STYLE, Canvas, Painting, Target, seen_small, style_layer, target

Floats = NDArray[np.float32]

SOLVED_AT = 448
"""Longest side, in pixels, at which the transfer is solved."""


class PhotoStyleParameters(Parameters):
    method: Literal["fast"] = Field("fast", title="Method", description="fast moves colours, in seconds at any size.")
    painting: Painting = Field("none", title="Painting", description="A bundled style picture, where no other is given.")
    segments: Literal["given", "automatic", "none"] = Field(
        "given",
        title="Segments",
        description="Which parts go together: by the colours of the two segmentations (given; automatic where there "
        "are none), found in the pictures (automatic), or the whole pictures (none).",
    )
    segment_count: int = Field(4, ge=2, le=12, title="Automatic segments", description="How many to look for at most.")
    strength: float = Field(
        1.0, ge=0, le=1, title="Strength", description="How far to go.", json_schema_extra={"step": 0.05}
    )
    contrast: float = Field(
        0.45,
        ge=0,
        le=1,
        title="Least contrast",
        description="Share of the picture's own contrast of lightness that is kept at least.",
        json_schema_extra={"step": 0.05},
    )
    smoothness: float = Field(
        1.0,
        ge=0.25,
        le=4,
        title="Smoothness",
        description="How slowly the change of colours may vary over the picture; less is nearer to the style.",
        json_schema_extra={"step": 0.25},
    )


class PhotoStyle(Operation[PhotoStyleParameters]):
    name = "photo-style"
    title = "Photo style"
    help = "Gives a photograph the light and the colours of another one."
    roles = (
        IMAGE,
        STYLE,
        Role("segmentation", "A segmentation", "Flat colours over the picture; equal ones go together."),
        Role("style_segmentation", "A segmentation of the style", "Flat colours over the style picture."),
        MASK,
    )
    parameters = PhotoStyleParameters

    def run(self, layers: Mapping[str, Layer], parameters: PhotoStyleParameters, context: Context) -> Sequence[Output]:
        context.report(0.0, "Looking at the pictures")
        style = style_layer(layers, parameters.painting)
        where = target(layers["image"], layers.get("mask"))
        canvas = Canvas(where)
        _fast(where, style, layers, parameters, context, canvas)
        context.report(1.0, "Done")
        return [Output(canvas.layer(), context.seed)]


def _fast(
    where: Target,
    style: Layer,
    layers: Mapping[str, Layer],
    parameters: PhotoStyleParameters,
    context: Context,
    canvas: Canvas,
) -> None:
    small = seen_small(where.image, where.bounds, SOLVED_AT, context)
    small_style = seen_small(style, style.bounds, SOLVED_AT, context)
    content_lab, style_lab = rgb_to_lab(small.rgb), rgb_to_lab(small_style.rgb)
    both = _segments(layers, where, style, small, small_style, parameters, context)
    content_labels = np.where(where.weight(small.factor) >= OPAQUE, both.content, -1)
    if (content_labels < 0).all():  # a selection that is soft everywhere still has colours
        content_labels = both.content
    style_labels = np.where(small_style.alpha >= OPAQUE, both.style, -1)
    standard = photo_transfer.Effort()
    effort = photo_transfer.Effort(radius=standard.radius * parameters.smoothness, least_gain=parameters.contrast)
    transfer = photo_transfer.solve(
        content_lab,
        style_lab,
        content_labels.astype(np.int32),
        style_labels.astype(np.int32),
        effort,
        context.seed,
        context.part(0.05, 0.6, "Matching colours"),
    )
    part = enlarged(transfer.planes(), small.factor, where.bounds)
    for strip in strips(where.bounds, small.factor):
        context.report(0.6 + 0.4 * (strip.y - where.bounds.y) / where.bounds.height, "Applying them")
        rgb = where.image.to_working(strip).rgb
        lab = rgb_to_lab(rgb)
        changed = photo_transfer.apply(part(strip), lab)
        changed = lab_to_rgb(lab + np.float32(parameters.strength) * (changed - lab))
        canvas.put(np.clip(changed, 0, max(1.0, float(rgb.max(initial=0)))), strip)


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
            rgb_to_lab(small.rgb), rgb_to_lab(small_style.rgb), parameters.segment_count, context.seed
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
