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

from scumble.algorithms.mosaic_cells import Axes, bicubic
from scumble.networks.mosaic import MosaicNet, Widths
from scumble.networks.mosaic_fill import restore

from . import collections, mosaics
from .checkpoints import Average, append_metrics
from .course import Course, cosine_rate
from .trainer import Run, Settings, Trainer

Bytes = NDArray[np.uint8]

SOFTNESS = 0.05
"""Errors below this count by their squares, larger ones by their size (Charbonnier et al. 1994)."""

HELDOUT = 24


class MosaicSettings(Settings):
    steps: int = Field(5000, ge=1, description="Steps in all.")
    batch: int = Field(16, ge=1, description="Squares of 128 pixels in a step; of those of 192 there are fewer.")
    rate: float = Field(8e-4, gt=0, description="Largest rate of learning (Adam); it falls as a cosine.")
    photos: int = Field(300, ge=0, description="Photographs beside the illustrations.")
    pictures: int = Field(0, ge=0, description="Illustrations at most; 0 for all.")
    width: int = Field(64, ge=4, description="Channels at a quarter of the size; deeper layers follow in proportion.")
    measure_every: int = Field(250, ge=1, description="Steps between measurements on held-out pictures.")
    autocast: bool = Field(True, description="bfloat16 where it is safe.")


def widths(width: int) -> Widths:
    return Widths((width, 2 * width, 5 * width // 2))


def train(run: Run, settings: MosaicSettings) -> Path:
    torch.manual_seed(run.seed)
    network = MosaicNet(widths(settings.width)).to(run.device, memory_format=torch.channels_last)
    optimizer = Adam(network.parameters(), settings.rate, betas=(0.9, 0.99))
    average = Average(network, 0.998)
    parts = {"network": network, "optimizer": optimizer, "average": average}
    course = Course(run, "inpaint-mosaic", settings.steps, parts)
    pictures = _pictures(run, settings, "train")
    heldout = list(_heldout(run, settings))
    began, losses = time.monotonic(), []
    for step in course.steps():
        for group in optimizer.param_groups:
            group["lr"] = cosine_rate(step, settings.steps, settings.rate)
        rng = course.generator(step)
        side, least, most = mosaics.SMALL if rng.random() < 0.75 else mosaics.LARGE
        count = max(1, settings.batch * mosaics.SMALL[0] ** 2 // side**2)
        loss = _loss(network, [mosaics.sample(pictures, rng, side, least, most) for _ in range(count)], run, settings)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
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


def _loss(
    network: MosaicNet, samples: Sequence[mosaics.Sample], run: Run, settings: MosaicSettings
) -> torch.Tensor:
    truth, damaged, mask = tensors(samples, run.device)
    made = restore(network, damaged, mask, [s.grid for s in samples], settings.autocast)
    error = ((made - truth).square() + SOFTNESS**2).sqrt() - SOFTNESS
    each = (error * mask).sum((1, 2, 3)) / (3 * mask.sum((1, 2, 3)).clamp(min=1))
    return each.mean()


def _pictures(run: Run, settings: MosaicSettings, split: collections.Split) -> list[Bytes]:
    found: list[Bytes] = []
    for collection, most in (("art", settings.pictures or None), ("photos", settings.photos)):
        names = [row["file"] for row in collections.rows(run.data, collection, split)]
        order = np.random.default_rng(run.seed).permutation(len(names))[:most]
        loaded = collections.pictures(run.data, collection, [names[i] for i in sorted(order)])
        found += [picture for picture in loaded if min(picture.shape[:2]) >= mosaics.LARGE[0]]
    return found


def _heldout(run: Run, settings: MosaicSettings) -> list[mosaics.Sample]:
    names = [row["file"] for row in collections.rows(run.data, "art", "heldout")][:HELDOUT]
    pictures = list(collections.pictures(run.data, "art", names))
    found = []
    for number, picture in enumerate(pictures):
        rng = np.random.default_rng([11, number])
        found.append(mosaics.sample([picture], rng, mosaics.LARGE[0], 6.0, 24.0))
    return found


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
    network = MosaicNet(widths(settings.width)).to(run.device, memory_format=torch.channels_last).eval()
    network.load_state_dict(average.state)
    gains, rows = [], []
    with torch.inference_mode():
        for number, one in enumerate(heldout):
            truth, damaged, mask = tensors([one], run.device)
            made = restore(network, damaged, mask, [one.grid], settings.autocast, bounded_rounds=3)
            smooth = bicubic(Axes.of([one.grid], *truth.shape[2:], run.device), damaged, mask)
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


TRAINER = Trainer(
    "The network that restores what lies under a mosaic.", ("art", "photos"), MosaicSettings, train
)
