"""Training of the network that finishes completed faces (`scumble train face-finish`): skin, hair and eyes at 256 pixels.

It learns on squares cut from around holes, which costs a quarter of whole faces; the completion network before it is given and stays
as it is. Part of the faces come from the latent model instead, as the operations on latents have them; part of both come with
copies of other faces, where this machine has a library. The error is that of pixels and gradients, LPIPS where the hole is, and a
judge that sees with SqueezeNet.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import Field
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from scumble.faces.finishing.network import SIDE, FaceFinishNetwork
from scumble.faces.finishing.weights import load as load_finishing
from scumble.faces.latent.network import FaceModel
from scumble.faces.latent.weights import load as load_latents
from scumble.faces.sketch.first_guess import first_guess
from scumble.faces.sketch.network import FaceSketchNetwork
from scumble.faces.sketch.weights import load as load_completion
from scumble.vision.gated_unet import MULTIPLE
from scumble.vision.gaussian import blurred
from scumble.vision.precision import fast
from scumble.weights import WeightStore
from scumble_training.common.checkpoints import WeightAverage, append_metrics
from scumble_training.common.datasets import Split
from scumble_training.common.descent import Descent
from scumble_training.common.looks import Looks, LooksSettings
from scumble_training.common.lpips import Lpips
from scumble_training.common.metrics import gradient_energy, hole_psnr
from scumble_training.common.trainer import Run, Trainer
from scumble_training.common.training_loop import TrainingLoop, cosine_rate

from . import sketch_examples as examples
from .copies import CopySearch
from .sketch import heldout_batch
from .sketch_draws import Draws, SketchBatch
from .sketch_metrics import obedience

LIGHT = (0.04, 0.2)
"""Standard deviations, as shares of the side, of the blur with which the latent model's error is given back."""

LEAST_HOLE = 0.1
"""Share of a square that is hole, at least."""


class FaceFinishSettings(LooksSettings):
    steps: int = Field(20000, ge=1, description="Steps in all.")
    batch: int = Field(4, ge=1, description="Faces a step.")
    squares: int = Field(2, ge=1, description="Squares cut out of each face.")
    cut: int = Field(128, ge=64, multiple_of=MULTIPLE, description="Side of a square, in pixels.")
    side: int = Field(SIDE, ge=64, multiple_of=64, description="Side of the faces, in pixels.")
    faces: int | None = Field(None, ge=1, description="Learn from so many faces at most; none: from all.")
    processes: int = Field(1, ge=1, description="Processes that analyse the faces before the first step.")
    rate: float = Field(4e-4, gt=0, description="Rate of learning; it falls to a hundredth as a cosine.")
    pixel: float = Field(1.0, ge=0, description="Weight of the error in the hole, at two scales.")
    gradient: float = Field(0.5, ge=0, description="Weight of the gradients' error.")
    lpips: float = Field(2.0, gt=0, description="Weight of LPIPS in the hole, whose published weights it needs.")
    judge: float = Field(0.05, ge=0, description="Weight of the judge's verdict.")
    completion: str = Field("", description="File of the completion network; empty: the embedded one.")
    latent: float = Field(0.3, ge=0, le=1, description="Share of the faces that come from the latent model.")
    copied: float = Field(0.5, ge=0, le=1, description="Share of the faces that come with copies of other faces.")
    looked_through: int = Field(24, ge=1, description="Faces of the library that are looked through for copies.")
    searches: float = Field(0.5, gt=0, description="New searches for copies a step; what was found is used again.")
    remembered: int = Field(160, ge=1, description="Faces with copies that are used again.")
    start: str = Field("", description="File of weights to begin with; empty: none.")
    decay: float = Field(0.998, ge=0, lt=1, description="Share that the average of weights keeps at each step.")
    heldout: int = Field(16, ge=1, description="Held-out faces that are measured and shown, at most.")
    measure_every: int = Field(250, ge=1, description="Steps between figures and grids.")
    keep_every: int = Field(100, ge=1, description="Steps between checkpoints.")


