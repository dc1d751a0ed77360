"""`scumble train face-latent`: a face model with 100 latents, by one of three recipes.

`linear` is the embedded one (`latent_linear`); `ian_simple` and `ian` are the published networks with the published
losses and schedule (`latent_ian`). All keep checkpoints, figures of held-out faces in a JSONL file, and grids:
reconstructions (picture, then result), samples, and ways between two faces.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from PIL import Image
from pydantic import Field
from safetensors.torch import save_file

from scumble.faces.latent.network import SIDE, FaceModel
from scumble.vision.vgg.network import Vgg
from scumble_client.errors import ScumbleError
from scumble_training.common.checkpoints import append_metrics, load_checkpoint, save_checkpoint
from scumble_training.common.trainer import Run, Trainer, TrainerSettings

from .crops import load_aligned
from .latent_ian import BATCHES, EPOCHS, IanRecipe, IanWeights
from .latent_linear import LinearRecipe, errors


class LatentSettings(TrainerSettings):
    architecture: Literal["linear", "ian_simple", "ian"] = Field("linear", description="Which recipe.")
    width: int = Field(32, ge=4, le=128, description="ian…: channels of the first convolution; 128 as published.")
    steps: int = Field(0, ge=0, description="Batches to learn from; 0 for the recipe's own number.")
    batch: int = Field(0, ge=0, description="Faces in a batch; 0 for the recipe's own number.")
    learning_rate: float = Field(0, ge=0, description="0 for the recipe's own, with its schedule.")
    feature_loss: bool = Field(True, description="linear: whether the embedded feature network's loss is used.")
    pixel: float = Field(3.0, ge=0, description="ian…: weight of the pixels' loss.")
    feature: float = Field(1.0, ge=0, description="ian…: weight of the loss of the encoder's own features.")
    divergence: float = Field(1.0, ge=0, description="ian…: weight of the latents' divergence.")
    dg: float = Field(1.0, ge=0, description="ian…: of calling reconstructions and samples what they are.")
    dd: float = Field(1.0, ge=0, description="ian…: of calling real pictures real.")
    agr: float = Field(1.0, ge=0, description="ian…: of reconstructions that are taken for real.")
    ags: float = Field(1.0, ge=0, description="ian…: of samples that are taken for real.")
    ortho: float = Field(1e-3, ge=0, description="ian…: weight of the orthogonal regularization.")
    every: int = Field(500, ge=1, description="Steps between checkpoints, figures and grids.")
    limit: int = Field(0, ge=0, description="Pictures of each collection to use; 0 for all.")


class Recipe(Protocol):
    """A network and how it learns."""

    file: str
    network: Any
    number: int

    def start(self, pictures: torch.Tensor) -> None:
        """Before the first step; all pictures, in −1 to 1."""

    def rate(self, epoch: float, progress: float) -> float:
        """The learning rate, given the passes over the pictures and the share of the training that is done."""

    def step(self, pictures: torch.Tensor, rate: float) -> dict[str, float]:
        """Learn from a batch; the losses."""

    def shipped(self, pictures: torch.Tensor) -> Any:
        """The network that is measured and written to the file."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, content: dict[str, Any]) -> None: ...


def feature_network() -> Vgg:
    from scumble.vision.vgg import weights as vgg_weights
    from scumble.weights import WeightStore

    return Vgg(vgg_weights.load(WeightStore().path("scumble-features")))


def recipe_of(settings: LatentSettings, features: Vgg | None) -> Recipe:
    rate = settings.learning_rate or None
    if settings.architecture == "linear":
        return LinearRecipe(features if settings.feature_loss else None, rate)
    s = settings
    weights = IanWeights(s.pixel, s.feature, s.divergence, s.dg, s.dd, s.agr, s.ags, s.ortho)
    return IanRecipe(settings.architecture, settings.width, weights, rate)


