"""`photo-style` by Deep Photo Style Transfer: solved at a working size, carried to the document's by local affine maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.layer import Layer
from scumble.imaging.reduction import strips
from scumble.operations.context import Context
from scumble.style.inputs import Canvas, Target, as_wide_as, seen_small
from scumble.style.optimization import check_size, prepare
from scumble.vision.guided_filter import coefficients
from scumble.vision.strip_enlargement import enlarged

from .segment_labels import labels_for

if TYPE_CHECKING:
    from .parameters import PhotoStyleParameters

Floats = NDArray[np.float32]

DETAIL_RADIUS = 2
"""Of the windows, at the working size, whose affine maps carry the result to a larger document."""


def run_deep(
    where: Target,
    style: Layer,
    layers: Mapping[str, Layer],
    parameters: PhotoStyleParameters,
    context: Context,
    canvas: Canvas,
) -> None:
    """Fill the canvas. Raises ScumbleError."""
    from scumble.style.descent import Descent

    from .deep_photo import DeepOptions, deep_photo

    work = prepare(where, parameters, context)
    small_style = seen_small(style, style.bounds, work.longest, context)
    check_size(small_style)
    labels, style_labels = labels_for(where, style, layers, work.content, small_style, parameters, context)
    options = DeepOptions(
        style_option=parameters.style_option,
        content_weight=parameters.content_weight,
        style_weight=parameters.style_weight,
        tv_weight=parameters.tv_weight,
        affine_weight=parameters.affine_weight,
        content_layers=work.content_layers,
        style_layers=work.style_layers,
        descent=Descent(parameters.optimizer, parameters.iterations, parameters.learning_rate),
        laplacian_epsilon=parameters.laplacian_epsilon,
        smooth=parameters.smooth,
        filter_radius=parameters.filter_radius,
        filter_edge=parameters.filter_edge,
        refine=parameters.refine,
        preview_every=work.preview_every,
        scale=work.scale,
    )

    content = np.clip(work.content.rgb, 0, 1)
    result = deep_photo(
        work.network,
        content,
        np.clip(small_style.rgb, 0, 1),
        labels,
        style_labels,
        options,
        context.seed,
        content if parameters.start == "image" else None,
        context.device,
        lambda fraction, message: context.report(0.05 + 0.9 * fraction, message),
        work.preview,
    )
    _carry(result.picture, content, work.content.factor, where, parameters.strength, context, canvas)


def _carry(
    result: Floats, content: Floats, factor: int, where: Target, strength: float, context: Context, canvas: Canvas
) -> None:
    """The result at the document's size: as it is, or as affine maps of the document's own colours."""
    if factor == 1:
        planes = np.moveaxis(result, 2, 0)
    else:
        slopes, constants = coefficients(content, result, DETAIL_RADIUS, 1e-4)
        planes = np.moveaxis(
            np.concatenate([slopes, constants[..., None]], axis=3).reshape(*result.shape[:2], 12), 2, 0
        )
    part = enlarged(np.ascontiguousarray(planes), factor, where.bounds)
    for strip in strips(where.bounds, factor):
        context.report(0.95 + 0.05 * (strip.y - where.bounds.y) / where.bounds.height, "Applying it")
        rgb = where.image.to_working(strip).rgb
        found = part(strip)
        if factor == 1:
            changed = np.moveaxis(found, 0, 2)
        else:
            models = found.reshape(3, 4, *found.shape[1:])
            changed = np.einsum("cghw,hwg->hwc", models[:, :3], rgb) + np.moveaxis(models[:, 3], 0, 2)
        changed = rgb + np.float32(strength) * (as_wide_as(rgb, changed) - rgb)
        canvas.put(np.asarray(changed, np.float32), strip)
