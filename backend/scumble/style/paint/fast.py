"""`paint-style` without iterations: strokes of the style, chosen at a working size and laid at the document's.

Where it is asked for, the style network's smooth painting leads them: strokes are compared with it in place of the picture, and run as it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.style.feature_network import feature_network
from scumble.style.inputs import Canvas, Target, preview_layer
from scumble_client.errors import ScumbleError

from .inputs import StylePicture, finish
from .network_method import smooth_painting
from .prepared import prepare

if TYPE_CHECKING:
    import torch

    from scumble.vision.vgg.network import Vgg

    from .parameters import PaintStyleParameters

Floats = NDArray[np.float32]

LAYER = "relu2_1"
"""The features that are compared; seen at half size, they are at a quarter."""


def run_fast(
    where: Target,
    styles: Sequence[StylePicture],
    direction: Layer | None,
    parameters: PaintStyleParameters,
    context: Context,
    canvas: Canvas,
) -> None:
    """Fill the canvas; strokes run as `direction` says, where there is one. Raises ScumbleError."""
    import torch

    from .blocks import Style
    from .guidance import face_care, painted_direction
    from .painting import ALONE, LED, PaintingEffort, paint
    from .stroke_rendering import renderer

    network = feature_network(parameters.features, "average", context)
    with torch.inference_mode():
        prepared = prepare(where, styles, parameters, context)
        small = prepared.small

        def preview(picture: Floats) -> None:
            if context.preview is not None:
                context.preview(preview_layer(picture, small, where.image))

        led = parameters.follow_forms
        wanted = smooth_painting(prepared, context, 0.05, 0.1) if led else prepared.coloured
        if led:
            preview(np.ascontiguousarray(np.moveaxis(wanted[0].cpu().numpy(), 0, 2)))
        try:
            painted = paint(
                wanted,
                _features(network, wanted),
                [Style(p, _features(network, p), s) for p, s in zip(prepared.pictures, prepared.seen, strict=True)],
                prepared.shares,
                PaintingEffort(
                    parameters.detail,
                    parameters.style_scale * prepared.longest / max(small.alpha.shape),
                    parameters.turn,
                ),
                context.seed,
                context.part(0.1, 0.9, "Painting"),
                preview,
                LED if led else ALONE,
                face_care(small, context),
                painted_direction(direction, where, small, context) if direction is not None else None,
            )
        except ValueError as error:
            raise ScumbleError(
                "missing_input",
                "Too little is seen of the style picture.",
                "Choose one with larger parts that aren't transparent.",
            ) from error
        finish(
            renderer(painted, prepared.textures, small.factor, where.bounds),
            small.factor,
            where,
            parameters,
            context,
            canvas,
        )


def _features(network: Vgg, picture: torch.Tensor) -> torch.Tensor:
    """(1, C, h, w) at a quarter of the size, with their large values tamed."""
    from scumble.vision.resampling import area_resized

    half = [max(2, round(side / 2)) for side in picture.shape[2:]]
    found: dict[str, torch.Tensor] = network(area_resized(picture, half), [LAYER])
    return found[LAYER].sqrt()