class LatentSession:
    """One training: pictures, recipe, and what is kept of it."""

    def __init__(self, run: Run, settings: LatentSettings) -> None:
        torch.manual_seed(run.seed)
        self.run, self.settings = run, settings
        self.faces, heldout = load_aligned(run.data, SIDE, settings.limit or None)
        self.test = heldout.exact()
        self.features = feature_network()
        self.recipe = recipe_of(settings, self.features)
        name = settings.architecture
        self.batch = settings.batch or BATCHES.get(name, 32)
        self.batch = min(self.batch, len(self.faces.pictures))
        each_epoch = len(self.faces.pictures) / self.batch
        self.steps = settings.steps or round(EPOCHS.get(name, 60) * each_epoch)
        self.each_epoch = each_epoch
        self.figures = run.folder / "face-latent.jsonl"
        self.path = run.folder / "face-latent.checkpoint"
        if stored := load_checkpoint(self.path):
            if stored.get("architecture", "linear") != name:
                raise ScumbleError(
                    "invalid_parameter",
                    f"“{run.folder}” holds a training of another architecture.",
                    "Name another folder with --out.",
                )
            self.recipe.load_state_dict(stored)
            run.say(f"going on from step {self.recipe.number}")
        else:
            run.say("looking at all faces")
            self.recipe.start(self.faces.exact())
            self.tell(step=0, **measure(self.recipe.network, self.test, self.features))

    def tell(self, **figures: float) -> None:
        append_metrics(self.figures, **figures)
        self.run.say(", ".join(f"{k} {v:.4g}" for k, v in figures.items()))

    @property
    def progress(self) -> float:
        done = self.recipe.number / self.steps
        if self.run.minutes is not None:
            done = max(done, (time.monotonic() - self.run.started) / (60 * self.run.minutes))
        return min(done, 1.0)

    def step(self) -> None:
        number = self.recipe.number
        torch.manual_seed(self.run.seed * 1_000_003 + number)
        pictures = self.faces.batch(self.batch, np.random.default_rng([self.run.seed, number]))
        rate = self.recipe.rate(number / self.each_epoch, self.progress)
        parts = self.recipe.step(pictures, rate)
        if self.recipe.number % 50 == 0:
            self.tell(step=self.recipe.number, **{f"train_{k}": v for k, v in parts.items()})

    def save(self) -> Path:
        """Checkpoint, figures, grids, and the file that is shipped."""
        number = self.recipe.number
        save_checkpoint(self.path, {**self.recipe.state_dict(), "architecture": self.settings.architecture})
        few = max(1, len(self.faces.pictures) // 3000)
        network = self.recipe.shipped(self.faces.exact(few))
        network.eval()
        self.tell(step=number, **measure(network, self.test, self.features))
        grids(network, self.test, self.run.folder, number)
        network.train()
        finished = self.run.folder / self.recipe.file
        state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
        save_file({k: v.half().contiguous() for k, v in state.items()}, finished)
        return finished


def train(run: Run, settings: LatentSettings) -> Path:
    session = LatentSession(run, settings)
    while session.recipe.number < session.steps and not run.time_is_up:
        session.step()
        if session.recipe.number % settings.every == 0:
            session.save()
    return session.save()


@torch.inference_mode()
def measure(network: FaceModel, pictures: torch.Tensor, features: Vgg | None) -> dict[str, float]:
    """Reconstruction errors of pictures (N, 3, side, side) in −1 to 1."""
    shown = torch.cat([network.decode(network.encode(part)) for part in torch.split(pictures, 64)])
    return errors(shown, pictures, features)


@torch.inference_mode()
def grids(network: FaceModel, pictures: torch.Tensor, folder: Path, number: int) -> None:
    """Three PNGs as the published code shows them; the seed changes with the step."""
    spread = torch.linspace(0, len(pictures) - 1, min(27, len(pictures))).long()
    chosen = pictures[spread]
    z = network.encode(chosen)
    shown = network.decode(z)
    save_grid(torch.stack([chosen, shown], 1).flatten(0, 1), folder / f"reconstructions-{number:06d}.png", 18)
    drawn = torch.randn(27, network.latents, generator=torch.Generator().manual_seed(42 * number + 5))
    save_grid(network.decode(drawn), folder / f"samples-{number:06d}.png", 9)
    rows = []
    for row in range(min(3, len(chosen) // 2)):
        ends = z[2 * row], z[2 * row + 1]
        between = torch.stack([torch.lerp(*ends, j / 6) for j in range(7)])
        rows += [chosen[2 * row], *network.decode(between), chosen[2 * row + 1]]
    save_grid(torch.stack(rows), folder / f"interpolations-{number:06d}.png", 9)


def save_grid(pictures: torch.Tensor, path: Path, columns: int) -> None:
    """(N, 3, h, w) in −1 to 1, row by row."""
    shown = ((pictures.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    rows = [np.concatenate(list(shown[i : i + columns]), axis=1) for i in range(0, len(shown), columns)]
    Image.fromarray(np.concatenate(rows, axis=0)).save(path)


TRAINER = Trainer("A face model with 100 latents, for the face brush.", ("faces", "faces128"), LatentSettings, train)
