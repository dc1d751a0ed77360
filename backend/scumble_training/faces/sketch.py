"""Training of the face completion networks (`scumble train face-sketch`): the embedded one, or SC-FEGAN as published."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from pydantic import Field, field_validator
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from scumble.faces.sketch.network import SIDE, FaceSketchNetwork, FaceSketchSize
from scumble.faces.sketch.sc_fegan import NO_COLOUR
from scumble.faces.sketch.weights import load as load_network
from scumble_client.errors import ScumbleError
from scumble_training.common.checkpoints import WeightAverage, append_metrics
from scumble_training.common.descent import Descent
from scumble_training.common.looks import LpipsSettings
from scumble_training.common.lpips import Lpips
from scumble_training.common.metrics import gradient_energy, hole_psnr
from scumble_training.common.trainer import Run, Trainer
from scumble_training.common.training_loop import Stateful, TrainingLoop, cosine_rate
from scumble_training.common.weave import weave
from scumble_training.inpainting.partial import FEATURES, loaded_features

from . import sketch_embedded as embedded
from . import sketch_examples as examples
from . import sketch_published as published
from .latent import feature_network
from .masks import random_hole
from .sketch_draws import Draw, Draws, SketchBatch, random_given, stacked
from .sketch_metrics import obedience

Completer = Callable[[SketchBatch], Tensor]
"""(B, 3, S, S) in 0 to 1 from a batch: the truth with the hole completed."""


class FaceSketchSettings(LpipsSettings):
    form: Literal["embedded", "published"] = Field(
        "embedded", description="The embedded network, or SC-FEGAN with the losses of its paper."
    )
    steps: int = Field(6000, ge=1, description="Steps in all.")
    batch: int = Field(8, ge=1, description="Faces a step.")
    side: int = Field(SIDE, ge=64, multiple_of=32, description="Side of the faces, in pixels; published: 512.")
    faces: int | None = Field(None, ge=1, description="Learn from so many faces at most; none: from all.")
    processes: int = Field(1, ge=1, description="Processes that analyse the faces before the first step.")
    rate: float = Field(
        4e-4, gt=0, description="Rate of learning; it falls to a hundredth as a cosine (published: stays)."
    )
    pixel: float = Field(1.0, ge=0, description="embedded: weight of the error in the hole, at three scales.")
    gradient: float = Field(0.5, ge=0, description="embedded: weight of the gradients' error.")
    features: float = Field(0.2, ge=0, description="embedded: weight of the embedded feature network's error.")
    start: str = Field("", description="embedded: begin with the weights in this file.")
    polish: int = Field(0, ge=0, description="embedded: channels of the last convolutions at full size.")
    decay: float = Field(
        0.998, ge=0, lt=1, description="embedded: share that the average of weights keeps at each step."
    )
    gan: float = Field(0.0, ge=0, description="Weight of the adversarial term (published: 0.001).")
    no_colour: float = Field(
        NO_COLOUR,
        ge=-1,
        le=0,
        description="published: what the hole holds where no colour is given; 0 tells it from black.",
    )
    gan_from: int = Field(0, ge=0, description="embedded: the step from which the adversarial term counts.")
    width: int = Field(64, ge=4, description="published: channels of the generator's first layer.")
    judge_width: int = Field(24, ge=4, description="Channels of the discriminator's first layer (published: 64).")
    alpha: float = Field(6.0, ge=0, description="published: factor of the pixel term in the hole (a port: 10).")
    valid: float = Field(1.0, ge=0, description="published: weight of the pixel term.")
    perceptual: float = Field(0.05, ge=0, description="published: weight of the perceptual term (a port: 25).")
    style: float = Field(120.0, ge=0, description="published: weight of the style term (a port: 300000).")
    variation: float = Field(0.1, ge=0, description="published: weight of the total variation (a port: 10).")
    extra: float = Field(0.001, ge=0, description="published: weight of the term that holds verdicts on truth near 0.")
    penalty: float = Field(10.0, ge=0, description="published: weight of the discriminator's gradient penalty.")
    vgg: str = Field("embedded", description=f"published: what perceptual losses see with: {', '.join(FEATURES)}.")
    heldout: int = Field(24, ge=1, description="Held-out faces that are measured and shown, at most.")
    measure_every: int = Field(250, ge=1, description="Steps between figures and grids.")
    keep_every: int = Field(100, ge=1, description="Steps between checkpoints.")

    @field_validator("vgg")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in FEATURES:
            raise ValueError(f"choose one of {', '.join(FEATURES)}")
        return name


def train(run: Run, settings: FaceSketchSettings) -> Path:
    """Analyse the faces, then learn from them; the finished file."""
    if settings.form == "published":
        published.check_side(settings.side)
    torch.manual_seed(run.seed)
    # the embedded network's faces are analysed at twice their size: line detectors are made for that
    halve = settings.form == "embedded"
    side = 2 * settings.side if halve else settings.side
    paths = examples.prepared(run, side, settings.heldout, settings.faces, settings.processes)
    draws, fixed = Draws(paths["train"], halve), heldout_batch(paths["heldout"], run.seed, run.device, halve)
    learn = _published if settings.form == "published" else _embedded
    return learn(run, settings, draws, fixed)


def _embedded(run: Run, settings: FaceSketchSettings, draws: Draws, fixed: SketchBatch) -> Path:
    network = _begun(settings).to(run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    adversary = embedded.Adversary(settings.judge_width, run.device)
    makes = torch.optim.AdamW(network.parameters(), settings.rate, (0.9, 0.99), weight_decay=1e-2)
    descent = Descent(makes, bound=1.0)
    average = WeightAverage(network, settings.decay)
    parts: dict[str, Stateful] = {
        "network": network,
        "makes": makes,
        "average": average,
        "judge": adversary.judge,
        "judges": adversary.optimizer,
    }
    loop = TrainingLoop(run, "face-sketch", settings.steps, parts, settings.keep_every)
    features = feature_network().to(run.device) if settings.features else None
    lpips = settings.loaded_lpips(run.device)
    weights = {
        "pixel": settings.pixel,
        "gradient": settings.gradient,
        "features": settings.features,
        "lpips": settings.lpips,
        "weave": settings.weave,
    }
    watch = Watch(run, settings, fixed, lpips)
    for step in loop.steps():
        batch = draws.batch(settings.batch, loop.generator(step), run.device)
        found = embedded.completed(network, batch)
        terms = embedded.losses(found, batch, features, lpips, settings.weave > 0)
        loss = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
        if settings.gan and step >= settings.gan_from:
            window = embedded.window_of(batch, loop.generator(step, 1))
            terms["judge"] = adversary.learn(found, batch, window)
            loss = loss + settings.gan * adversary.persuaded(found, batch, window)
        descent.step(loss, cosine_rate(step, settings.steps, settings.rate))
        average.update(network)
        watch.saw(step + 1, terms, lambda: _averaged(network.size, average, run.device))
    finished = run.folder / "scumble-face-sketch.safetensors"
    save_file({name: tensor.half().contiguous().cpu() for name, tensor in average.state.items()}, finished)
    return finished


def _begun(settings: FaceSketchSettings) -> FaceSketchNetwork:
    """A new network, or one that begins with what another has learned; its new parts change nothing at first."""
    network = FaceSketchNetwork(FaceSketchSize(polish=settings.polish))
    if settings.start:
        state = load_network(Path(settings.start)).state_dict()
        missing, unknown = network.load_state_dict(state, strict=False)
        if unknown or any(not name.startswith("polish.") for name in missing):
            raise ScumbleError(
                "invalid_parameter",
                f"“{Path(settings.start).name}” is of another size.",
                "Start with a file of the same widths and depths.",
            )
    return network


def _averaged(size: FaceSketchSize, average: WeightAverage, device: str) -> Completer:
    network = FaceSketchNetwork(size).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.load_state_dict(average.state)
    return lambda batch: embedded.completed(network.eval(), batch)


def _published(run: Run, settings: FaceSketchSettings, draws: Draws, fixed: SketchBatch) -> Path:
    features, scale = loaded_features(settings.vgg)
    recipe = published.PublishedRecipe(settings, features.to(run.device), scale, run.device)
    loop = TrainingLoop(run, "face-sketch-published", settings.steps, recipe.parts, settings.keep_every)
    watch = Watch(run, settings, fixed)
    for step in loop.steps():
        batch = draws.batch(settings.batch, loop.generator(step), run.device)
        terms = recipe.step(batch, loop.generator(step, 1))
        watch.saw(step + 1, terms, lambda: recipe.completed)
    return recipe.save(run.folder / "sc-fegan.safetensors")


class Watch:
    """Figures and grids of held-out faces, every so many steps."""

    def __init__(self, run: Run, settings: FaceSketchSettings, fixed: SketchBatch, lpips: Lpips | None = None) -> None:
        self.run, self.settings, self.fixed, self.lpips = run, settings, fixed, lpips
        self.losses: list[dict[str, float]] = []
        self.began = time.monotonic()

    def saw(self, step: int, terms: dict[str, Tensor], completer: Callable[[], Completer]) -> None:
        self.losses.append({name: float(value.detach()) for name, value in terms.items()})
        if step % self.settings.measure_every and step != self.settings.steps and not self.run.time_is_up:
            return
        with torch.inference_mode():
            figures = measured(completer(), self.fixed, self.run.folder / f"heldout-{step:06d}.jpg", self.lpips)
        names = self.losses[-1].keys()
        means = {name: float(np.mean([one[name] for one in self.losses if name in one])) for name in names}
        seconds = time.monotonic() - self.began
        append_metrics(self.run.folder / "metrics.jsonl", step=step, seconds=seconds, **means, **figures)
        told = ", ".join(f"{name} {value:.3f}" for name, value in {**means, **figures}.items())
        self.run.say(f"step {step}: {told}, {seconds:.0f} s")
        self.losses = []


def heldout_batch(paths: Sequence[Path], seed: int, device: str, halve: bool = False) -> SketchBatch:
    """The faces that a training is measured on: with a sketch as it was found, and all colours given."""
    drawn: list[Draw] = []
    rng = np.random.default_rng([seed, 7])
    for path in paths:
        face = examples.load(path, halve)
        hole = random_hole(face.hair, face.points, rng)
        truth = face.truth.astype(np.float32) / np.float32(255)
        given = hole if len(drawn) % 2 == 0 else random_given(face, hole, rng)
        drawn.append(Draw(truth, hole, face.lines[len(drawn) % len(examples.SKETCHES)], face.colours.picture(), given))
    return stacked(drawn, rng, device)


def measured(
    complete: Completer, batch: SketchBatch, sheet: Path | None = None, lpips: Lpips | None = None
) -> dict[str, float]:
    """PSNR in the holes, obedience, sharpness, weave and LPIPS, with lines and colours, with either, with neither; and a grid
    to look at."""
    ways = {
        "both": batch,
        "sketch": batch.without(colours=True),
        "colours": batch.without(sketch=True),
        "neither": batch.without(True, True),
    }
    figures: dict[str, float] = {}
    shown = [batch.truth * (1 - batch.hole) + batch.hole * batch.colours * batch.given * (1 - batch.lines)]
    for name, part in ways.items():
        # a few at a time: activations of all would take gigabytes
        found = torch.cat([complete(_part(part, n)) for n in range(len(part.hole))]).float().clamp(0, 1)
        shown.append(found)
        psnr, obeyed = [], []
        for n in range(len(found)):
            psnr.append(hole_psnr(found[n], batch.truth[n], batch.hole[n] > 0.5))
            picture = found[n].permute(1, 2, 0).cpu().numpy()
            hole, lines = (x[n, 0].cpu().numpy() > 0.5 for x in (batch.hole, batch.lines))
            obeyed.append(obedience(picture, lines, hole))
        if lpips is not None:
            figures[f"lpips_{name}"] = float(lpips(found, batch.truth).mean())
        figures[f"sharpness_{name}"] = gradient_energy(found, batch.truth, batch.hole)
        figures[f"weave_{name}"] = weave(found, batch.hole)
        figures[f"psnr_{name}"] = float(np.mean(psnr))
        figures[f"obeys_{name}"] = float(np.nanmean(obeyed)) if not all(map(math.isnan, obeyed)) else 0.0
    if sheet is not None:
        rows = torch.cat([*shown, batch.truth], 3)[:12]
        pixels = (
            functional.interpolate(rows, scale_factor=192 / rows.shape[2], mode="bilinear")
            .permute(0, 2, 3, 1)
            .cpu()
            .numpy()
        )
        picture = np.concatenate(list(np.round(pixels.clip(0, 1) * 255).astype(np.uint8)))
        Image.fromarray(picture).save(sheet, quality=88)
    return figures


def _part(batch: SketchBatch, n: int) -> SketchBatch:
    return SketchBatch(*(getattr(batch, name)[n : n + 1] for name in SketchBatch.__dataclass_fields__))


TRAINER = Trainer("Faces completed from mask, sketch and colours.", (examples.COLLECTION,), FaceSketchSettings, train)
