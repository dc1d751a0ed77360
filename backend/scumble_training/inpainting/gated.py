"""Trains gated convolutions as published (`scumble train inpaint-gated`): L1 on both stages, and SN-PatchGAN."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional
from torch.optim import Adam

from scumble.inpainting.networks.gated_conv import GatedGenerator, PatchDiscriminator
from scumble.inpainting.weights.loading import Converted
from scumble_training.common.checkpoints import WeightAverage, append_metrics
from scumble_training.common.descent import Descent
from scumble_training.common.trainer import Run, Trainer
from scumble_training.common.training_loop import Stateful, TrainingLoop

from .hole_squares import HoleBatch, Squares, measure
from .losses import hinge_discriminator, hinge_generator
from .partial import HoleSettings, kinds_of, wrong_side

EDGE = 0.6
"""Strength from which on an edge is a line of the sketch; DeepFill v2's `edge_threshold`."""


class GatedSettings(HoleSettings):
    width: int = Field(48, ge=4, multiple_of=4, description="Channels of the generator's first layer, before its gate.")
    discriminator_width: int = Field(64, ge=1, description="Channels of the discriminator's first layer.")
    guided: bool = Field(False, description="Learn to follow a sketch in the hole.")
    rate: float = Field(1e-4, gt=0, description="Rate of learning of both networks (Adam).")
    l1: float = Field(1.0, ge=0, description="Weight of the mean difference, of both stages.")
    gan: float = Field(1.0, ge=0, description="Weight of the adversarial loss.")


def train(run: Run, settings: GatedSettings) -> Path:
    torch.manual_seed(run.seed)
    if settings.side % 8:
        raise wrong_side(settings.side, 8)
    generator = GatedGenerator(settings.width, settings.guided).to(run.device)
    judge = PatchDiscriminator(4 + settings.guided, settings.discriminator_width).to(run.device)
    makes = Adam(generator.parameters(), settings.rate, betas=(0.5, 0.999))
    judges = Adam(judge.parameters(), settings.rate, betas=(0.5, 0.999))
    making, doubting = Descent(makes), Descent(judges)
    average = WeightAverage(generator)
    parts: dict[str, Stateful] = {
        "generator": generator,
        "discriminator": judge,
        "makes": makes,
        "judges": judges,
        "average": average,
    }
    loop = TrainingLoop(run, "inpaint-gated", settings.steps, parts, settings.keep_every)
    kinds = kinds_of(settings.masks)
    squares = Squares(run.data, settings.domain, "train", settings.side, kinds, settings.pictures)
    fixed = Squares(run.data, settings.domain, "heldout", settings.side, kinds, settings.heldout).fixed(
        settings.heldout, run.device
    )
    measured = GatedGenerator(settings.width, settings.guided).to(run.device).eval()
    kind = run.device.split(":")[0]
    began, losses = time.monotonic(), []
    for step in loop.steps():
        batch = squares.batch(settings.batch, loop.generator(step), run.device)
        real, hole = batch.truth * 2 - 1, batch.hole
        lines = edges(batch) * hole if settings.guided else None
        with torch.autocast(kind, torch.bfloat16, enabled=settings.autocast):
            coarse, fine = generator(real, hole, lines)
        coarse, fine = coarse.float(), fine.float()
        made = fine * hole + real * (1 - hole)
        given = [hole] if lines is None else [hole, lines]
        with torch.autocast(kind, torch.bfloat16, enabled=settings.autocast):
            verdicts = judge(torch.cat([torch.cat([x, *given], 1) for x in (real, made.detach())]))
        doubt = hinge_discriminator(*verdicts.float().chunk(2))
        doubting.step(doubt)
        judge.requires_grad_(False)
        with torch.autocast(kind, torch.bfloat16, enabled=settings.autocast):
            verdict = judge(torch.cat([made, *given], 1))
        difference = functional.l1_loss(coarse, real) + functional.l1_loss(fine, real)
        value = settings.gan * hinge_generator(verdict.float()) + settings.l1 * difference
        making.step(value)
        judge.requires_grad_(True)
        average.update(generator)
        losses.append((float(difference.detach()), float(doubt.detach())))
        if (step + 1) % settings.measure_every == 0 or step + 1 == settings.steps:
            measured.load_state_dict(average.state)
            psnr = measure(fixed, lambda x, h: (measured(x * 2 - 1, h)[1] + 1) / 2, run.folder / "heldout.png")
            l1, hinge = np.mean(losses, axis=0).tolist()
            seconds = time.monotonic() - began
            append_metrics(
                run.folder / "metrics.jsonl", step=step + 1, l1=l1, discriminator=hinge, psnr=psnr, seconds=seconds
            )
            run.say(
                f"step {step + 1}: L1 {l1:.4f}, discriminator {hinge:.3f}, "
                f"{psnr:.2f} dB in held-out holes, {seconds:.0f} s"
            )
            losses = []
    finished = run.folder / "scumble-inpaint-gated.safetensors"
    Converted("gated_conv", average.state).save(finished)
    return finished


def edges(batch: HoleBatch) -> torch.Tensor:
    """(B, 1, S, S): lines where the picture's lightness changes most, as a sketch would have them."""
    gray = batch.truth.mean(1, keepdim=True)
    sobel = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]], device=gray.device)
    slope = functional.conv2d(
        functional.pad(gray, (1, 1, 1, 1), mode="replicate"), torch.stack([sobel, sobel.T])[:, None]
    )
    strength: torch.Tensor = torch.linalg.vector_norm(slope, dim=1, keepdim=True)
    most = strength.flatten(1).quantile(0.98, dim=1)[:, None, None, None].clamp(min=1e-3)
    lines: torch.Tensor = (strength / most > EDGE).float()
    return lines


TRAINER = Trainer(
    "Gated convolutions with contextual attention and SN-PatchGAN.", ("photos", "art"), GatedSettings, train
)
