"""Learns what restores mosaics (`scumble train inpaint-mosaic`), on illustrations and photographs.

The error of pixels alone ends in the mean of all pictures that agree with a mosaic, which is smooth; LPIPS and a judge
(`scumble_training.common.looks`) make it one of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from pydantic import Field
from safetensors.torch import save_file
from torch.nn import functional

from scumble.mosaic.cells import Axes, bicubic
from scumble.mosaic.grid import Grid
from scumble.mosaic.network import CELL, MosaicNetwork, restored
from scumble.mosaic.weights import load
from scumble_client.errors import ScumbleError
from scumble_training.common import datasets
from scumble_training.common.checkpoints import WeightAverage, append_metrics
from scumble_training.common.descent import Descent
from scumble_training.common.looks import Looks, LooksSettings
from scumble_training.common.lpips import Lpips
from scumble_training.common.metrics import hole_psnr
from scumble_training.common.trainer import Run, Trainer
from scumble_training.common.training_loop import Stateful, TrainingLoop, cosine_rate

from . import examples as mosaic_examples
from .growth import grown

Bytes = NDArray[np.uint8]

SIDE = 16 * CELL
"""Of the squares, in pixels."""

STEEP = 0.01
"""Below this difference the loss is a square, above it an absolute value: squares alone would look only at outlines."""

HELDOUT = 60


class MosaicSettings(LooksSettings):
    steps: int = Field(8000, ge=1, description="Steps of training.")
    batch: int = Field(16, ge=1, description="Squares of 16 by 16 cells in a step.")
    rate: float = Field(6e-4, gt=0, le=0.1, description="Rate of learning at its highest.")
    width: int = Field(96, ge=8, le=512, description="Channels of the network.")
    blocks: int = Field(10, ge=1, le=64, description="Residual blocks of the network.")
    photos: int = Field(1200, ge=0, description="Photographs beside the illustrations, at most.")
    pictures: int = Field(1000, ge=1, description="Illustrations at most; each is seen twice as often as a photograph.")
    start: str = Field(
        "", description="Weights to begin with (a .safetensors), of this size or smaller; none: a new network."
    )
    pixel: float = Field(1.0, ge=0, description="Weight of the error of pixels.")
    decay: float = Field(0.999, ge=0, lt=1, description="Share that the average of weights keeps at each step.")
    measure_every: int = Field(500, ge=1, description="Steps between figures on held-out pictures.")
    measured: int = Field(
        HELDOUT, ge=1, description="Held-out illustrations that are measured, and as many photographs."
    )


def train(run: Run, settings: MosaicSettings) -> Path:
    torch.manual_seed(run.seed)
    network = _beginning(settings).to(run.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.rate, betas=(0.9, 0.99))
    descent = Descent(optimizer, bound=1.0)
    average = WeightAverage(network, settings.decay)
    looks = Looks(settings, run.device)
    parts: dict[str, Stateful] = {"network": network, "optimizer": optimizer, "average": average, **looks.parts}
    loop = TrainingLoop(run, "inpaint-mosaic", settings.steps, parts, keep_every=min(100, settings.measure_every))
    pictures = _pictures(run, settings)
    began = time.monotonic()
    for step in loop.steps():
        truth, damaged, mask = _batch(pictures, settings.batch, loop.generator(step), run.device)
        made = restored(network, damaged, mask)
        terms = {"pixel": _loss(made, truth, mask), **looks.terms(made, truth, mask, step)}
        loss = settings.pixel * terms["pixel"] + looks.weighted(terms)
        descent.step(loss, cosine_rate(step, settings.steps, settings.rate))
        average.update(network)
        if (step + 1) % settings.measure_every == 0 or step + 1 == settings.steps or run.time_is_up:
            told = {f"loss_{name}": float(value.detach()) for name, value in terms.items()}
            _measure(_averaged(average, network), run, settings, looks.lpips, step + 1, time.monotonic() - began, told)
    finished = run.folder / "scumble-mosaic.safetensors"
    state = {name: tensor.half().cpu().contiguous() for name, tensor in average.state.items()}
    save_file(state, finished, metadata={"steps": str(loop.done)})
    return finished


def _beginning(settings: MosaicSettings) -> MosaicNetwork:
    if not settings.start:
        return MosaicNetwork(settings.width, settings.blocks)
    try:
        return grown(load(Path(settings.start)), settings.width, settings.blocks)
    except ValueError as error:
        raise ScumbleError(
            "invalid_parameter", f"“{settings.start}” can't be the start: {error}.", "Raise “width” and “blocks”."
        ) from error


def _loss(made: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over pixels in the mask."""
    each = functional.huber_loss(made, truth, reduction="none", delta=STEEP) / STEEP
    return (each * mask).sum() / (3 * mask.sum()).clamp(min=1)


def _averaged(average: WeightAverage, network: MosaicNetwork) -> MosaicNetwork:
    averaged = deepcopy(network).cpu()
    averaged.load_state_dict(average.state)
    return averaged.eval()


