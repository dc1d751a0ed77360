"""Neural style: a picture whose features are those of a content, and their correlations those of one or more styles.

Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks" (2016), with the weights and options of
Johnson's neural-style; from small to large as in Gatys et al., "Controlling Perceptual Factors" (2017), section 6: what
was found at a small size is the start of the next, so that strokes may be larger than what the features see at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scumble.style.descent import Descent, Watch, descend
from scumble.style.losses import FULL, Objective, as_picture, masks_at_layers, style_target
from scumble.vision.resampling import area_resized
from scumble.vision.vgg.layers import LEAST_SIDE
from scumble.vision.vgg.network import Vgg

Floats = NDArray[np.float32]
Progress = Callable[[float, str], None]
Preview = Callable[[Floats], None]

FEWEST = 20
"""Iterations of a larger scale, at least."""

NOISE = 1e-3
"""Of `start="noise"`, in grey levels around the mean of all pictures, as published."""

MEAN = (123.68, 116.779, 103.939)


@dataclass(frozen=True)
class GatysOptions:
    """Every weight and layer, with its published default."""

    content_weight: float = 5.0
    style_weight: float = 100.0
    tv_weight: float = 1e-3
    content_layers: Sequence[str] = ("relu4_2",)
    style_layers: Sequence[str] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    descent: Descent = field(default_factory=Descent)
    """Of the smallest scale; each larger one takes half as many iterations as the one before."""

    scales: int = 1
    """Sizes, each twice the one before; the last is that of the content."""

    start: Literal["image", "noise"] = "noise"
    normalise: bool = False
    """Whether each layer's gradient is divided by its L1 norm."""

    scale: float = 1.0
    """As in `Objective`."""

    preview_every: int = 0
    """Iterations between previews; 0 for none."""


@dataclass(frozen=True)
class GatysResult:
    """The picture (H, W, 3) in 0 to 1, and the losses of all iterations, by scale."""

    picture: Floats
    losses: tuple[list[float], ...]


def neural_style(
    network: Vgg,
    content: Tensor,
    styles: Sequence[tuple[Tensor, Tensor, float]],
    weight: Tensor,
    options: GatysOptions,
    seed: int,
    first: Tensor | None = None,
    progress: Progress | None = None,
    preview: Preview | None = None,
) -> GatysResult:
    """Optimize a picture.

    Parameters
    ----------
    content
        (1, 3, H, W) in 0 to 1.
    styles
        Pictures (1, 3, h, w), where they show something (h, w), and their blend weights, which sum to 1.
    weight
        (H, W) in 0 to 1: where the style counts. Elsewhere the picture still is to look like its content.
    first
        (1, 3, H, W) in 0 to 1: what to begin with, in place of the content or noise.
    progress
        Called after each iteration with the share done and a word; what it raises ends the work.
    preview
        Called every `preview_every` iterations with the picture so far.
    """
    say: Progress = progress or (lambda fraction, message: None)
    factors = [2**n for n in range(options.scales - 1, -1, -1)]
    factors = [f for f in factors if f == 1 or _fits(content, styles, f)]
    budget = [
        max(min(FEWEST, options.descent.iterations), options.descent.iterations // 2**n) for n in range(len(factors))
    ]
    costs = [iterations / factor**2 for iterations, factor in zip(budget, factors, strict=True)]
    picture = _start(content, options, seed) if first is None else first * FULL
    losses: list[list[float]] = []
    for number, (factor, iterations) in enumerate(zip(factors, budget, strict=True)):
        here = smaller(content, factor)
        picture = _resized(picture, here.shape[2:])
        objective = _objective(network, here, [(smaller(s, factor), _shrunk(m, factor), w) for s, m, w in styles],
                               _shrunk(weight, factor), options)  # fmt: skip
        before, cost = sum(costs[:number]) / sum(costs), costs[number] / sum(costs)

        descent = Descent(
            options.descent.optimiser,
            iterations,
            options.descent.learning_rate,
            options.descent.history,
            not options.normalise,
        )
        found = descend(objective, picture, descent, _watch(objective, before, cost, iterations, options, say, preview))
        picture = found.picture
        losses.append(found.losses)
    return GatysResult(np.clip(as_picture(picture) / np.float32(FULL), 0, 1), tuple(losses))


def _watch(
    objective: Objective,
    before: float,
    cost: float,
    iterations: int,
    options: GatysOptions,
    say: Progress,
    preview: Preview | None,
) -> Watch:
    """What tells of the steps of one scale, whose share of the whole work is `cost`, after `before`."""

    def watch(step: int, now: Tensor) -> None:
        size = f"{now.shape[3]} × {now.shape[2]}"
        say(before + cost * step / iterations, f"{size}, step {step}: loss {sum(objective.parts.values()):.4g}")
        if preview is not None and options.preview_every and step % options.preview_every == 0:
            preview(np.clip(as_picture(now) / np.float32(FULL), 0, 1))

    return watch


def _fits(content: Tensor, styles: Sequence[tuple[Tensor, Tensor, float]], factor: int) -> bool:
    """Whether all pictures can be made so much smaller."""
    return min(min(p.shape[2:]) for p in (content, *(s for s, _, _ in styles))) // factor >= LEAST_SIDE


def _objective(
    network: Vgg,
    content: Tensor,
    styles: Sequence[tuple[Tensor, Tensor, float]],
    weight: Tensor,
    options: GatysOptions,
) -> Objective:
    style_layers = list(options.style_layers)
    with torch.no_grad():
        features = network(content, list(options.content_layers))
    partly = bool((weight < 1).any()) or any(bool((seen < 1).any()) for _, seen, _ in styles)
    targets = [
        style_target(network, picture, style_layers, seen[None] if partly else None, share)
        for picture, seen, share in styles
    ]
    return Objective(
        network,
        features,
        targets,
        masks_at_layers(network, weight[None], style_layers) if partly else None,
        options.content_weight,
        options.style_weight,
        options.tv_weight,
        normalise=options.normalise,
        scale=options.scale,
    )


def _start(content: Tensor, options: GatysOptions, seed: int) -> Tensor:
    if options.start == "image":
        return content * FULL
    drawn = torch.randn(content.shape, generator=torch.Generator().manual_seed(seed)).to(content.device)
    return drawn * NOISE + content.new_tensor(MEAN)[:, None, None]


def smaller(picture: Tensor, factor: int) -> Tensor:
    """(1, C, H, W) by means, `factor` times smaller."""
    if factor == 1:
        return picture
    size = [max(1, round(side / factor)) for side in picture.shape[2:]]
    return area_resized(picture, size)


def _shrunk(weight: Tensor, factor: int) -> Tensor:
    return smaller(weight[None, None], factor)[0, 0]


def _resized(picture: Tensor, size: Sequence[int]) -> Tensor:
    if picture.shape[2:] == torch.Size(size):
        return picture
    return functional.interpolate(picture, size=list(size), mode="bicubic", align_corners=False, antialias=True)
