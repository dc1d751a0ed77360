"""Trains a U-Net of partial convolutions as published (`scumble train inpaint-partial`)."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from pydantic import Field, field_validator
from torch.optim import Adam

from scumble.inpainting.networks.partial_conv import PartialConvUNet, UNetForm
from scumble.inpainting.weights.loading import Converted
from scumble.vision.vgg import weights as vgg_weights
from scumble.vision.vgg.network import Vgg
from scumble.weights import WeightStore
from scumble_training.common.checkpoints import WeightAverage, append_metrics
from scumble_training.common.descent import Descent
from scumble_training.common.hole_masks import KINDS
from scumble_training.common.trainer import Run, Trainer, TrainerSettings
from scumble_training.common.training_loop import Stateful, TrainingLoop

from .hole_squares import Domain, Squares, measure
from .losses import PartialLoss

FEATURES = {
    "embedded": ("scumble-features", 0.2),
    "vgg19-torchvision": ("vgg19-torchvision", 1.0),
    "vgg19-caffe-torch": ("vgg19-caffe-torch", 0.01),
    "adain-vgg": ("adain-vgg", 1.0),
}
"""By setting: the weights' name, and what its activations are multiplied by. The published weights of the losses suit
torchvision's VGG; the embedded network, whose activations are larger, would make the style loss outweigh all others."""


class HoleSettings(TrainerSettings):
    """What the trainers of published networks have in common."""

    steps: int = Field(1_000_000, ge=1, description="Steps in all.")
    batch: int = Field(16, ge=1, description="Pictures in a step.")
    side: int = Field(256, ge=32, description="Side of the squares, in pixels.")
    domain: Domain = Field("photo", description="photo, art, or both.")
    masks: str = Field(",".join(KINDS), description="Kinds of holes, separated by commas.")
    pictures: int = Field(0, ge=0, description="Pictures of each collection at most; 0 for all.")
    measure_every: int = Field(2000, ge=1, description="Steps between measurements on held-out pictures.")
    keep_every: int = Field(1000, ge=1, description="Steps between checkpoints.")
    heldout: int = Field(12, ge=1, description="Held-out pictures that are measured.")
    autocast: bool = Field(True, description="bfloat16 where it is safe.")

    @field_validator("masks")
    @classmethod
    def _known(cls, masks: str) -> str:
        unknown = [kind for kind in kinds_of(masks) if kind not in KINDS]
        if unknown or not kinds_of(masks):
            raise ValueError(f"the kinds are {', '.join(KINDS)}")
        return masks


def kinds_of(masks: str) -> list[str]:
    return [kind.strip() for kind in masks.split(",") if kind.strip()]


class PartialSettings(HoleSettings):
    width: int = Field(64, ge=2, description="Channels of the first layer; deeper ones follow, up to 8 times as many.")
    depth: int = Field(7, ge=2, le=8, description="How often the size is halved.")
    rate: float = Field(2e-4, gt=0, description="Rate of learning (Adam).")
    fine_tune: float = Field(0.3, ge=0, le=1, description="Last share of the steps: encoder's statistics frozen.")
    fine_rate: float = Field(5e-5, gt=0, description="Rate of learning in that share.")
    features: str = Field("embedded", description=f"What perceptual losses see with: {', '.join(FEATURES)}.")

    @field_validator("features")
    @classmethod
    def _feature_network(cls, features: str) -> str:
        if features not in FEATURES:
            raise ValueError(f"choose one of {', '.join(FEATURES)}")
        return features


def train(run: Run, settings: PartialSettings) -> Path:
    torch.manual_seed(run.seed)
    form = UNetForm(widths=tuple(settings.width * min(8, 2**n) for n in range(settings.depth)))
    if settings.side % 2**settings.depth:
        raise wrong_side(settings.side, 2**settings.depth)
    network = PartialConvUNet(form).to(run.device)
    optimizer = Adam(network.parameters(), settings.rate)
    descent = Descent(optimizer)
    average = WeightAverage(network)
    parts: dict[str, Stateful] = {"network": network, "optimizer": optimizer, "average": average}
    loop = TrainingLoop(run, "inpaint-partial", settings.steps, parts, settings.keep_every)
    loss = _loss(settings, run.device)
    kinds = kinds_of(settings.masks)
    squares = Squares(run.data, settings.domain, "train", settings.side, kinds, settings.pictures)
    heldout = Squares(run.data, settings.domain, "heldout", settings.side, kinds, settings.heldout)
    fixed = heldout.fixed(settings.heldout, run.device)
    measured = PartialConvUNet(form).to(run.device).eval()
    tune_from = round(settings.steps * (1 - settings.fine_tune))
    began, losses = time.monotonic(), []
    for step in loop.steps():
        network.freeze_encoder_norm = step >= tune_from
        network.train()
        batch = squares.batch(settings.batch, loop.generator(step), run.device)
        with torch.autocast(run.device.split(":")[0], torch.bfloat16, enabled=settings.autocast):
            out = network(batch.truth * (1 - batch.hole), 1 - batch.hole)
        value = loss(out.float(), batch.truth, batch.hole)
        descent.step(value, settings.fine_rate if step >= tune_from else settings.rate)
        average.update(network)
        losses.append(float(value.detach()))
        if (step + 1) % settings.measure_every == 0 or step + 1 == settings.steps:
            measured.load_state_dict(average.state)
            psnr = measure(fixed, lambda x, hole: measured(x, 1 - hole), run.folder / "heldout.png")
            seconds = time.monotonic() - began
            append_metrics(
                run.folder / "metrics.jsonl", step=step + 1, loss=float(np.mean(losses)), psnr=psnr, seconds=seconds
            )
            run.say(f"step {step + 1}: loss {np.mean(losses):.4f}, {psnr:.2f} dB in held-out holes, {seconds:.0f} s")
            losses = []
    finished = run.folder / "scumble-inpaint-partial.safetensors"
    Converted("partial_conv", average.state, form).save(finished)
    return finished


def _loss(settings: PartialSettings, device: str) -> PartialLoss:
    features, scale = loaded_features(settings.features)
    return PartialLoss(features.to(device), scale)


def loaded_features(setting: str) -> tuple[Vgg, float]:
    """The feature network of a setting out of `FEATURES`, and what its activations are multiplied by."""
    name, scale = FEATURES[setting]
    form: vgg_weights.Form | None = "caffe" if name == "vgg19-caffe-torch" else None
    return Vgg(vgg_weights.load(WeightStore().path(name), form)), scale


def wrong_side(side: int, multiple: int) -> Exception:
    from scumble_client.errors import ScumbleError

    return ScumbleError(
        "invalid_parameter",
        f"Squares of {side} pixels can't be halved so often.",
        f"Let “side” be a multiple of {multiple}, or lower “depth”.",
    )


TRAINER = Trainer(
    "A U-Net of partial convolutions, with the published losses.", ("photos", "art"), PartialSettings, train
)
