"""Training of the embedded style network: `style`.

The network is to come near the style's statistics (Gram matrices, and means and deviations) as SqueezeNet sees them, and keep the picture's
structure; calm flat parts stay calm, and a painting painted in its own manner stays as it is. Each step moves what SqueezeNet sees by a
random pixel, so that its halving leaves no grid. MicroAST may teach at the beginning: it has the looks already, and a loss beside it is
dense where one of statistics is vague. The learning rate falls as a cosine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from scumble.pictures import painting
from scumble.style.paint.painting import target_colours
from scumble.style.paint.style_network import MULTIPLE, StyleNetwork
from scumble.vision.precision import fast
from scumble_training.common import datasets
from scumble_training.common.checkpoints import WeightAverage, append_metrics
from scumble_training.common.descent import Descent
from scumble_training.common.looks import LpipsFiles
from scumble_training.common.lpips import Lpips
from scumble_training.common.trainer import Run, Trainer
from scumble_training.common.training_loop import TrainingLoop, cosine_rate

from . import microast
from .microast import MicroAst
from .style_examples import Squares, StyleBatch
from .style_losses import (
    checkers,
    content_distance,
    gram_distance,
    statistics_distance,
    structure_distance,
    tone_distance,
    unrest,
)

MEASURED_STYLES = ("mona-lisa", "sunset", "mosaic")
"""Bundled paintings that are measured on the way; none is learned from."""

MEASURED_AT = 256


class StyleSettings(LpipsFiles):
    steps: int = Field(20000, ge=1, description="Steps in all.")
    batch: int = Field(4, ge=1, description="Squares a step.")
    side: int = Field(128, ge=64, multiple_of=MULTIPLE, description="Side of a picture's squares, in pixels.")
    style_side: int = Field(192, ge=64, description="Side of a style's squares, in pixels.")
    rate: float = Field(1e-3, gt=0, description="Learning rate after the first 100 steps; it falls to a hundredth.")
    style: float = Field(1.0, ge=0, description="Weight of the Gram matrices.")
    statistics: float = Field(0.5, ge=0, description="Weight of means and deviations.")
    content: float = Field(0.5, ge=0, description="Weight of what is where.")
    structure: float = Field(1.5, ge=0, description="Weight of the lightness' structure.")
    tone: float = Field(
        10.0,
        ge=0,
        description="Weight of colours seen from afar: without it, islands of dark and light come up in skies.",
    )
    calm: float = Field(30.0, ge=0, description="Weight of finest detail in flat parts, and of checkers.")
    own: float = Field(0.1, ge=0, le=1, description="Share of the pictures that are their own style.")
    identity: float = Field(10.0, ge=0, description="Weight of what changes in those.")
    teacher: str = Field("", description="Folder with MicroAST's files; none: no teacher.")
    taught: int = Field(0, ge=0, description="Steps over which the teacher's weight falls to 0.")
    teaching: float = Field(4.0, ge=0, description="The teacher's weight at the start.")
    start: str = Field("", description="Weights to begin with (a .safetensors); none: anew.")
    decay: float = Field(0.999, ge=0, lt=1, description="Share that the average of the weights keeps at each step.")
    keep_every: int = Field(50, ge=1, description="Steps between checkpoints.")
    measure_every: int = Field(250, ge=1, description="Steps between held-out figures, with a sheet.")


@dataclass(frozen=True)
class Teacher:
    network: MicroAst
    weight: float


def train(run: Run, settings: StyleSettings) -> Path:
    """Train the network; the finished file."""
    judge = settings.chosen_lpips(run.device)
    master = microast.load(Path(settings.teacher)) if settings.teacher else None
    torch.manual_seed(run.seed)
    network = StyleNetwork().to(run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if settings.start:
        network.load_state_dict(load_file(settings.start))
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.rate, betas=(0.9, 0.99), weight_decay=1e-3)
    descent = Descent(optimizer, bound=1.0)
    average = WeightAverage(network, settings.decay)
    parts = {"network": network, "optimizer": optimizer, "average": average}
    loop = TrainingLoop(run, "style", settings.steps, parts, keep_every=settings.keep_every)
    squares = Squares(run.data)
    heldout = _heldout(run.data)
    sums: dict[str, float] = {}
    counted = 0
    for step in loop.steps():
        rng = loop.generator(step)
        batch = squares.batch(settings.batch, settings.side, settings.style_side, settings.own, rng)
        weight = settings.teaching * max(0.0, 1 - step / settings.taught) if settings.taught else 0.0
        teacher = Teacher(master, weight) if master is not None and weight > 0 else None
        losses = losses_of(network, judge, batch, settings, rng, run.device, teacher)
        descent.step(torch.stack(list(losses.values())).sum(), cosine_rate(step, settings.steps, settings.rate))
        average.update(network)
        sums = {name: sums.get(name, 0.0) + float(value.detach()) for name, value in losses.items()}
        counted += 1
        if (step + 1) % settings.measure_every == 0 or step + 1 == settings.steps or run.time_is_up:
            means = {name: value / counted for name, value in sums.items()}
            sums, counted = {}, 0
            figures = held_out_figures(_averaged(average, run.device), judge, heldout, run, master)
            append_metrics(run.folder / "style-metrics.jsonl", step=step + 1, **means, **figures)
            run.say(f"step {step + 1}: " + ", ".join(f"{k} {v:.3f}" for k, v in (means | figures).items()))
    return save(average.state, run.folder / "scumble-style.safetensors")


def losses_of(
    network: StyleNetwork,
    judge: Lpips,
    batch: StyleBatch,
    settings: StyleSettings,
    rng: np.random.Generator,
    device: str,
    teacher: Teacher | None = None,
) -> dict[str, Tensor]:
    """What is to become small, weighted, by name."""
    pictures, styles, same = batch.pictures.to(device), batch.styles.to(device), batch.same.to(device)
    with fast(device):
        made = network(pictures, network.encode(styles))
    moved = tuple(int(n) for n in rng.integers(0, 2, 2))
    seen = made[:, :, moved[0] :, moved[1] :]
    with torch.no_grad(), fast(device):
        style_maps = judge.maps(styles)
        picture_maps = judge.maps(pictures[:, :, moved[0] :, moved[1] :])
    with fast(device):
        maps = judge.maps(seen)
    other = 1 - same
    losses = {
        "style": settings.style * gram_distance(maps, style_maps).mean(),
        "statistics": settings.statistics * statistics_distance(maps, style_maps).mean(),
        "content": settings.content * content_distance(maps, picture_maps).mean(),
        "structure": settings.structure * structure_distance(made, pictures).mean(),
        "tone": settings.tone * tone_distance(made, pictures).mean(),
        "calm": settings.calm * ((unrest(made, pictures) + 0.3 * checkers(made)) * other).mean(),
        "range": ((made - made.clamp(0, 1)).square().mean() * 20),
    }
    if settings.own:
        changed = (made - pictures).abs().mean((1, 2, 3)) * same
        losses["identity"] = settings.identity * changed.sum() / max(1, len(same))
    if teacher is not None:
        with torch.no_grad():
            shown = teacher.network(batch.before, batch.styles).clamp(0, 1).to(device)
            teacher_maps = judge.maps(shown[:, :, moved[0] :, moved[1] :])
        far = judge.apart(maps, teacher_maps)
        soft = functional.avg_pool2d((made - shown), 4).abs().mean((1, 2, 3))
        losses["teacher"] = teacher.weight * ((far + soft) * other).mean()
    return losses


@dataclass(frozen=True)
class HeldOut:
    """A picture, its style, and the picture in the style's colours, each (1, 3, H, W)."""

    picture: Tensor
    style: Tensor
    coloured: Tensor


