"""`paint-style` by optimization (Gatys et al. 2016): made at a working size, and enlarged to the document's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.layer import Layer
from scumble.imaging.reduction import Reduced
from scumble.operations.context import Context
from scumble.style.inputs import Canvas, Target, seen_small
from scumble.style.optimization import prepare
from scumble.vision.strip_enlargement import enlarged
from scumble.vision.vgg.layers import LEAST_SIDE
from scumble_client.errors import ScumbleError

from .inputs import StylePicture, finish
from .prepared import resized, size_for, tensor

if TYPE_CHECKING:
    import torch

    from .parameters import PaintStyleParameters

Floats = NDArray[np.float32]


def run_gatys(
    where: Target,
    styles: Sequence[StylePicture],
    start: Layer | None,
    parameters: PaintStyleParameters,
    context: Context,
    canvas: Canvas,
) -> None:
    """Fill the canvas. Raises ScumbleError."""
    import torch

    from scumble.style.descent import Descent

    from .gatys import GatysOptions, neural_style

    work = prepare(where, parameters, context)
    small = work.content
    seen = []
    for style in styles:
        rgb, alpha = style.seen()
        picture = tensor(rgb, context.device)
        size = [max(LEAST_SIDE, side) for side in size_for(picture, max(small.alpha.shape) * parameters.style_scale)]
        opaque = resized(torch.from_numpy(alpha)[None, None].to(context.device), size)[0, 0]
        seen.append((resized(picture, size), opaque, style.share))
    options = GatysOptions(
        content_weight=parameters.content_weight,
        style_weight=parameters.style_weight,
        tv_weight=parameters.tv_weight,
        content_layers=work.content_layers,
        style_layers=work.style_layers,
        descent=Descent(parameters.optimizer, parameters.iterations, parameters.learning_rate, parameters.corrections),
        scales=parameters.scales,
        start=parameters.start,
        normalise=parameters.normalize_gradients,
        scale=work.scale,
        preview_every=work.preview_every,
    )

    weight = np.clip(where.weight(small.factor), 0, 1)
    result = neural_style(
        work.network,
        tensor(np.clip(small.rgb, 0, 1), context.device),
        seen,
        torch.from_numpy(np.ascontiguousarray(weight)).to(context.device),
        options,
        context.seed,
        None if start is None else _first(start, where, small, context),
        lambda fraction, message: context.report(0.9 * fraction, message),
        work.preview,
    )
    planes = np.ascontiguousarray(np.moveaxis(result.picture, 2, 0))
    part = enlarged(planes, small.factor, where.bounds)
    finish(
        lambda strip: np.ascontiguousarray(np.moveaxis(part(strip), 0, 2)),
        small.factor,
        where,
        parameters,
        context,
        canvas,
    )


def _first(start: Layer, where: Target, small: Reduced, context: Context) -> torch.Tensor:
    """The picture to begin with: what it shows over the image where it lies there, else the whole of it, fitted."""
    over = start.bounds.intersection(where.bounds)
    bounds = where.bounds if over == where.bounds else start.bounds
    found = seen_small(start, bounds, max(small.alpha.shape), context)
    if not (found.alpha > 0).any():
        raise ScumbleError(
            "missing_input", "The picture to begin with is transparent.", "Choose one that shows something."
        )
    rgb = np.where(found.alpha[..., None] > 0, np.clip(found.rgb, 0, 1), found.rgb[found.alpha > 0].mean(axis=0))
    return resized(tensor(np.asarray(rgb, np.float32), context.device), small.alpha.shape)
