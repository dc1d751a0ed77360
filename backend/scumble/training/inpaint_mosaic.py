"""Trains the network that restores mosaics (`scumble train inpaint-mosaic`), on illustrations and some photographs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from safetensors.torch import save_file
from torch.optim import Adam

from scumble.algorithms.mosaic_cells import Axes, Grid, bicubic
from scumble.networks.mosaic import CELL, MosaicNet, restored

from . import collections, mosaics
from .checkpoints import Average, append_metrics
from .course import Course, Stateful, cosine_rate
from .trainer import Run, Settings, Trainer

Bytes = NDArray[np.uint8]

FLOOR = 1e-5
"""Mean squared error (and its root, of the mean error) below which nothing is gained any more."""

HELDOUT = 24


class MosaicSettings(Settings):
    steps: int = Field(3000, ge=1, description="Steps in all.")
    batch: int = Field(32, ge=1, description="Squares in a step.")
    side: int = Field(96, ge=32, multiple_of=8, description="Side of the squares, in pixels; a cell has 8.")
    rate: float = Field(1.5e-3, gt=0, description="Largest rate of learning (Adam); it falls as a cosine.")
    photos: int = Field(300, ge=0, description="Photographs beside the illustrations.")
    pictures: int = Field(0, ge=0, description="Illustrations at most; 0 for all.")
    channels: int = Field(128, ge=4, description="Channels of the network's body.")
    blocks: int = Field(6, ge=1, description="Residual blocks of the network's body.")
    measure_every: int = Field(200, ge=1, description="Steps between measurements on held-out pictures.")
    autocast: bool = Field(True, description="bfloat16 where it is safe.")


def train(run: Run, settings: MosaicSettings) -> Path:
    torch.manual_seed(run.seed)
    network = _network(settings, run.device)
    optimizer = Adam(network.parameters(), settings.rate, betas=(0.9, 0.99))
    average = Average(network, 0.998)
    parts: dict[str, Stateful] = {"network": network, "optimizer": optimizer, "average": average}
    course = Course(run, "inpaint-mosaic", settings.steps, parts)
    pictures = _pictures(run, settings, "train")
    heldout = list(_heldout(run, settings))
    began, losses = time.monotonic(), []
    for step in course.steps():
        for group in optimizer.param_groups:
            group["lr"] = cosine_rate(step, settings.steps, settings.rate)
        rng = course.generator(step)
        samples = [mosaics.sample(pictures, rng, settings.side) for _ in range(settings.batch)]
        loss = _loss(network, [one for one in samples if one.mask.any()], run, settings)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update(network)
        losses.append(float(loss.detach()))
        if (step + 1) % settings.measure_every == 0 or step + 1 == settings.steps:
            _measure(average, heldout, run, settings, step + 1, float(np.mean(losses)), time.monotonic() - began)
            losses = []
    finished = run.folder / "scumble-mosaic.safetensors"
    save(average.state, finished, course.done)
    return finished


def _network(settings: MosaicSettings, device: str) -> MosaicNet:
    network = MosaicNet(settings.channels, settings.blocks).to(device)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def save(state: dict[str, torch.Tensor], path: Path, steps: int) -> None:
    """What is shipped: half precision."""
    save_file(
        {name: tensor.half().contiguous() for name, tensor in state.items()}, path, metadata={"steps": str(steps)}
    )


def tensors(samples: Sequence[mosaics.Sample], device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Truth, damaged picture (B, 3, S, S) in 0 to 1 and mask (B, 1, S, S)."""

    def stacked(arrays: list[Bytes]) -> torch.Tensor:
        return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).to(device).float() / 255

    mask = torch.from_numpy(np.stack([s.mask for s in samples]))[:, None].float().to(device)
    return stacked([s.truth for s in samples]), stacked([s.damaged for s in samples]), mask


def _loss(network: MosaicNet, samples: Sequence[mosaics.Sample], run: Run, settings: MosaicSettings) -> torch.Tensor:
    """The mean of decibels: logarithms of each picture's squared and of its absolute error, half and half.

    So a drawing of clear lines, where much can be gained, counts as much as a photograph, where little can.
    """
    truth, damaged, mask = tensors(samples, run.device)
    made, _ = restored(network, damaged, mask, sizes(samples, run.device), settings.autocast)
    area = 3 * mask.sum((1, 2, 3)).clamp(min=1)
    squared = ((made - truth).square() * mask).sum((1, 2, 3)) / area
    absolute = ((made - truth).abs() * mask).sum((1, 2, 3)) / area
    return (0.5 * torch.log(squared + FLOOR) + 0.5 * torch.log(absolute + FLOOR**0.5)).mean()


def sizes(samples: Sequence[mosaics.Sample], device: str) -> torch.Tensor:
    return torch.tensor([one.size for one in samples], device=device)


def _pictures(run: Run, settings: MosaicSettings, split: collections.Split) -> list[Bytes]:
    found: list[Bytes] = []
    for collection, most in (("art", settings.pictures or None), ("photos", settings.photos)):
        names = [row["file"] for row in collections.rows(run.data, collection, split)]
        order = np.random.default_rng(run.seed).permutation(len(names))[:most]
        loaded = collections.pictures(run.data, collection, [names[i] for i in sorted(order)])
        found += [picture for picture in loaded if min(picture.shape[:2]) >= settings.side]
    return found


def _heldout(run: Run, settings: MosaicSettings) -> list[mosaics.Sample]:
    names = [row["file"] for row in collections.rows(run.data, "art", "heldout")][:HELDOUT]
    pictures = list(collections.pictures(run.data, "art", names))
    found: list[mosaics.Sample] = []
    for number, picture in enumerate(pictures):
        rng = np.random.default_rng([11, number])
        found.append(mosaics.sample([picture], rng, settings.side, 6.0, 24.0))
    return [one for one in found if one.mask.any()]


def _measure(
    average: Average,
    heldout: Sequence[mosaics.Sample],
    run: Run,
    settings: MosaicSettings,
    step: int,
    loss: float,
    seconds: float,
) -> None:
    """PSNR in the region beside bicubic smoothing, a line of figures, and a contact sheet."""
    if not heldout:
        return
    network = _network(settings, run.device).eval()
    network.load_state_dict(average.state)
    grid = Axes.of([Grid(CELL, CELL)], settings.side, settings.side, device=run.device)
    gains, rows = [], []
    with torch.inference_mode():
        for number, one in enumerate(heldout):
            truth, damaged, mask = tensors([one], run.device)
            made, _ = restored(network, damaged, mask, sizes([one], run.device), settings.autocast)
            smooth = bicubic(grid, damaged, mask)
            gains.append(_psnr(made, truth, mask) - _psnr(smooth, truth, mask))
            if number < 8:
                rows.append(np.hstack([_bytes(x) for x in (damaged, smooth, made, truth)]))
    gain = float(np.mean(gains))
    append_metrics(run.folder / "metrics.jsonl", step=step, loss=loss, gain=gain, seconds=round(seconds, 1))
    Image.fromarray(np.vstack(rows)).save(run.folder / "heldout.png")
    run.say(f"step {step}: loss {loss:.4f}, {gain:+.2f} dB over bicubic on held-out art, {seconds:.0f} s")


def _psnr(made: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> float:
    error = ((made - truth).square() * mask).sum() / (3 * mask.sum())
    return -10 * float(torch.log10(error.clamp(min=1e-9)))


def _bytes(x: torch.Tensor) -> Bytes:
    array: Bytes = (x[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().cpu().numpy()
    return array


TRAINER = Trainer("The network that restores what lies under a mosaic.", ("art", "photos"), MosaicSettings, train)
