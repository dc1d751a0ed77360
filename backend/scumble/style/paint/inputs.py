"""The styles of `paint-style`, with their shares; the pictures as tensors; and what is put on the canvas in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.imaging.reduction import strips
from scumble.operations.context import Context
from scumble.style.inputs import Canvas, Target, as_wide_as, style_layer
from scumble_client.errors import ScumbleError

from .parameters import PaintStyleParameters, blend_weights

Floats = NDArray[np.float32]

ROLES = ("style", "second_style", "third_style")

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class StylePicture:
    """One style and its share; all shares sum to 1."""

    layer: Layer
    share: float

    def seen(self) -> tuple[Floats, Floats]:
        """Colours (h, w, 3) in 0 to 1, and 1 where they are opaque enough to count, (h, w); there they are carried on beyond that."""
        working = self.layer.to_working()
        rgb = unseen.continued(working.rgb, working.alpha)
        return np.clip(rgb, 0, 1), unseen.solid(working.alpha).astype(np.float32)


def gather(layers: Mapping[str, Layer], parameters: PaintStyleParameters) -> list[StylePicture]:
    """All styles that are asked for: layers first, then paintings; the first painting only where there is no layer.

    Raises ScumbleError `missing_input` where there is none, `invalid_parameter` where the weights are not as many.
    """
    found = [style_layer({"style": layers[role]}, "none") for role in ROLES if role in layers]
    names = [parameters.second_painting] if found else [parameters.painting, parameters.second_painting]
    found += [style_layer({}, name) for name in names if name != "none"]
    if not found:
        style_layer({}, "none")
    weights = blend_weights(parameters.blend) or [1.0] * len(found)
    if len(weights) != len(found):
        raise ScumbleError(
            "invalid_parameter",
            f"There {'is one style' if len(found) == 1 else f'are {len(found)} styles'}, "
            f"but {len(weights)} blend weight{'s' if len(weights) > 1 else ''}.",
            "Write one number for each style, or none at all.",
        )
    total = sum(weights)
    return [StylePicture(layer, w / total) for layer, w in zip(found, weights, strict=True) if w > 0]


def finish(
    part: Callable[[Bounds], Floats],
    factor: int,
    where: Target,
    parameters: PaintStyleParameters,
    context: Context,
    canvas: Canvas,
) -> None:
    """Put the painting on the canvas, strip by strip: with the picture's colours and at the strength that are asked for."""
    for strip in strips(where.bounds, factor):
        context.report(0.9 + 0.1 * (strip.y - where.bounds.y) / where.bounds.height, "Applying it")
        rgb = where.image.to_working(strip).rgb
        changed = part(strip)
        if parameters.original_colors:
            # adding the same to all three channels changes luma, and neither of the differences that are chroma
            changed = as_wide_as(rgb, np.asarray(rgb + ((changed - rgb) @ LUMA)[..., None], np.float32))
        canvas.put(np.asarray(rgb + np.float32(parameters.strength) * (changed - rgb), np.float32), strip)
