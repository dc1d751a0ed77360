"""What painting begins with: picture and styles at the size at which strokes are chosen, and the picture in the styles' colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scumble.imaging import unseen
from scumble.imaging.reduction import Reduced, factor_for
from scumble.operations.context import Context
from scumble.style.inputs import Target, seen_small
from scumble_client.errors import ScumbleError

from .inputs import StylePicture

if TYPE_CHECKING:
    import torch

    from .parameters import PaintStyleParameters

Floats = NDArray[np.float32]

STYLE_SIZE = 1.2
"""Longest side of a style, beside that of the content, at a style scale of 1."""

LEAST, MOST = 24, 4096
"""Longest side of a style in pixels, whatever the scale."""


@dataclass(frozen=True)
class Prepared:
    """Tensors are (1, 3, H, W) in 0 to 1.

    Attributes
    ----------
    small
        The part that is painted, as it is seen at the working size.
    longest
        Longest side, at that size, of the whole picture, of which it may be a part.
    pictures, seen
        The styles at that size, and (H, W) 1 where each shows something.
    textures
        The styles as large as there is use for.
    coloured
        What is seen small, in the styles' colours (or only in their light, where the picture's colours are to stay).
    """

    small: Reduced
    longest: float
    shares: tuple[float, ...]
    pictures: tuple[torch.Tensor, ...]
    seen: tuple[torch.Tensor, ...]
    textures: tuple[torch.Tensor, ...]
    coloured: torch.Tensor


def prepare(
    where: Target, styles: Sequence[StylePicture], parameters: PaintStyleParameters, context: Context
) -> Prepared:
    """Bring everything to the working size. Raises ScumbleError `missing_input` where a style shows nothing."""
    import torch

    from .painting import target_colours

    # by the whole picture, not by what is selected: then a part that is painted later has strokes of the same size
    whole_size = max(64, round(parameters.size * context.memory_scale))
    factor = factor_for(where.image.bounds, whole_size)
    small = seen_small(where.image, where.bounds, -(-max(where.bounds.extent) // factor), context)
    longest = max(where.image.bounds.extent) / factor
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
    known = [(_picture(p), s.cpu().numpy() > 0) for p, s in zip(pictures, seen, strict=True)]
    if not all(mask.any() for _, mask in known):
        raise ScumbleError("missing_input", "The style picture is transparent.", "Choose one that shows something.")
    shares = tuple(style.share for style in styles)
    colours = target_colours(
        np.clip(small.rgb, 0, 1), known, shares, not parameters.original_colors, unseen.solid(small.alpha)
    )
    return Prepared(
        small, longest, shares, tuple(pictures), tuple(seen), tuple(textures), tensor(colours, context.device)
    )


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
