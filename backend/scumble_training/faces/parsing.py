"""`scumble train face-parsing`: the network that tells a face's parts, taught by a published one and by landmarks.

The published network's answers are asked for once and kept; then it is not needed any more. The error is the cross-entropy with
the teachers' shares, and Dice's for parts that are small (Milletari et al., "V-Net", 2016).
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import save_file
from torch import Tensor

from scumble.faces.parsing.network import FaceParser
from scumble.faces.parsing.weights import load as load_parser
from scumble.vision.precision import fast
from scumble_client.errors import ScumbleError
from scumble_training.common.checkpoints import WeightAverage, append_metrics
from scumble_training.common.datasets import Split
from scumble_training.common.descent import Descent
from scumble_training.common.trainer import Run, Trainer, TrainerSettings
from scumble_training.common.training_loop import TrainingLoop, cosine_rate

from . import parsing_metrics as metrics
from .parsing_draws import BACKGROUNDS, ParsingBatch, ParsingDraws, load_parsed
from .parsing_labels import Teacher, path_of, taught
from .scenes import load_backgrounds, planes
from .sketch_examples import COLLECTION, chosen, load_points


class FaceParsingSettings(TrainerSettings):
    steps: int = Field(4000, ge=1, description="Steps in all.")
    batch: int = Field(16, ge=1, description="Faces a step.")
    faces: int | None = Field(None, ge=1, description="Learn from so many faces at most; none: from all.")
    heldout: int | None = Field(None, ge=1, description="Held-out faces that are measured, at most; none: all.")
    teacher: str = Field("", description="ONNX file of the teacher; needed for faces that it was not asked for yet.")
    rate: float = Field(2e-3, gt=0, description="Rate of learning; it falls to a hundredth as a cosine.")
    dice: float = Field(0.5, ge=0, description="Weight of Dice's error.")
    decay: float = Field(0.998, ge=0, lt=1, description="Share that the average of weights keeps at each step.")
    start: str = Field("", description="File of weights to begin with; empty: none.")
    measure_every: int = Field(500, ge=1, description="Steps between figures and grids.")
    keep_every: int = Field(100, ge=1, description="Steps between checkpoints.")


def losses(logits: Tensor, batch: ParsingBatch) -> dict[str, Tensor]:
    """Cross-entropy where there is a picture, and 1 − Dice's coefficient, the mean over parts that the batch has."""
    told = logits.log_softmax(1)
    entropy = -(told * batch.labels).sum(1, keepdim=True)
    found, true = told.exp() * batch.seen, batch.labels * batch.seen
    both, sizes = (found * true).sum((0, 2, 3)), (found.square() + true.square()).sum((0, 2, 3))
    there = true.sum((0, 2, 3)) > 0
    dice = (1 - (2 * both + 1) / (sizes + 1))[there].mean()
    return {"entropy": (entropy * batch.seen).sum() / batch.seen.sum(), "dice": dice}


def _labelled(run: Run, settings: FaceParsingSettings) -> dict[Split, list[str]]:
    """Names of the faces of both splits, whose labels are there; the teacher is asked for those that are missing.

    Raises
    ------
    ScumbleError
        `invalid_parameter` where labels are missing and no teacher is named.
    """
    points, folder = load_points(run.data), run.folder / "labels"
    limits: dict[Split, int | None] = {"heldout": settings.heldout, "train": settings.faces}
    names = {split: chosen(run.data, split, points, limit) for split, limit in limits.items()}
    missing = sum(not path_of(folder, name).exists() for group in names.values() for name in group)
    if not missing:
        return names
    if not settings.teacher:
        raise ScumbleError(
            "invalid_parameter",
            f"The parts of {missing} faces are not known yet, and no teacher is named.",
            "Name the ONNX file of its network of skin, clothes and hair: --set teacher=FILE",
        )
    teacher = Teacher(Path(settings.teacher))
    for split, group in names.items():
        for number, _ in enumerate(taught(run.data, folder, group, teacher), start=1):
            if number % 250 == 0:
                run.say(f"asked the teacher for {number} faces of “{split}”")
    return names


def train(run: Run, settings: FaceParsingSettings) -> Path:
    """Ask the teacher, then learn; the finished file."""
    torch.manual_seed(run.seed)
    names = _labelled(run, settings)
    folder = run.folder / "labels"
    heldout = load_parsed(run.data, folder, names["heldout"], "heldout")
    backgrounds = planes(load_backgrounds(run.data, "train", ("photos",), limit=BACKGROUNDS))
    draws = ParsingDraws(load_parsed(run.data, folder, names["train"], "train").well_known(), backgrounds)
    network = FaceParser()
    if settings.start:
        network.load_state_dict(load_parser(Path(settings.start)).state_dict())
    network = network.to(run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), settings.rate, (0.9, 0.99), weight_decay=1e-2)
    descent = Descent(optimizer, bound=1.0)
    average = WeightAverage(network, settings.decay)
    parts = {"network": network, "optimizer": optimizer, "average": average}
    loop = TrainingLoop(run, "face-parsing", settings.steps, parts, settings.keep_every)
    told: list[dict[str, float]] = []
    began = time.monotonic()
    for step in loop.steps():
        batch = draws.batch(settings.batch, loop.generator(step))
        batch = ParsingBatch(*(one.to(run.device) for one in (batch.pictures, batch.seen, batch.labels)))
        with fast(run.device):
            logits = network(batch.pictures, batch.seen)
        terms = losses(logits, batch)
        loss = terms["entropy"] + settings.dice * terms["dice"]
        descent.step(loss, cosine_rate(step, settings.steps, settings.rate))
        average.update(network)
        told.append({name: float(value.detach()) for name, value in terms.items()})
        done = step + 1
        if done % settings.measure_every == 0 or done == settings.steps or run.time_is_up:
            means = {name: float(np.mean([one[name] for one in told])) for name in told[0]}
            averaged = FaceParser(network.size).to(run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            averaged.load_state_dict(average.state)
            counts = metrics.counted(averaged.eval(), heldout, run.device)
            figures = metrics.overlap(counts)
            metrics.save_sheet(averaged, heldout, run.device, run.folder / f"heldout-{done:06d}.jpg")
            seconds = time.monotonic() - began
            append_metrics(run.folder / "metrics.jsonl", step=done, seconds=seconds, **means, **figures)
            groups = {
                name: {"faces": count, **of} for name, (count, of) in metrics.by_group(counts, heldout.rows).items()
            }
            (run.folder / "groups.json").write_text(json.dumps(groups, indent=1), encoding="utf-8")
            shown = ", ".join(f"{name} {value:.3f}" for name, value in {**means, **figures}.items())
            run.say(f"step {done}: {shown}, {seconds:.0f} s")
            told = []
    finished = run.folder / "scumble-face-parsing.safetensors"
    save_file({name: tensor.half().contiguous().cpu() for name, tensor in average.state.items()}, finished)
    return finished


TRAINER = Trainer(
    "The parts of a face: skin, hair, lips, eyes and mouth.", (COLLECTION, "photos"), FaceParsingSettings, train
)
