"""Deep Photo Style Transfer (Luan, Paris, Shechtman and Bala 2017): the two published stages, and what comes after them.

Stage 1 is neural style per segment from noise; stage 2 goes on from its picture with the photorealism term of the matting
Laplacian. Then the smooth local affine filter takes the detail from the photograph again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from scumble.style.descent import Descent, descend
from scumble.style.losses import (
    FULL,
    Objective,
    Photorealism,
    StyleTarget,
    as_picture,
    as_tensor,
    masks_at_layers,
    style_target,
)
from scumble.vision.matting_laplacian import matting_laplacian
from scumble.vision.vgg.network import Vgg

from .local_affine import refine_posterization, smooth_local_affine

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]
Progress = Callable[[float, str], None]
Preview = Callable[[Floats], None]

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYERS = ("relu4_2",)


@dataclass(frozen=True)
class DeepOptions:
    """Every weight and layer, with its published default."""

    style_option: Literal[0, 1, 2] = 2
    """0: the first stage alone. 1: the second alone. 2: one after the other."""

    content_weight: float = 5.0
    style_weight: float = 100.0
    tv_weight: float = 1e-3
    affine_weight: float = 1e4
    content_layers: Sequence[str] = CONTENT_LAYERS
    style_layers: Sequence[str] = STYLE_LAYERS
    descent: Descent = field(default_factory=Descent)
    """Of each stage."""

    laplacian_epsilon: float = 1e-7
    smooth: bool = True
    filter_radius: int = 15
    filter_edge: float = 0.01
    refine: bool = False
    """Against posterization, at the very end."""

    preview_every: int = 100
    """Iterations between previews; 0 for none."""

    scale: float = 1.0
    """As in `Objective`."""


@dataclass(frozen=True)
class DeepResult:
    """The finished picture, what the optimization itself came to, and the losses of all its iterations."""

    picture: Floats
    optimised: Floats
    losses: tuple[list[float], ...]


def deep_photo(
    network: Vgg,
    content: Floats,
    style: Floats,
    content_labels: Labels,
    style_labels: Labels,
    options: DeepOptions,
    seed: int = 612,
    start: Floats | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    preview: Preview | None = None,
) -> DeepResult:
    """Run the stages that `options` ask for.

    Parameters
    ----------
    content, style
        (H, W, 3) and (H', W', 3) in 0 to 1.
    content_labels, style_labels
        Segments, as numbers that go together; below 0 a pixel belongs to none.
    start
        What the first stage that runs begins with; by default weak noise (stage 1), or the content (stage 2 alone).
    progress
        Called after each iteration with the share done and a word; what it raises ends the work.
    preview
        Called now and then with the picture so far, filtered as the finished one is.
    """
    stages = {0: (1,), 1: (2,), 2: (1, 2)}[options.style_option]
    say: Progress = progress or (lambda fraction, message: None)
    steps = len(stages) * options.descent.iterations
    objective = _objective(network, content, style, content_labels, style_labels, options, device)
    first = noise(content.shape[:2], seed) if start is None and stages[0] == 1 else content if start is None else start
    losses = []
    done = 0
    for stage in stages:
        picture = as_tensor(first, device) * FULL
        if stage == 2:
            say(done / steps, "Building the matting Laplacian")
            laplacian = matting_laplacian(content, options.laplacian_epsilon)
            objective.photorealism = Photorealism(laplacian, device)

        def watch(number: int, now: torch.Tensor, done: int = done, stage: int = stage) -> None:
            say(
                0.95 * (done + number) / steps,
                f"Stage {stage}, step {number}: loss {sum(objective.parts.values()):.4g}",
            )
            if preview is not None and options.preview_every and number % options.preview_every == 0:
                so_far = np.clip(as_picture(now) / np.float32(FULL), 0, 1)
                preview(finished(so_far, content, options) if stage == 2 else so_far)

        found = descend(objective, picture, options.descent, watch)
        first = np.clip(as_picture(found.picture) / np.float32(FULL), 0, 1)  # published: a file, between the stages
        losses.append(found.losses)
        done += options.descent.iterations
    optimised = first
    say(0.95, "Smoothing")
    picture_out = finished(optimised, content, options) if stages[-1] == 2 else optimised
    return DeepResult(picture_out, optimised, tuple(losses))


def finished(optimised: Floats, content: Floats, options: DeepOptions) -> Floats:
    """What follows the second stage: smooth local affine, and the refinement, each where it is asked for."""
    picture = optimised
    if options.smooth:
        picture = smooth_local_affine(content, picture, options.filter_radius, options.filter_edge)
    if options.refine:
        picture = refine_posterization(picture, content)
    return np.asarray(np.clip(picture, 0, 1), np.float32)


def noise(shape: tuple[int, ...], seed: int) -> Floats:
    """Weak noise around the training pictures' mean: what the published first stage begins with."""
    generator = torch.Generator().manual_seed(seed)
    mean = torch.tensor([123.68, 116.779, 103.939])
    values = torch.randn(shape[0], shape[1], 3, generator=generator) * 1e-4 * 256 + mean
    return np.asarray(values.numpy() / FULL, np.float32)


def _objective(
    network: Vgg,
    content: Floats,
    style: Floats,
    content_labels: Labels,
    style_labels: Labels,
    options: DeepOptions,
    device: str,
) -> Objective:
    with torch.no_grad():
        features = network(as_tensor(content, device), list(options.content_layers))
    numbers = sorted(set(np.unique(content_labels).tolist()) & set(np.unique(style_labels).tolist()) - {-1})
    masks = [
        torch.from_numpy(np.stack([labels == n for n in numbers]).astype(np.float32)).to(device)
        for labels in (content_labels, style_labels)
    ]
    target: StyleTarget = style_target(network, as_tensor(style, device), list(options.style_layers), masks[1])
    return Objective(
        network,
        features,
        [target],
        masks_at_layers(network, masks[0], list(options.style_layers)),
        options.content_weight,
        options.style_weight,
        options.tv_weight,
        photorealism_weight=options.affine_weight,
        scale=options.scale,
    )