@dataclass(frozen=True)
class Finishing:
    """What the finishing network is given, and the truth: pictures (B, 3, S, S) in 0 to 1, maps (B, 1, S, S)."""

    truth: Tensor
    completed: Tensor
    guess: Tensor
    hole: Tensor
    lines: Tensor
    given: Tensor
    noise: Tensor
    copies: Tensor
    trust: Tensor

    def by(self, network: FaceFinishNetwork) -> Tensor:
        with fast(self.truth.device):
            found: Tensor = network(
                self.completed,
                self.guess,
                self.hole,
                self.lines,
                self.given,
                self.noise,
                self.copies,
                self.trust,
            )
        return found

    @classmethod
    def joined(cls, many: Sequence[Finishing]) -> Finishing:
        """One batch."""
        return cls(*(torch.cat([getattr(one, name) for one in many]) for name in cls.__dataclass_fields__))

    def copied(self, network: FaceFinishNetwork, search: CopySearch) -> Finishing:
        """The same with what other faces offer for it, led by what the network makes of it alone."""
        with torch.no_grad():
            soft = self.by(network).float().clamp(0, 1)
        told = torch.maximum(self.lines, self.given)
        found = [search.find(*one) for one in zip(soft, self.hole, told, self.truth, strict=True)]
        return replace(self, copies=torch.stack([c for c, _ in found]), trust=torch.stack([t for _, t in found]))

    def cut(self, squares: int, side: int, rng: np.random.Generator) -> Finishing:
        """Squares around random pixels of each hole."""
        places = [corner for one in self.hole for corner in _corners(one[0], squares, side, rng)]
        return Finishing(
            *(
                torch.stack(
                    [
                        getattr(self, name)[n // squares, :, y : y + side, x : x + side]
                        for n, (y, x) in enumerate(places)
                    ]
                )
                for name in Finishing.__dataclass_fields__
            )
        )

    def one(self, n: int) -> Finishing:
        return Finishing(*(getattr(self, name)[n : n + 1] for name in Finishing.__dataclass_fields__))


def _corners(hole: Tensor, squares: int, side: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    whole = hole.cpu().numpy() > 0.5
    rows, columns = np.nonzero(whole)
    found: list[tuple[int, int]] = []
    for _ in range(squares):
        for _ in range(8):
            n = int(rng.integers(len(rows)))
            y, x = (int(np.clip(at[n] - rng.integers(side), 0, len(whole) - side)) for at in (rows, columns))
            if whole[y : y + side, x : x + side].mean() >= LEAST_HOLE:
                break
        found.append((y, x))
    return found


@torch.no_grad()
def finishing_of(batch: SketchBatch, completion: FaceSketchNetwork) -> Finishing:
    """What the completion network makes of faces, which it sees at half their size."""
    small = halved(batch)
    guess = first_guess(small.truth, small.hole > 0.5, small.lines > 0.5, small.colours, small.given > 0.5)
    with fast(batch.truth.device):
        found = completion(guess, small.hole, small.lines, small.given, small.noise)
    large = functional.interpolate(found, scale_factor=2.0, mode="bicubic", align_corners=False).clamp(0, 1)
    completed = torch.where(batch.hole > 0.5, large, batch.truth)
    fine = first_guess(batch.truth, batch.hole > 0.5, batch.lines > 0.5, batch.colours, batch.given > 0.5)
    nothing = torch.zeros_like(batch.hole)
    return Finishing(
        batch.truth, completed, fine, batch.hole, batch.lines, batch.given, batch.noise, completed, nothing
    )


@torch.no_grad()
def finishing_of_latents(batch: SketchBatch, model: FaceModel, rng: np.random.Generator) -> Finishing:
    """What the latent model makes of faces: its picture in the hole, with the photograph's own light as operations bring it back."""
    side = batch.truth.shape[-1]
    small = functional.interpolate(batch.truth, size=(model.side, model.side), mode="area") * 2 - 1
    found = (model.decode(model.encode(small)) / 2 + 0.5).clamp(0, 1)
    error = blurred(small / 2 + 0.5 - found, float(rng.uniform(*LIGHT)) * model.side)
    large = functional.interpolate(found + error, size=(side, side), mode="bicubic", align_corners=False).clamp(0, 1)
    soft = torch.where(batch.hole > 0.5, large, batch.truth)
    nothing = torch.zeros_like(batch.hole)
    return Finishing(batch.truth, soft, soft, batch.hole, nothing, nothing, batch.noise, soft, nothing)


def halved(batch: SketchBatch) -> SketchBatch:
    """At half the size, as `scumble.faces.sketch.inputs.Conditions.halved` makes it."""
    share = functional.avg_pool2d(batch.given, 2)
    colours = functional.avg_pool2d(batch.colours * batch.given, 2) / share.clamp(min=1e-6)
    hole, lines, given = (functional.max_pool2d(one, 2) for one in (batch.hole, batch.lines, batch.given))
    noise = batch.noise[..., ::2, ::2] * hole
    return SketchBatch(functional.avg_pool2d(batch.truth, 2), hole, lines, colours, given, noise)


def losses(found: Tensor, given: Finishing) -> dict[str, Tensor]:
    """The error of pixels and of gradients in the hole; every square counts alike however much of it is hole."""
    area = 3 * given.hole.sum((1, 2, 3)).clamp(min=64)
    wrong = (found - given.truth) * given.hole
    coarse = functional.avg_pool2d(wrong, 8).abs().sum((1, 2, 3)) * 64
    pixel = (wrong.abs().sum((1, 2, 3)) + coarse) / area
    across = (wrong[..., 1:] - wrong[..., :-1]).abs().sum((1, 2, 3))
    down = (wrong[..., 1:, :] - wrong[..., :-1, :]).abs().sum((1, 2, 3))
    return {"pixel": pixel.mean(), "gradient": ((across + down) / area).mean()}


def train(run: Run, settings: FaceFinishSettings) -> Path:
    """Analyse the faces, then learn from them; the finished file."""
    torch.manual_seed(run.seed)
    paths = examples.prepared(run, settings.side, settings.heldout, settings.faces, settings.processes)
    completion = load_completion(
        Path(settings.completion) if settings.completion else WeightStore().path("scumble-face-sketch"), run.device
    )
    return _learned(run, settings, paths, completion, Looks(settings, run.device))


class _Examples:
    """Batches of whole faces: of the completion network and of the latent model, with copies or without."""

    def __init__(
        self,
        draws: Draws,
        completion: FaceSketchNetwork,
        latents: FaceModel,
        search: CopySearch | None,
        settings: FaceFinishSettings,
        device: str,
    ) -> None:
        self.draws, self.completion, self.latents, self.search = draws, completion, latents, search
        self.settings, self.device = settings, device
        self.remembered: deque[Finishing] = deque(maxlen=settings.remembered)

    def batch(self, network: FaceFinishNetwork, rng: np.random.Generator) -> Finishing:
        count = self.settings.batch
        with_copies = int(rng.binomial(count, self.settings.copied)) if self.search is not None else 0
        if with_copies:
            searches = int(rng.poisson(self.settings.searches))
            for _ in range(max(searches, with_copies - len(self.remembered))):
                self.remembered.append(self._fresh(1, rng).copied(network, self.search))  # type: ignore[arg-type]
        again = [self.remembered[int(n)] for n in rng.integers(max(1, len(self.remembered)), size=with_copies)]
        fresh = [self._fresh(count - with_copies, rng)] if count > with_copies else []
        return Finishing.joined([*again, *fresh])

    def _fresh(self, count: int, rng: np.random.Generator) -> Finishing:
        of_latents = int(rng.binomial(count, self.settings.latent))
        parts = []
        if of_latents:
            batch = self.draws.batch(of_latents, rng, self.device)
            parts.append(finishing_of_latents(batch, self.latents, rng))
        if count > of_latents:
            parts.append(finishing_of(self.draws.batch(count - of_latents, rng, self.device), self.completion))
        return Finishing.joined(parts)


def _learned(
    run: Run,
    settings: FaceFinishSettings,
    paths: Mapping[Split, list[Path]],
    completion: FaceSketchNetwork,
    looks: Looks,
) -> Path:
    assert looks.lpips is not None  # its weight is above 0
    network = FaceFinishNetwork()
    if settings.start:
        network.load_state_dict(load_finishing(Path(settings.start)).state_dict())
    network = network.to(run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    latents = load_latents(WeightStore().path("scumble-face-latent"), run.device)
    search = CopySearch.on_this_machine(settings.looked_through, run.device) if settings.copied else None
    if settings.copied and search is None:
        run.say("There is no library of faces on this machine, so nothing is learned of copies.")
    makes = torch.optim.AdamW(network.parameters(), settings.rate, (0.9, 0.99), weight_decay=1e-2)
    descent = Descent(makes, bound=1.0)
    average = WeightAverage(network, settings.decay)
    loop = TrainingLoop(
        run,
        "face-finish",
        settings.steps,
        {"network": network, "makes": makes, **looks.parts, "average": average},
        settings.keep_every,
    )
    draws = Draws(paths["train"])
    drawn = _Examples(draws, completion, latents, search, settings, run.device)
    fixed = heldout_batch(paths["heldout"], run.seed, run.device)
    ways = {
        name: finishing_of(part, completion)
        for name, part in (
            ("both", fixed),
            ("sketch", fixed.without(colours=True)),
            ("neither", fixed.without(True, True)),
        )
    }
    ways["latents"] = finishing_of_latents(fixed, latents, np.random.default_rng(run.seed))
    if search is not None:
        network.eval()
        for name in ("both", "neither", "latents"):
            ways[f"{name}_copied"] = ways[name].copied(network, search)
        network.train()
    told: list[dict[str, float]] = []
    began = time.monotonic()
    for step in loop.steps():
        rng = loop.generator(step)
        given = drawn.batch(network, rng).cut(settings.squares, settings.cut, rng)
        found = given.by(network)
        terms = losses(found, given)
        seen = looks.terms(found, given.truth, given.hole, step)
        loss = settings.pixel * terms["pixel"] + settings.gradient * terms["gradient"] + looks.weighted(seen)
        terms |= seen
        descent.step(loss, cosine_rate(step, settings.steps, settings.rate))
        average.update(network)
        told.append({name: float(value.detach()) for name, value in terms.items()})
        done = step + 1
        if done % settings.measure_every == 0 or done == settings.steps or run.time_is_up or done == 1:
            means = {name: float(np.mean([one[name] for one in told if name in one])) for name in told[-1]}
            averaged = FaceFinishNetwork(network.size).to(run.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            averaged.load_state_dict(average.state)
            figures = measured(averaged.eval(), ways, looks.lpips, run.folder / f"heldout-{done:06d}.jpg")
            seconds = time.monotonic() - began
            append_metrics(run.folder / "metrics.jsonl", step=done, seconds=seconds, **means, **figures)
            run.say(
                f"step {done}: "
                + ", ".join(f"{name} {value:.3f}" for name, value in {**means, **figures}.items())
                + f", {seconds:.0f} s"
            )
            told = []
    finished = run.folder / "scumble-face-finish.safetensors"
    save_file({name: tensor.half().contiguous().cpu() for name, tensor in average.state.items()}, finished)
    return finished


@torch.inference_mode()
def measured(
    network: FaceFinishNetwork, ways: dict[str, Finishing], lpips: Lpips, sheet: Path | None = None
) -> dict[str, float]:
    """LPIPS and PSNR in the hole, sharpness and obedience, by what was given; and a grid to look at."""
    figures: dict[str, float] = {}
    shown: list[Tensor] = []
    for name, given in ways.items():
        found = torch.cat([given.one(n).by(network) for n in range(len(given.hole))]).float().clamp(0, 1)
        figures[f"lpips_{name}"] = float(lpips(found, given.truth, given.hole).mean())
        figures[f"sharpness_{name}"] = gradient_energy(found, given.truth, given.hole)
        figures[f"psnr_{name}"] = float(
            np.mean([hole_psnr(a, b, c > 0.5) for a, b, c in zip(found, given.truth, given.hole, strict=True)])
        )
        if name.startswith(("both", "sketch")):
            figures[f"obeys_{name}"] = float(np.nanmean(_obeyed(found, given)))
        shown += [given.completed, found]
    if sheet is not None:
        rows = torch.cat([*shown, next(iter(ways.values())).truth], 3)[:8]
        pixels = rows.permute(0, 2, 3, 1).cpu().numpy()
        Image.fromarray(np.concatenate(list(np.round(pixels.clip(0, 1) * 255).astype(np.uint8)))).save(
            sheet, quality=90
        )
    return figures


def _obeyed(found: Tensor, given: Finishing) -> Sequence[float]:
    pictures = found.permute(0, 2, 3, 1).cpu().numpy()
    lines, holes = (one[:, 0].cpu().numpy() > 0.5 for one in (given.lines, given.hole))
    return [obedience(*one) for one in zip(pictures, lines, holes, strict=True)]


TRAINER = Trainer("Completed faces finished at twice the size.", (examples.COLLECTION,), FaceFinishSettings, train)