def held_out_figures(
    network: StyleNetwork, judge: Lpips, pairs: list[HeldOut], run: Run, master: MicroAst | None = None
) -> dict[str, float]:
    """Mean style distance and structure of held-out pictures, and of the teacher's; a sheet is written."""
    found: dict[str, list[float]] = {"gram": [], "kept": []}
    if master is not None:
        found |= {"gram_teacher": [], "kept_teacher": []}
    rows: list[Tensor] = []
    for pair in pairs:
        with torch.inference_mode(), fast(run.device):
            made = network(pair.coloured, network.encode(pair.style)).float().clamp(0, 1)
            shown = [made]
            if master is not None:
                shown.append(master(pair.picture, pair.style).clamp(0, 1))
            wanted = judge.maps(pair.style)
            for one, end in zip(shown, ("", "_teacher"), strict=False):
                found[f"gram{end}"].append(float(gram_distance(judge.maps(one), wanted)))
                found[f"kept{end}"].append(float(1 - structure_distance(one, pair.picture)))
        style = functional.interpolate(pair.style, size=made.shape[2:], mode="area")
        rows.append(torch.cat([pair.picture, style, *shown], 3)[0])
    pixels = torch.cat(rows, 1).permute(1, 2, 0).cpu().numpy()
    Image.fromarray(np.round(pixels * 255).astype(np.uint8)).save(run.folder / "style-sheet.jpg", quality=88)
    return {name: float(np.mean(values)) for name, values in found.items()}


def save(state: dict[str, Tensor], path: Path) -> Path:
    """Write what is shipped: half precision."""
    save_file({name: tensor.detach().half().contiguous().cpu() for name, tensor in state.items()}, path)
    return path


def _heldout(data: Path) -> list[HeldOut]:
    """Held-out photographs, each in the manner of one bundled painting."""
    names = [row["file"] for row in datasets.rows(data, "photos", "heldout")][3:60:10]
    found = []
    for number, pixels in enumerate(datasets.pictures(data, "photos", names)):
        style = Image.open(painting(MEASURED_STYLES[number % len(MEASURED_STYLES)])).convert("RGB")
        found.append(_pair(_fitted(Image.fromarray(pixels)), _fitted(style)))
    return found


def _fitted(image: Image.Image) -> NDArray[np.float32]:
    """The middle of a picture at `MEASURED_AT` pixels."""
    factor = MEASURED_AT / min(image.size)
    image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)
    left, top = ((length - MEASURED_AT) // 2 for length in image.size)
    image = image.crop((left, top, left + MEASURED_AT, top + MEASURED_AT))
    return np.asarray(image, np.float32) / np.float32(255)


def _pair(picture: NDArray[np.float32], style: NDArray[np.float32]) -> HeldOut:
    coloured = target_colours(picture, [(style, np.ones(style.shape[:2], np.bool_))], [1.0])
    tensors = (torch.from_numpy(p).permute(2, 0, 1)[None].contiguous() for p in (picture, style, coloured))
    return HeldOut(*tensors)


def _averaged(average: WeightAverage, device: str) -> StyleNetwork:
    network = StyleNetwork().to(device)
    network.load_state_dict(average.state)
    return network.eval()


TRAINER = Trainer("The embedded style network.", ("photos", "art", "paintings"), StyleSettings, train)
