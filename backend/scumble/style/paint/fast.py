"""`paint-style` without iterations: strokes of the style, chosen at a working size and laid at the document's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.imaging import unseen
from scumble.imaging.reduction import factor_for
from scumble.operations.context import Context
from scumble.style.feature_network import feature_network
from scumble.style.inputs import Canvas, Target, preview_layer, seen_small
from scumble_client.errors import ScumbleError

from .inputs import StylePicture, finish

if TYPE_CHECKING:
    import torch

    from scumble.vision.vgg.network import Vgg

    from .parameters import PaintStyleParameters

Floats = NDArray[np.float32]

LAYER = "relu2_1"
"""The features that are compared; seen at half size, they are at a quarter."""

STYLE_SIZE = 5 / 6
"""Longest side of a style, beside that of the content, at a style scale of 1."""

LEAST, MOST = 24, 4096
"""Longest side of a style in pixels, whatever the scale."""


def run_fast(
    where: Target,
    styles: Sequence[StylePicture],
    parameters: PaintStyleParameters,
    context: Context,
    canvas: Canvas,
) -> None:
    """Fill the canvas. Raises ScumbleError."""
    import torch

    from .blocks import Style
    from .painting import PaintingEffort, paint, target_colours
    from .stroke_rendering import renderer

    network = feature_network(parameters.features, "average", context)
    # by the whole picture, not by what is selected: then a part that is painted later has strokes of the same size
    whole_size = max(64, round(parameters.size * context.memory_scale))
    factor = factor_for(where.image.bounds, whole_size)
    small = seen_small(where.image, where.bounds, -(-max(where.bounds.extent) // factor), context)
    longest = max(where.image.bounds.extent) / factor
    with torch.inference_mode():
        pictures, textures, seen = [], [], []
        for style in styles:
            rgb, alpha = style.seen()
            whole, opaque = tensor(rgb, context.device), torch.from_numpy(alpha)[None, None].to(context.device)
            side = min(max(longest * STYLE_SIZE * parameters.style_scale, LEAST), MOST)
            size = size_for(whole, side)
            pictures.append(resized(whole, size))
            seen.append((resized(opaque, size)[0, 0] > 0.99).float())
            larger = [min(length, s * small.factor) for length, s in zip(whole.shape[2:], size, strict=True)]
            textures.append(resized(whole, larger))
        content = np.clip(small.rgb, 0, 1)
        known = [(_picture(p), s.cpu().numpy() > 0) for p, s in zip(pictures, seen, strict=True)]
        if not all(mask.any() for _, mask in known):
            raise ScumbleError("missing_input", "The style picture is transparent.", "Choose one that shows something.")
        shares = [style.share for style in styles]
        counted = unseen.solid(small.alpha)
        colours = target_colours(content, known, shares, not parameters.original_colors, counted)
        wanted = tensor(colours, context.device)

        def preview(picture: Floats) -> None:
            if context.preview is not None:
                context.preview(preview_layer(picture, small, where.image))

        try:
            painted = paint(
                wanted,
                _features(network, wanted),
                [Style(p, _features(network, p), s) for p, s in zip(pictures, seen, strict=True)],
                shares,
                PaintingEffort(
                    parameters.detail, parameters.style_scale * longest / max(small.alpha.shape), parameters.turn
                ),
                context.seed,
                context.part(0.1, 0.9, "Painting"),
                preview,
            )
        except ValueError as error:
            raise ScumbleError(
                "missing_input",
                "Too little is seen of the style picture.",
                "Choose one with larger parts that aren't transparent.",
            ) from error
        finish(
            renderer(painted, textures, small.factor, where.bounds), small.factor, where, parameters, context, canvas
        )


def _features(network: Vgg, picture: torch.Tensor) -> torch.Tensor:
    """(1, C, h, w) at a quarter of the size, with their large values tamed."""
    from scumble.vision.resampling import area_resized

    half = [max(2, round(side / 2)) for side in picture.shape[2:]]
    found: dict[str, torch.Tensor] = network(area_resized(picture, half), [LAYER])
    return found[LAYER].sqrt()


def size_for(picture: torch.Tensor, longest: float) -> list[int]:
    factor = longest / max(picture.shape[2:])
    return [max(8, round(side * factor)) for side in picture.shape[2:]]


def resized(picture: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    from torch.nn import functional

    if list(picture.shape[2:]) == list(size):
        return picture
    found = functional.interpolate(picture, size=list(size), mode="bicubic", align_corners=False, antialias=True)
    return found.clamp(0, 1)


def tensor(rgb: Floats, device: str) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(rgb, 2, 0)))[None].to(device)


def _picture(tensor: torch.Tensor) -> Floats:
    return np.ascontiguousarray(np.moveaxis(tensor[0].cpu().numpy(), 0, 2))
