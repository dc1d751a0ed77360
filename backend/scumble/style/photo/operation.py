"""Photographic style: one photograph gets the light and the colours of another, and stays a photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.layer import Layer
from scumble.imaging.reduction import strips
from scumble.operations.base import Operation, Output, Preset, Role
from scumble.operations.context import Context
from scumble.style.colour_transfer import lab_to_rgb, rgb_to_lab
from scumble.style.inputs import IMAGE, MASK, STYLE, Canvas, Target, as_wide_as, seen_small, style_layer, target
from scumble.vision.strip_enlargement import enlarged
from scumble_client.errors import ScumbleError

from . import transport
from .deep import run_deep
from .parameters import PhotoStyleParameters
from .segment_labels import labels_for

Floats = NDArray[np.float32]

SOLVED_AT = 448
"""Longest side, in pixels, at which the transfer is solved."""


class PhotoStyle(Operation[PhotoStyleParameters]):
    name = "photo-style"
    title = "Photo style"
    help = "Gives a photograph the light and the colours of another one."
    roles = (
        IMAGE,
        STYLE,
        Role("segmentation", "A segmentation", "Flat colours over the picture; equal ones go together.", advanced=True),
        Role(
            "style_segmentation",
            "A segmentation of the style",
            "Flat colours over the style picture.",
            placed=False,
            advanced=True,
        ),
        MASK,
    )
    parameters = PhotoStyleParameters
    slow: ClassVar[Mapping[str, tuple[Any, ...]]] = {"method": ("deep",)}
    presets = (
        Preset("Full look", "Light and colours of the style picture.", {}),
        Preset("A touch", "Half of the way.", {"strength": 0.5, "contrast": 0.7}),
        Preset("Colours only", "The picture keeps its own contrast.", {"contrast": 1.0}),
        Preset("Close to the style", "Colours vary as fast as the style's.", {"smoothness": 0.5, "contrast": 0.3}),
    )

    def run(self, layers: Mapping[str, Layer], parameters: PhotoStyleParameters, context: Context) -> Sequence[Output]:
        context.report(0.0, "Looking at the pictures")
        style = style_layer(layers, parameters.painting)
        where = target(layers["image"], layers.get("mask"))
        canvas = Canvas(where)
        run_method = run_deep if parameters.method == "deep" else _fast
        run_method(where, style, layers, parameters, context, canvas)
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
    content_labels, style_labels = labels_for(where, style, layers, small, small_style, parameters, context)
    if (style_labels >= 0).sum() < transport.SMALLEST:
        raise ScumbleError(
            "missing_input", "Too little is seen of the style picture to take colours from.", "Choose a larger one."
        )
    if (content_labels >= 0).sum() < transport.SMALLEST:
        context.note("Too little of the picture is selected to give it other colours, so it stays as it is.")
    standard = transport.TransportEffort()
    effort = transport.TransportEffort(radius=standard.radius * parameters.smoothness, least_gain=parameters.contrast)
    transfer = transport.solve(
        content_lab,
        style_lab,
        content_labels,
        style_labels,
        effort,
        context.seed,
        context.part(0.05, 0.6, "Matching colours"),
    )
    part = enlarged(transfer.planes(), small.factor, where.bounds)
    for strip in strips(where.bounds, small.factor):
        context.report(0.6 + 0.4 * (strip.y - where.bounds.y) / where.bounds.height, "Applying them")
        rgb = where.image.to_working(strip).rgb
        lab = rgb_to_lab(rgb)
        changed = transport.apply(part(strip), lab)
        changed = lab_to_rgb(lab + np.float32(parameters.strength) * (changed - lab))
        canvas.put(as_wide_as(rgb, changed), strip)
