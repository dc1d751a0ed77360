"""Training of the embedded inpainting networks: `inpaint-photo` and `inpaint-art`.

First the examples are made (`fill_examples`), then the network learns to blend and correct the classical fills: the error in
the hole, at full size and of means over 4 and 16 pixels, so that structure counts as much as detail. That alone ends in a fill that
is softer than the truth, so it can learn with LPIPS and a judge as well (`scumble_training.common.looks`). The learning rate falls as a cosine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from scumble.inpainting.networks.fill import MULTIPLE, FillNetwork
from scumble.vision.gaussian import blurred
from scumble.vision.precision import fast
from scumble_client.errors import ScumbleError
from scumble_training.common.checkpoints import WeightAverage, append_metrics
from scumble_training.common.descent import Descent
from scumble_training.common.looks import Looks, LooksSettings
from scumble_training.common.lpips import Lpips
from scumble_training.common.metrics import gradient_energy, hole_psnr
from scumble_training.common.trainer import Run, Trainer
from scumble_training.common.training_loop import Stateful, TrainingLoop, cosine_rate
from scumble_training.common.weave import weave

from . import fill_examples
from .fill_examples import Example

NEIGHBOURHOOD = 6.0
"""Standard deviation, in pixels, of the neighbourhood by which a pixel of the hole counts."""

SMALL = 0.1
"""Where the error turns from quadratic to linear."""


class FillSettings(LooksSettings):
    steps: int = Field(12000, ge=1, description="Steps in all.")
    batch: int = Field(8, ge=1, description="Examples a step.")
    side: int = Field(256, ge=64, multiple_of=MULTIPLE, description="Side of the squares that are cut out, in pixels.")
    rate: float = Field(3e-4, gt=0, description="Learning rate after the first 200 steps; it falls to a hundredth.")
    rounds: int = Field(1, ge=0, description="Examples made of each picture; 0: those that are there have to do.")
    examples: str = Field("", description="Folder that keeps the examples; empty: the one that is written to.")
    pixel: float = Field(1.0, ge=0, description="Weight of the error in the hole, at three scales.")
    decay: float = Field(0.999, ge=0, lt=1, description="Share that the average of weights keeps at each step.")
    other: float = Field(0.0, ge=0, le=1, description="Share of the examples that are of the other kind of picture.")
    start: str = Field("", description="Weights to begin with (a .safetensors); none: the mean of both fills.")
    every: int = Field(500, ge=1, description="Steps between checkpoints, each with held-out figures.")
    measured: int = Field(24, ge=1, description="Held-out pictures that are measured, at most.")


@dataclass(frozen=True)
class FillBatch:
    """Tensors (B, C, S, S): the truth and what the network is given."""

    truth: Tensor
    smooth: Tensor
    patches: Tensor
    distance: Tensor
    hole: Tensor


def train(run: Run, settings: FillSettings, kind: str) -> Path:
    """Train the network for `photos` or `art`; the finished file."""
    kinds = [kind] if settings.other == 0 else [kind, "art" if kind == "photos" else "photos"]
    made = replace(run, folder=Path(settings.examples) if settings.examples else run.folder)
    for one in kinds:
        for number, _ in enumerate(fill_examples.prepare(made, one, settings.rounds), start=1):
            if number % 100 == 0:
                run.say(f"examples of {one}: {number} more")
            if run.time_is_up:
                break
    for _ in fill_examples.prepare(made, kind, min(1, settings.rounds), "heldout"):
        pass
    torch.manual_seed(run.seed)
    network = FillNetwork().to(run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if settings.start:
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(settings.start).items()})
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.rate, betas=(0.9, 0.99), weight_decay=1e-2)
    descent = Descent(optimizer, bound=1.0)
    average = WeightAverage(network, settings.decay)
    looks = Looks(settings, run.device)
    parts: dict[str, Stateful] = {"network": network, "optimizer": optimizer, "average": average, **looks.parts}
    loop = TrainingLoop(run, kind, settings.steps, parts, keep_every=min(100, settings.every))
    folder = made.folder / "examples"
    examples = [load_all(folder, one, "train") for one in kinds]
    heldout = load_all(folder, kind, "heldout", settings.measured)
    if not all(examples) or not heldout:
        raise ScumbleError(
            "invalid_parameter", f"There are no examples in “{folder}”.", "Set “rounds” to 1, so that they are made."
        )
    shares = [1 - settings.other, settings.other][: len(kinds)]
    told: list[dict[str, float]] = []
    for step in loop.steps():
        batch = make_batch(examples, shares, settings, loop.generator(step), run.device)
        filled = filled_by(network, batch)
        terms = {"pixel": pixel_error(filled, batch), **looks.terms(filled, batch.truth, batch.hole, step)}
        loss = settings.pixel * terms["pixel"] + looks.weighted(terms)
        descent.step(loss, cosine_rate(step, settings.steps, settings.rate, warm_up=200))
        average.update(network)
        told.append({name: float(value.detach()) for name, value in terms.items()})
        if (step + 1) % settings.every == 0 or step + 1 == settings.steps or run.time_is_up:
            measured = _averaged(average, run.device)
            sheet = run.folder / f"{kind}-sheet.jpg"
            figures = held_out_figures(measured, heldout, run.device, sheet, looks.lpips)
            means = {f"loss_{name}": float(np.mean([one[name] for one in told if name in one])) for name in told[-1]}
            append_metrics(run.folder / f"{kind}-metrics.jsonl", step=step + 1, **means, **figures)
            run.say(
                f"step {step + 1}: " + ", ".join(f"{name} {value:.3f}" for name, value in {**means, **figures}.items())
            )
            told = []
    return save(average.state, run.folder / f"scumble-inpaint-{'photo' if kind == 'photos' else kind}.safetensors")


def save(state: Mapping[str, Tensor], path: Path) -> Path:
    """Write what is shipped: half precision."""
    save_file({name: tensor.detach().half().contiguous().cpu() for name, tensor in state.items()}, path)
    return path


def filled_by(network: FillNetwork, batch: FillBatch) -> Tensor:
    """(B, 3, S, S): what the network makes of a batch."""
    with fast(batch.truth.device):
        filled: Tensor = network(batch.smooth, batch.patches, batch.distance, batch.hole)
    return filled


def pixel_error(filled: Tensor, batch: FillBatch) -> Tensor:
    """The weighted error in the hole at three scales, every example counting alike.

    What lies deep in a large hole is anybody's guess, and its error would drown what can be learned: so a pixel counts by how
    much of its neighbourhood is known (in the place of the discount by depth of Yu et al. 2018, section 3.2).
    """
    weight = batch.hole * (1.02 - blurred(batch.hole, NEIGHBOURHOOD))
    area = weight.sum(dim=(1, 2, 3)).clamp(min=1)
    wrong = (filled - batch.truth) * weight
    total = _error(wrong, weight, area)
    for cell in (4, 16):
        means, shares = functional.avg_pool2d(wrong, cell), functional.avg_pool2d(weight, cell)
        total = total + 0.5 * _error(means, shares, area / cell**2)
    return total.mean()


def _error(wrong: Tensor, weight: Tensor, area: Tensor) -> Tensor:
    """(B,): quadratic up to `SMALL`, then linear (Huber 1964), of differences that are already weighted."""
    size = wrong.abs() / weight.clamp(min=1e-6)
    cost = torch.where(size < SMALL, size.square() / (2 * SMALL), size - SMALL / 2)
    return (cost * weight).sum(dim=(1, 2, 3)) / (3 * area)


def load_all(folder: Path, kind: str, split: str, most: int | None = None) -> list[Example]:
    """The examples that are there, with their smooth fills."""
    return [fill_examples.load(path) for path in sorted(folder.glob(f"{kind}-{split}-*.npz"))[:most]]


def make_batch(
    examples: Sequence[Sequence[Example]],
    shares: Sequence[float],
    settings: FillSettings,
    rng: np.random.Generator,
    device: str,
) -> FillBatch:
    """Squares cut around random pixels of the holes, turned, mirrored, and with changed colours."""
    cut = []
    for _ in range(settings.batch):
        group = examples[int(rng.choice(len(shares), p=shares))]
        cut.append(_square(group[int(rng.integers(len(group)))], settings.side, rng))
    return as_batch(*(torch.from_numpy(np.stack(part)).to(device) for part in zip(*cut, strict=True)))


def as_batch(truth: Tensor, smooth: Tensor, patches: Tensor, distance: Tensor, hole: Tensor) -> FillBatch:
    """From (B, H, W, 3) and (B, H, W) bytes and the bool hole."""
    colours = [one.permute(0, 3, 1, 2).float() / 255 for one in (truth, smooth, patches)]
    return FillBatch(colours[0], colours[1], colours[2], distance[:, None].float() / 510, hole[:, None].float())


def _square(example: Example, side: int, rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
    height, width = example.hole.shape
    rows, columns = np.nonzero(example.hole)
    one = int(rng.integers(len(rows)))
    top = int(np.clip(rows[one] - rng.integers(side), 0, height - side))
    left = int(np.clip(columns[one] - rng.integers(side), 0, width - side))
    window = (slice(top, top + side), slice(left, left + side))
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))

    def turned(array: NDArray[Any]) -> NDArray[Any]:
        array = np.rot90(array[window], turns)
        return np.ascontiguousarray(array[:, ::-1] if mirrored else array)

    order, gain = rng.permutation(3), rng.uniform(0.7, 1.0)
    colours = [
        (turned(array)[..., order] * gain).astype(np.uint8)
        for array in (example.truth, example.smooth, example.patches)
    ]
    return *colours, turned(example.distance), turned(example.hole)


def held_out_figures(
    network: FillNetwork,
    examples: Sequence[Example],
    device: str,
    sheet: Path | None = None,
    lpips: Lpips | None = None,
) -> dict[str, float]:
    """Means over the holes of whole pictures: PSNR of the network's fills and of the fills that it starts from, LPIPS of the
    network's and of PatchMatch's, sharpness and weave of the network's."""
    found: dict[str, list[float]] = defaultdict(list)
    rows: list[Tensor] = []
    for example in examples:
        arrays = (example.truth, example.smooth, example.patches, example.distance, example.hole)
        batch = as_batch(*(torch.from_numpy(array)[None].to(device) for array in arrays))
        with torch.inference_mode():
            filled = filled_by(network, batch).float().clamp(0, 1)
            if lpips is not None:
                found["lpips"].append(float(lpips(filled, batch.truth, batch.hole)))
                found["lpips_patches"].append(float(lpips(batch.patches, batch.truth, batch.hole)))
        for name, picture in (("psnr", filled), ("psnr_smooth", batch.smooth), ("psnr_patches", batch.patches)):
            found[name].append(hole_psnr(picture, batch.truth, batch.hole))
        found["sharpness"].append(gradient_energy(filled, batch.truth, batch.hole))
        height, width = (side // 4 * 4 for side in batch.hole.shape[2:])
        found["weave"].append(weave(filled[..., :height, :width], batch.hole[..., :height, :width]))
        if sheet is not None and len(rows) < 10:
            shown = [batch.truth * (1 - batch.hole), batch.smooth, batch.patches, filled, batch.truth]
            rows.append(functional.interpolate(torch.cat(shown, 3), size=(200, 1330), mode="area")[0])
    if sheet is not None and rows:
        pixels = torch.cat(rows, 1).permute(1, 2, 0).cpu().numpy()
        Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(sheet, quality=90)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _averaged(average: WeightAverage, device: str) -> FillNetwork:
    network = FillNetwork().to(device)
    network.load_state_dict(average.state)
    return network.eval()


def _trainer(kind: str, about: str) -> Trainer[FillSettings]:
    return Trainer(about, ("photos", "art"), FillSettings, partial(train, kind=kind))


PHOTO = _trainer("photos", "The embedded inpainting network, for photographs.")
ART = _trainer("art", "The embedded inpainting network, for drawn art.")
