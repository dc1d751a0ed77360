"""How a place is filled: by copying, smoothly, by a network, or by copying what the network's guess leads to.

A network sees the crop at its working size. Its guess is too soft to be a layer: so PatchMatch fills the place again at the
document's own resolution, led by the guess, with the picture's own pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.geometry import Extent
from scumble.operations.context import Context
from scumble.vision import blending

from .drawn_structure import inked, structured
from .fill_networks import Domain, PublishedWeights, embedded_network, published_network
from .fill_regions import FillRegion

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
Progress = Callable[[float], None]
Method = Literal["auto", "network", "patchmatch", "smooth"]
Blend = Literal["membrane", "multiband", "none"]

WORKING = 512
"""Longest side at which a network sees a crop, in pixels: what it was trained for."""

GUIDANCE: dict[Domain, float] = {"photo": 0.35, "art": 0.35}
"""Share of the network's guess in what PatchMatch looks for at the document's resolution."""

DRAWN_GUIDANCE = 1.5
"""The same where an artist has drawn lines, which are to be found again."""

NARROW, CHOOSY = 0.35, 12.0
"""Spread and sharpness of the last vote when it is led: nearly a copy, as the guess has decided what goes where."""

EXTRA: dict[Domain, float] = {"photo": 1.4, "art": 1.3}
"""Contrast that is given back, as a multiple of the sources': smooth patches match well more often than lively ones, so with the
sources' own a fill is softer than its surroundings. Chosen on training pictures: more is sharper and costs PSNR."""


@dataclass(frozen=True)
class FillOptions:
    """How a place is to be filled."""

    method: Method
    domain: Domain
    weights: PublishedWeights
    patch: int
    blend: Blend
    detail: float
    seed: int


def fill(piece: FillRegion, wish: FillOptions, context: Context, progress: Progress) -> Floats:
    """(H, W, 3): the piece's crop with its hole filled; the crop, bit for bit, outside the hole."""
    import torch

    from scumble.vision.harmonic_fill import harmonic_fill

    flipped = _Flip(wish.seed)
    rgb, hole, source = (_tensor(flipped(array), context) for array in (piece.rgb, piece.hole, piece.source))
    lines = flipped(piece.lines) if piece.lines is not None and piece.lines.any() else None
    with torch.inference_mode():
        if wish.method == "patchmatch" or (wish.method == "auto" and piece.restricted):
            made = _patchmatch(rgb, hole, source, wish, context, progress)
        elif wish.method == "smooth":
            made = _from_batch(harmonic_fill(_as_batch(rgb), hole[None, None])).cpu().numpy()
        else:
            made = _by_network(rgb, hole, source, lines, wish, context, progress)
    made = flipped(made)
    if wish.blend == "multiband":
        return blending.multiband(made, piece.rgb, piece.alpha)
    return made


def _patchmatch(
    rgb: torch.Tensor,
    hole: torch.Tensor,
    source: torch.Tensor,
    wish: FillOptions,
    context: Context,
    progress: Progress,
    guide: torch.Tensor | None = None,
    drawn: bool = False,
) -> Floats:
    import torch

    from scumble.vision.patchmatch import completion

    from .contrast_restoration import restore_contrast

    effort = completion.DEFAULT_EFFORT
    if guide is not None:
        guidance = DRAWN_GUIDANCE if drawn else GUIDANCE[wish.domain]
        effort = replace(effort, guidance=guidance, spread=NARROW, sharpness=CHOOSY)
    if context.memory_scale < 1:  # the table of descriptors is what takes the memory
        effort = replace(effort, largest_search=round(effort.largest_search * context.memory_scale**2))
    filled = completion.complete(
        rgb, hole, source=source, guide=guide, seed=wish.seed, patch=wish.patch, progress=progress, effort=effort
    )
    nearest = filled.nearest
    if wish.blend == "membrane":
        blended = blending.membrane(filled.suggestion.cpu().numpy(), rgb.cpu().numpy(), hole.cpu().numpy())
        del filled  # a large picture has no room for what is done with
        made = torch.from_numpy(blended).to(rgb.device)
    elif wish.blend == "multiband" and guide is None:
        made = filled.suggestion  # bands are mixed around the rim: there both sides count
    else:
        made = filled.image
    if guide is not None:
        restore_contrast(made, hole, nearest, wish.detail, EXTRA[wish.domain])
    found: Floats = made.cpu().numpy()
    return found