def _batch(
    pictures: Sequence[Bytes], count: int, rng: np.random.Generator, device: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Truth and damaged pictures, (B, 3, S, S) in 0 to 1, and masks (B, 1, S, S)."""
    chosen = [_varied(pictures[int(rng.integers(len(pictures)))], rng) for _ in range(count)]
    found = [mosaic_examples.sample([picture], rng, SIDE) for picture in chosen]
    truth, damaged = (
        torch.from_numpy(np.stack(x)).permute(0, 3, 1, 2).to(device).float() / 255
        for x in ([one.truth for one in found], [one.damaged for one in found])
    )
    inverted = torch.from_numpy(rng.random(count) < 0.2).to(device)[:, None, None, None]
    truth, damaged = (torch.where(inverted, 1 - x, x) for x in (truth, damaged))
    return truth, damaged, torch.from_numpy(np.stack([one.mask for one in found]))[:, None].to(device).float()


def _varied(picture: Bytes, rng: np.random.Generator) -> Bytes:
    """Now and then with other tones, less colour, or turned by some angle (and without the corners that it then lacks)."""
    if rng.random() < 0.3:
        tones = 255 * (np.arange(256) / 255) ** float(np.exp(rng.uniform(-0.5, 0.5)))
        picture = np.rint(tones).astype(np.uint8)[picture]
    if rng.random() < 0.15:
        picture = np.asarray(ImageEnhance.Color(Image.fromarray(picture)).enhance(float(rng.uniform(0, 1))))
    if rng.random() < 0.25 and min(picture.shape[:2]) >= 256:
        angle = float(rng.uniform(-45, 45))
        turned = Image.fromarray(picture).rotate(angle, Image.Resampling.BICUBIC)
        turn = np.deg2rad(abs(angle))
        half = int(min(turned.size) / (np.cos(turn) + np.sin(turn)) / 2) - 1
        x, y = turned.width // 2, turned.height // 2
        picture = np.asarray(turned.crop((x - half, y - half, x + half, y + half)))
    return picture


def _pictures(run: Run, settings: MosaicSettings) -> list[Bytes]:
    found: list[Bytes] = []
    for collection, most in (("art", settings.pictures), ("photos", settings.photos)):
        names = [row["file"] for row in datasets.rows(run.data, collection, "train")]
        order = np.random.default_rng(run.seed).permutation(len(names))[:most]
        loaded = datasets.pictures(run.data, collection, [names[i] for i in sorted(order)])
        usable = [picture for picture in loaded if min(picture.shape[:2]) >= 2 * CELL]
        found += usable * (2 if collection == "art" else 1)
    return found


@torch.inference_mode()
def _measure(
    network: MosaicNetwork,
    run: Run,
    settings: MosaicSettings,
    lpips: Lpips | None,
    step: int,
    seconds: float,
    told: Mapping[str, float],
) -> None:
    """On held-out pictures PSNR in the region less that of bicubic smoothing, LPIPS there as a share of its and of the mosaic's;
    a line of figures, and a contact sheet: mosaic, bicubic, restored, truth."""
    figures: dict[str, float] = dict(told)
    rows: list[Bytes] = []
    for collection in ("art", "photos"):
        pairs = list(_heldout(run, collection, settings.measured))
        gains: list[float] = []
        seen: list[list[float]] = []
        for number, (truth, damaged, mask) in enumerate(pairs):
            grid = Axes.of([Grid(CELL, CELL)], SIDE, SIDE)
            made, plain = restored(network, damaged, mask), bicubic(grid, damaged, mask)
            gains.append(hole_psnr(made, truth, mask) - hole_psnr(plain, truth, mask))
            if lpips is not None:
                seen.append([float(lpips(x.clamp(0, 1), truth, mask)) for x in (made, plain, damaged)])
            if number < 6:
                rows.append(np.hstack([_bytes(x) for x in (damaged, plain, made, truth)]))
        if gains:
            figures[f"gain_{collection}"] = float(np.mean(gains))
        if seen:
            ours, smooth, mosaic = np.mean(seen, 0)
            figures |= {
                f"lpips_{collection}": float(ours),
                f"of_bicubic_{collection}": float(ours / smooth),
                f"of_mosaic_{collection}": float(ours / mosaic),
            }
    if not rows:
        return
    append_metrics(run.folder / "metrics.jsonl", step=step, seconds=round(seconds, 1), **figures)
    Image.fromarray(np.vstack(rows)).save(run.folder / "heldout.png")
    run.say(
        f"step {step}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()) + f", {seconds:.0f} s"
    )


def _heldout(run: Run, collection: str, most: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Truth, damaged (1, 3, S, S) and mask of held-out pictures, always the same."""
    names = [row["file"] for row in datasets.rows(run.data, collection, "heldout")][:most]
    for number, picture in enumerate(datasets.pictures(run.data, collection, names)):
        one = mosaic_examples.sample([picture], np.random.default_rng([11, number]), SIDE, 6.0, 24.0)
        if one.mask.any():
            truth, damaged = (
                torch.from_numpy(x.copy()).permute(2, 0, 1)[None].float() / 255 for x in (one.truth, one.damaged)
            )
            yield truth, damaged, torch.from_numpy(one.mask)[None, None].float()


def _bytes(x: torch.Tensor) -> Bytes:
    array: Bytes = (x[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
    return array


TRAINER = Trainer("What restores the pixels under a mosaic.", ("art", "photos"), MosaicSettings, train)
