"""A picture painted with the strokes of another: from broad to fine, finer only where it is needed.

The order of work is that of Hertzmann, "Painterly Rendering with Curved Brush Strokes of Multiple Sizes" (1998): a layer of
broad strokes everywhere, then finer ones where what is painted is too far from the picture, the sooner where the picture
has an edge. The strokes are not drawn: they are cut out of the style (`quilting`). Nothing is optimized by iterating.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scumble.style.colour_transfer import lab_to_rgb, linear_transport, monotone, rgb_to_lab
from scumble.vision.gaussian import blurred

from .blocks import Blocks, Cut, Style, from_ycc, to_ycc
from .flow import carried_on, flow_planes
from .guidance import Direction
from .quilting import Quilt, lay

Floats = NDArray[np.float32]
Progress = Callable[[float], None]
Preview = Callable[[Floats], None]

DESIGNED_AT = 540
"""Longest side of the content for which a manner's layers are given."""


@dataclass(frozen=True)
class Manner:
    """How a painting is made.

    Attributes
    ----------
    layers
        From broad to fine.
    thresholds
        Of the second and third layer: difference of colour at which they are needed, at a detail of 0.5.
    tone, hue, reach
        In the end, so much of what differs from the target's light and colour is mended, over a Gaussian of so many pixels, where the
        target is calm.
    near
        Where it has forms, all of it is, over a Gaussian of so many pixels.
    """

    layers: tuple[Cut, ...]
    thresholds: tuple[float, ...]
    tone: float
    hue: float
    reach: float
    near: float


ALONE = Manner(
    (
        Cut(40, 12, rim=1.2, features=0.7, usage=0.02),
        Cut(20, 6, rim=0.8, features=0.5, usage=0.006),
        Cut(10, 3, cells=5, rim=0.5, features=0.0, usage=0.002),
    ),
    thresholds=(0.2, 0.22),
    tone=0.6,
    hue=0.4,
    reach=4.5,
    near=0.65,
)
"""Where the target is the picture in the style's colours. Broad strokes stay where the picture is calm, since what they miss of its forms is
mended finely: on training photographs that gives more of the picture's structure, and more of the painting's strokes, than finer ones."""

LED = Manner(
    (
        Cut(40, 12, rim=1.2, features=0.4, usage=0.04, flow=0.8),
        Cut(20, 6, rim=0.8, features=0.3, usage=0.012, flow=0.6),
        Cut(10, 3, cells=5, rim=0.5, features=0.0, usage=0.004),
    ),
    thresholds=(0.1, 0.11),
    tone=0.8,
    hue=0.6,
    reach=2.5,
    near=2.5,
)
"""Where the target is painted already, smoothly: its forms stay, the painting gives the strokes."""

MOST_BLOCKS = 30_000

EDGES = 6.0
"""How much sooner a place is painted again where the picture has an edge."""

CAREFUL = 0.7
"""How far the difference at which finer strokes are taken falls where there is a face."""

WIDE, FORMS, FORMED = 4.0, 1.5, 0.08
"""A form is what differs in lightness from its surroundings, over the first in pixels; the second spreads that; from the third on it is one."""

TURNED = 2.5
"""Weight of the direction where an artist gives it, beside that of the colours."""

CARRIED = 3.0
"""How far, in blocks, a direction is carried on to where the picture has none."""


def turning(manner: Manner) -> Manner:
    """The manner, with strokes that are chosen by their direction above all."""
    return replace(manner, layers=tuple(replace(cut, flow=TURNED) for cut in manner.layers))


@dataclass(frozen=True)
class PaintingEffort:
    """What the painter is asked for.

    Attributes
    ----------
    detail
        0 to 1: how soon finer strokes are taken.
    stroke
        Size of the strokes, beside that of the style picture as it is.
    turn
        Whether strokes may be mirrored and turned.
    colours
        Whether the style's colours are taken; else only its light and its strokes.
    """

    detail: float = 0.5
    stroke: float = 1.0
    turn: bool = True
    colours: bool = True


@dataclass(frozen=True)
class Painted:
    """The painting as it was solved: enough to render it at any size.

    Attributes
    ----------
    picture
        (1, 3, h, w) as it is at that size, mended.
    origins
        (h, w) int64: indices into the blocks' atlas, which has the styles' variants one after the other.
    mending
        (1, 3, h, w): what was added to the style's own pixels.
    shapes
        (height, width) of each style picture at that size.
    variants
        How often each is in the atlas.
    """

    picture: Tensor
    origins: Tensor
    mending: Tensor
    shapes: tuple[tuple[int, int], ...]
    variants: int


def target_colours(
    content: Floats,
    styles: Sequence[tuple[Floats, NDArray[np.bool_]]],
    shares: Sequence[float],
    colours: bool = True,
    counted: NDArray[np.bool_] | None = None,
) -> Floats:
    """The content in the styles' colours, or only in their lightness: what the painting should look like from afar.

    Half a linear transport, half a monotone one of lightness, both with bounded gains, in Lab. `counted`, (h, w), are the
    content's pixels whose colours count; by default all.
    """
    lab = rgb_to_lab(content)
    flat = lab.reshape(-1, 3)
    known = flat if counted is None or not counted.any() else flat[counted.ravel()]
    total = np.zeros_like(flat)
    for (picture, seen), share in zip(styles, shares, strict=True):
        wanted = rgb_to_lab(picture)[seen]
        moved = linear_transport(known[::3], wanted[::3] if len(wanted) > 3 else wanted, ridge=20.0)(flat)
        lightness = monotone(known[:, 0], wanted[:, 0], gains=(0.4, 2.5))(flat[:, 0])
        moved[:, 0] = (moved[:, 0] + lightness) / 2
        total += np.float32(share) * moved
    if not colours:
        total[:, 1:] = flat[:, 1:]
    return np.asarray(np.clip(lab_to_rgb(total.reshape(lab.shape)), 0, 1), np.float32)