def _by_network(
    rgb: torch.Tensor,
    hole: torch.Tensor,
    source: torch.Tensor,
    lines: NDArray[np.bool_] | None,
    wish: FillOptions,
    context: Context,
    progress: Progress,
) -> Floats:
    size = _working_size(Extent(rgb.shape[1], rgb.shape[0]))
    first = 0.4 if wish.method == "auto" else 0.9

    def early(fraction: float) -> None:
        progress(first * fraction)

    small = _resized(rgb, size), _covered(hole, size), ~_covered(~source, size)
    guess = _guess(*small, wish, context, early)
    if lines is not None:
        guess = _with_lines(guess, *small[:2], lines, wish.domain)
    if wish.method == "network":
        return _enlarged(guess, rgb, hole).cpu().numpy()

    def late(fraction: float) -> None:
        progress(first + (1 - first) * fraction)

    made = _patchmatch(rgb, hole, source, wish, context, late, guide=guess, drawn=lines is not None)
    if lines is not None and wish.domain == "art":
        return inked(made, rgb.cpu().numpy(), hole.cpu().numpy(), lines)
    return made


def _with_lines(
    guess: torch.Tensor, rgb: torch.Tensor, hole: torch.Tensor, lines: NDArray[np.bool_], domain: Domain
) -> torch.Tensor:
    """The guess (H, W, 3) with what lines of the crop's full size say of it."""
    import torch

    colours, where = rgb.cpu().numpy(), hole.cpu().numpy()
    small = _covered(torch.from_numpy(np.ascontiguousarray(lines)), Extent(where.shape[1], where.shape[0])).numpy()
    made = structured(guess.cpu().numpy(), colours, where, small & where)
    if domain == "art":
        made = inked(made, colours, where, small & where)
    return torch.from_numpy(made).to(guess.device)


def _guess(
    rgb: torch.Tensor, hole: torch.Tensor, source: torch.Tensor, wish: FillOptions, context: Context, progress: Progress
) -> torch.Tensor:
    """(H, W, 3): what the network makes of the crop at its working size."""
    import torch

    from scumble.vision.harmonic_fill import harmonic_fill
    from scumble.vision.patchmatch import completion
    from scumble.vision.precision import fast

    if wish.weights != "embedded":
        made: torch.Tensor = published_network(wish.weights, context).fill(rgb, hole)
        return made
    network = embedded_network(wish.domain, context)
    if not bool(source.any()):
        source = ~hole
    filled = completion.complete(rgb, hole, source=source, seed=wish.seed, patch=wish.patch, progress=progress)
    copied = blending.membrane(filled.suggestion.cpu().numpy(), rgb.cpu().numpy(), hole.cpu().numpy())
    smooth = harmonic_fill(_as_batch(rgb), hole[None, None])
    patches = _as_batch(torch.from_numpy(copied).to(rgb.device))
    with fast(context.device):
        found = network(smooth, patches, filled.distance[None, None].clamp(max=0.5), hole[None, None].float())
    return _from_batch(found.float())


class _Flip:
    """Mirrors arrays by a seed: not at all, left to right, top to bottom, both. So fills of following seeds differ even
    where the network leaves PatchMatch little choice. Called on what it gave, it gives it back.
    """

    def __init__(self, seed: int) -> None:
        across, down = seed % 2 == 1, seed // 2 % 2 == 1
        self._axes = tuple(axis for axis, wanted in ((0, down), (1, across)) if wanted)

    def __call__(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.flip(array, self._axes) if self._axes else array


def _working_size(extent: Extent) -> Extent:
    longest = max(extent.width, extent.height)
    if longest <= WORKING:
        return extent
    return Extent(max(1, extent.width * WORKING // longest), max(1, extent.height * WORKING // longest))


def _tensor(array: NDArray[Any], context: Context) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(context.device)


def _as_batch(picture: torch.Tensor) -> torch.Tensor:
    """(H, W, C) to (1, C, H, W)."""
    return picture.permute(2, 0, 1)[None]


def _from_batch(batch: torch.Tensor) -> torch.Tensor:
    return batch[0].permute(1, 2, 0).contiguous()


def _resized(picture: torch.Tensor, size: Extent) -> torch.Tensor:
    from scumble.vision.resampling import area_resized

    if size.shape == picture.shape[:2]:
        return picture
    return _from_batch(area_resized(_as_batch(picture), size.shape))


def _covered(mask: torch.Tensor, size: Extent) -> torch.Tensor:
    """(H, W) bool at another size: every pixel that the mask touches."""
    from scumble.vision.resampling import touched

    if size.shape == mask.shape:
        return mask
    return touched(mask.float()[None, None], size.shape)[0, 0] > 0


def _enlarged(guess: torch.Tensor, rgb: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """A guess at the crop's full size, in the hole of the crop."""
    import torch
    from torch.nn import functional

    if guess.shape != rgb.shape:
        size = (rgb.shape[0], rgb.shape[1])
        guess = _from_batch(functional.interpolate(_as_batch(guess), size=size, mode="bicubic"))
    return torch.where(hole[..., None], guess, rgb)
