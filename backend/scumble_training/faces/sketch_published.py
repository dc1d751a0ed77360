"""How SC-FEGAN learns, as published (Jo and Park 2019): its generator and discriminator, and every loss of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.optim import Adam

from scumble.faces.sketch import sc_fegan_weights
from scumble.faces.sketch.sc_fegan import STEPS, ScFegan, ScFeganDiscriminator, inputs_of
from scumble.vision.vgg.network import Vgg
from scumble_client.errors import ScumbleError
from scumble_training.common.checkpoints import WeightAverage
from scumble_training.common.descent import Descent
from scumble_training.common.training_loop import Stateful
from scumble_training.inpainting.losses import PartialLoss

from . import sc_fegan_losses as terms
from .sketch_draws import SketchBatch


class RecipeSettings(Protocol):
    """Weights of the losses and sizes of the networks; see the trainer's settings."""

    width: int
    judge_width: int
    rate: float
    valid: float
    alpha: float
    perceptual: float
    style: float
    variation: float
    gan: float
    extra: float
    penalty: float
    no_colour: float


class PublishedRecipe:
    """Both networks, their optimizers, and one step."""

    def __init__(self, settings: RecipeSettings, features: Vgg, scale: float, device: str) -> None:
        self.settings = settings
        self.generator = ScFegan(settings.width).to(device)
        self.judge = ScFeganDiscriminator(8, settings.judge_width).to(device)
        self.makes = Adam(self.generator.parameters(), settings.rate, (0.5, 0.9))
        self.judges = Adam(self.judge.parameters(), settings.rate, (0.5, 0.9))
        self.making, self.doubting = Descent(self.makes), Descent(self.judges)
        self.average = WeightAverage(self.generator)
        self.compared = PartialLoss(features, scale)
        self.parts: dict[str, Stateful] = {
            "generator": self.generator,
            "judge": self.judge,
            "makes": self.makes,
            "judges": self.judges,
            "average": self.average,
        }

    def inputs(self, batch: SketchBatch) -> Tensor:
        return inputs_of(
            batch.truth, batch.hole, batch.lines, batch.colours, batch.given, batch.noise, self.settings.no_colour
        )

    def step(self, batch: SketchBatch, rng: np.random.Generator) -> dict[str, Tensor]:
        """One step of the discriminator and one of the generator; the terms of both."""
        s, inputs, hole = self.settings, self.inputs(batch), batch.hole
        truth = batch.truth.flip(1) * 2 - 1  # blue, green, red, as the published network has it
        conditions = inputs[:, 3:8]

        def judged(picture: Tensor) -> Tensor:
            verdict: Tensor = self.judge(torch.cat([picture, conditions], 1))
            return verdict

        out = self.generator(inputs)
        completed = out * hole + truth * (1 - hole)
        on_truth, on_made = judged(truth), judged(completed.detach())
        share = torch.from_numpy(rng.random((len(truth), 1, 1, 1), np.float32)).to(truth.device)
        penalty = terms.gradient_penalty(judged, truth, completed.detach(), hole, share)
        extra = terms.extra_loss(on_truth)
        doubt = terms.discriminator_loss(on_truth, on_made) + s.penalty * penalty + s.extra * extra
        self.doubting.step(doubt)

        self.judge.requires_grad_(False)
        seen = self.compared.terms(_rgb(out), _rgb(truth), hole)
        parts = {
            "pixel": s.valid * terms.pixel_loss(out, truth, hole, s.alpha),
            "perceptual": s.perceptual * seen["perceptual"],
            "style": s.style * seen["style"],
            "variation": s.variation * seen["variation"],
            "adversarial": s.gan * terms.generator_loss(judged(completed)),
        }
        self.making.step(torch.stack(list(parts.values())).sum())
        self.judge.requires_grad_(True)
        self.average.update(self.generator)
        return {**parts, "judge": doubt.detach(), "penalty": penalty.detach(), "extra": extra.detach()}

    @torch.no_grad()
    def completed(self, batch: SketchBatch) -> Tensor:
        """(B, 3, S, S) in 0 to 1, by the averaged generator."""
        network = ScFegan(self.settings.width).to(batch.truth.device)
        network.load_state_dict(self.average.state)
        found = _rgb(network.eval()(self.inputs(batch)))
        return found * batch.hole + batch.truth * (1 - batch.hole)

    def save(self, path: Path) -> Path:
        network = ScFegan(self.settings.width)
        network.load_state_dict(self.average.state)
        sc_fegan_weights.save(network, path)
        return path


def check_side(side: int) -> None:
    """Raises ScumbleError `invalid_parameter` for a side that can't be halved often enough."""
    if side % 2**STEPS:
        raise ScumbleError(
            "invalid_parameter",
            f"SC-FEGAN can't work on {side} pixels.",
            f"Let “side” be a multiple of {2**STEPS}; it was published for 512.",
        )


def _rgb(picture: Tensor) -> Tensor:
    """From the network's blue, green and red in −1 to 1 to red, green and blue in 0 to 1."""
    return (picture.flip(1) + 1) / 2