def paint(
    target: Tensor,
    features: Tensor,
    styles: Sequence[Style],
    shares: Sequence[float],
    effort: PaintingEffort,
    seed: int,
    progress: Progress,
    preview: Preview | None = None,
    manner: Manner = ALONE,
    care: Tensor | None = None,
    direction: Direction | None = None,
) -> Painted:
    """Paint `target`, (1, 3, H, W) in 0 to 1, whose features (1, C, h, w) are at a quarter of its size.

    Parameters
    ----------
    care
        (H, W) in 0 to 1: where finer strokes are taken sooner.
    direction
        Which way strokes are to run.

    Raises ValueError where no style has a whole block that is seen.
    """
    if direction is not None:
        manner = turning(manner)
    generator = torch.Generator(device=target.device).manual_seed(seed)
    drawn = torch.Generator().manual_seed(seed)
    scale = effort.stroke * max(target.shape[2:]) / DESIGNED_AT
    room = min(min(s.picture.shape[2:]) for s in styles)
    variants = 4 if effort.turn else 1
    quilt = Quilt(target, torch.full(target.shape[2:], -1, dtype=torch.int64, device=target.device))
    atlas = None
    planes = flow_planes(target)
    for number, layer in enumerate(manner.layers):
        start, share = number / len(manner.layers), 1 / len(manner.layers)
        progress(start)
        cut = _fitted(layer, scale, room)
        blocks = Blocks(styles, cut, MOST_BLOCKS, variants, drawn)
        atlas = blocks.atlas
        need = None
        if number:
            threshold = _threshold(manner, number, effort.detail, care)
            need = _need(target, quilt.picture, cut.side / 5, threshold)
        flow = carried_on(planes, CARRIED * cut.side) if cut.flow else None
        if flow is not None and direction is not None:
            flow = direction.over(flow)

        def tick(done: float, start: float = start, share: float = share) -> None:
            progress(start + share * (0.3 + 0.7 * done))

        quilt = lay(quilt, target, features, blocks, shares, generator, need, tick, flow)
        if preview is not None and number + 1 < len(manner.layers):
            preview(np.ascontiguousarray(np.moveaxis(quilt.picture[0].cpu().numpy(), 0, 2)))
    assert atlas is not None
    mending = _mending(target, quilt.picture, manner, max(1.0, scale))
    shapes = tuple((s.picture.shape[2], s.picture.shape[3]) for s in styles)
    return Painted((quilt.picture + mending).clamp(0, 1), quilt.origins, mending, shapes, variants)


def _fitted(cut: Cut, scale: float, room: int) -> Cut:
    """The cut at another size; blocks no larger than the smallest style."""
    cells = cut.cells
    side = min(max(cells, round(cut.side * scale / cells) * cells), room // cells * cells)
    while side < cells and cells > 1:  # a style of a few pixels
        cells -= 1
        side = room // cells * cells
    overlap = min(max(1, round(cut.overlap * side / cut.side)), side - 1) if side > 1 else 0
    return Cut(max(side, 1), overlap, cells, cut.rim, cut.features, cut.usage, cut.flow)


def _threshold(manner: Manner, number: int, detail: float, care: Tensor | None) -> float | Tensor:
    """Difference of colour at which a layer is needed: one number, or (H, W)."""
    threshold = manner.thresholds[number - 1] * 8 ** (0.5 - detail)
    return threshold if care is None else threshold * (1 - CAREFUL * care)


def _need(target: Tensor, painted: Tensor, sigma: float, threshold: float | Tensor) -> Tensor:
    """(H, W) bool: where the painting, seen from afar, is too far from its target."""
    difference = to_ycc(blurred(target - painted, sigma)).square().sum(1).sqrt()[0]
    luma = blurred(to_ycc(target)[:, :1], sigma)
    across = (
        functional.pad(luma[..., 2:] - luma[..., :-2], (1, 1, 0, 0)) if luma.shape[3] > 2 else torch.zeros_like(luma)
    )
    down = (
        functional.pad(luma[:, :, 2:] - luma[:, :, :-2], (0, 0, 1, 1)) if luma.shape[2] > 2 else torch.zeros_like(luma)
    )
    edge = (across.square() + down.square()).sqrt()[0, 0] * (sigma / 2)
    return difference * (1 + EDGES * edge.clamp(max=0.3)) > threshold


def _mending(target: Tensor, painted: Tensor, manner: Manner, scale: float) -> Tensor:
    luma = to_ycc(target)[:, :1]
    contrast = blurred((luma - blurred(luma, WIDE * scale)).square(), FORMS * scale).sqrt()
    forms = (contrast / FORMED).clamp(max=1)
    missing = target - painted
    mended = blurred(missing, manner.reach * scale)
    mended = mended + forms * (blurred(missing, manner.near * scale) - mended)
    share = target.new_tensor([manner.tone, manner.hue, manner.hue])[:, None, None]
    return from_ycc(to_ycc(mended, 1.0) * (share + forms * (1 - share)))
