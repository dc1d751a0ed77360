"""Photographic style: one photograph gets the light and the colours of another, and stays a photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from scumble.algorithms import photo_transfer
from scumble.algorithms.colour_transfer import lab_to_rgb, rgb_to_lab
from scumble.algorithms.reduction import enlarged, strips
from scumble.layers import Layer

from .base import Operation, Output, Parameters, Role
from .context import Context
from .feature_network import FEATURES, Features, layer_list
from .photo_style_deep import run_deep
from .style_inputs import IMAGE, MASK, STYLE, Canvas, Painting, Target, seen_small, style_layer, target
from .style_segments import labels_for

Floats = NDArray[np.float32]

SOLVED_AT = 448
"""Longest side, in pixels, at which the transfer is solved."""


class PhotoStyleParameters(Parameters):
    method: Literal["fast", "deep"] = Field(
        "fast",
        title="Method",
        description="fast moves colours, in seconds at any size; deep optimizes the features of a network, for minutes.",
    )
    painting: Painting = Field(
        "none", title="Painting", description="A bundled style picture, where no other is given."
    )
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
    size: int = Field(700, ge=64, le=4096, title="Working size", description="deep: longest side that is optimized.")
    features: Features = FEATURES  # type: ignore[assignment]
    style_option: Literal[0, 1, 2] = Field(
        2, title="Stages", description="deep: style without photorealism (0), with it (1), or one after the other (2)."
    )
    iterations: int = Field(1000, ge=1, le=20000, title="Iterations", description="deep: of each stage.")
    optimizer: Literal["lbfgs", "adam"] = Field(
        "lbfgs", title="Optimizer", description="deep: how the loss is lowered."
    )
    learning_rate: float = Field(
        1.0, gt=0, le=100, title="Learning rate", description="deep: of adam, in steps of 8-bit colour."
    )
    content_weight: float = Field(5.0, ge=0, le=1e9, title="Content weight", description="deep: likeness in content.")
    style_weight: float = Field(100.0, ge=0, le=1e9, title="Style weight", description="deep: likeness in style.")
    tv_weight: float = Field(1e-3, ge=0, le=1e9, title="Smoothness weight", description="deep: total variation.")
    affine_weight: float = Field(1e4, ge=0, le=1e12, title="Photorealism weight", description="deep: of stage 2.")
    laplacian_epsilon: float = Field(
        1e-7, gt=0, le=1, title="Laplacian's epsilon", description="deep: regularization of the matting Laplacian."
    )
    content_layers: str = Field("relu4_2", title="Content layers", description="deep: separated by commas.")
    style_layers: str = Field(
        "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1", title="Style layers", description="deep: separated by commas."
    )
    pooling: Literal["max", "average"] = Field("max", title="Pooling", description="deep: how the network halves.")
    start: Literal["image", "noise"] = Field(
        "image", title="Begin with", description="deep: the picture, or noise as published."
    )
    smooth: bool = Field(True, title="Smooth local affine", description="deep: take the detail from the picture again.")
    filter_radius: int = Field(15, ge=1, le=64, title="Filter radius", description="deep: of that filter, in pixels.")
    filter_edge: float = Field(
        0.01, gt=0, le=1, title="Filter edge", description="deep: colour difference at which that filter stops."
    )
    refine: bool = Field(False, title="Refine", description="deep: put fine detail back, against posterization.")
    preview_every: int = Field(
        100, ge=0, le=20000, title="Preview every", description="deep: iterations between previews; 0 for none."
    )

    @field_validator("content_layers", "style_layers")
    @classmethod
    def _layers(cls, text: str) -> str:
        layer_list(text)
        return text


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
    standard = photo_transfer.Effort()
    effort = photo_transfer.Effort(radius=standard.radius * parameters.smoothness, least_gain=parameters.contrast)
    transfer = photo_transfer.solve(
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
        changed = photo_transfer.apply(part(strip), lab)
        changed = lab_to_rgb(lab + np.float32(parameters.strength) * (changed - lab))
        canvas.put(np.clip(changed, 0, max(1.0, float(rgb.max(initial=0)))), strip)
