"""`paint-style` by the style network alone: smooth, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.geometry import Bounds
from scumble.operations.context import Context
from scumble.style.inputs import Canvas, Target
from scumble.vision import guided_filter
from scumble.vision.strip_enlargement import enlarged

from .inputs import StylePicture, finish
from .prepared import Prepared, prepare

if TYPE_CHECKING:
    import torch

    from .parameters import PaintStyleParameters

Floats = NDArray[np.float32]

RADIUS, EPSILON = 2, 2e-3
"""Window, in pixels of the working size, and variance below which the picture has no edge, of what is made sharp again."""


def run_network(
    where: Target, styles: Sequence[StylePicture], parameters: PaintStyleParameters, context: Context, canvas: Canvas
) -> None:
    """Fill the canvas. Raises ScumbleError."""
    import torch

    with torch.inference_mode():
        prepared = prepare(where, styles, parameters, context)
        painted = smooth_painting(prepared, context, 0.1, 0.9)
        made = np.ascontiguousarray(np.moveaxis(painted[0].cpu().numpy(), 0, 2))
        finish(_at_full_size(made, prepared, where), prepared.small.factor, where, parameters, context, canvas)


def smooth_painting(prepared: Prepared, context: Context, start: float, end: float) -> torch.Tensor:
    """(1, 3, h, w) at the working size. Raises ScumbleError `weights_missing` where the network is not here."""
    from .smooth import code_of, paint_smoothly, style_network

    network = style_network(context)
    code = code_of(network, prepared.pictures, prepared.shares)
    return paint_smoothly(network, prepared.coloured, code, context.part(start, end, "Painting"))


def _at_full_size(painted: Floats, prepared: Prepared, where: Target) -> Callable[[Bounds], Floats]:
    """A function that gives strips of what was painted small: edges that the picture has, too, are as sharp as the picture's.

    The affine models of the guided filter are found small and applied large; what they don't explain is enlarged (He and Sun, "Fast
    Guided Filter", 2015).
    """
    small, factor = prepared.small, prepared.small.factor
    if factor == 1:
        return lambda strip: painted[strip.relative_to(where.bounds.offset).slices]
    matrix, offset = guided_filter.coefficients(small.rgb, painted, RADIUS, EPSILON)
    rest = painted - guided_filter.apply(matrix, offset, small.rgb)
    planes = np.concatenate([matrix.reshape(*painted.shape[:2], 9), offset + rest], axis=2)
    large = enlarged(np.ascontiguousarray(planes.transpose(2, 0, 1), np.float32), factor, where.bounds)

    def part(strip: Bounds) -> Floats:
        found = np.moveaxis(large(strip), 0, 2)
        shaped = found[..., :9].reshape(*found.shape[:2], 3, 3)
        rgb = where.image.to_working(strip).rgb
        return np.asarray(np.clip(guided_filter.apply(shaped, found[..., 9:], rgb), 0, 1), np.float32)

    return part
