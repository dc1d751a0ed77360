"""`scumble train face-latent`: a face model with 100 latents, by one of three recipes.

`linear` is the embedded one (`face_latent_linear`); `ian_simple` and `ian` are the published networks with the published
losses and schedule (`face_latent_ian`). All keep checkpoints, figures of held-out faces in a JSONL file, and grids:
reconstructions (picture, then result), samples, and ways between two faces.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import Field
from safetensors.torch import save_file

from scumble.networks.face_latent import SIDE, FaceLatent, FaceModel
from scumble.networks.vgg import Vgg

from .checkpoints import Average, append_metrics, load_checkpoint, save_checkpoint
from .face_crops import load_aligned
from .face_latent_linear import LinearRecipe, errors, latent_moments, principal_components
from .trainer import Run, Settings, Trainer


class LatentSettings(Settings):
    steps: int = Field(20000, ge=1, description="Batches to learn from.")
    batch: int = Field(32, ge=2, description="Faces in a batch.")
    learning_rate: float = Field(1e-3, gt=0, description="The highest; it rises for 100 steps, then falls as a cosine.")
    feature_loss: bool = Field(True, description="Whether the embedded feature network's loss is used.")
    every: int = Field(500, ge=1, description="Steps between checkpoints, figures and grids.")
    limit: int = Field(0, ge=0, description="Pictures of each collection to use; 0 for all.")


def feature_network() -> Vgg:
    from scumble.weights import WeightStore, vgg

    return Vgg(vgg.load(WeightStore().path("scumble-features")))


def train(run: Run, settings: LatentSettings) -> Path:
    torch.manual_seed(run.seed)
    faces, heldout = load_aligned(run.data, SIDE, settings.limit or None)
    network = FaceLatent().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    features = feature_network() if settings.feature_loss else None
    recipe = LinearRecipe(features)
    average = Average(network, 0.998)
    optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4)
    path, number = run.folder / "face-latent.checkpoint", 0
    test = heldout.exact()
    if stored := load_checkpoint(path):
        network.load_state_dict(stored["network"])
        average.load_state_dict(stored["average"])
        optimizer.load_state_dict(stored["optimizer"])
        number = stored["step"]
        run.say(f"going on from step {number}")
    else:
        run.say("principal components")
        network.set_linear(*principal_components(faces.exact(), network.latents, recipe.weight))
        average = Average(network, 0.998)
        with torch.inference_mode():
            figures = errors(network(test), test, features)
        append_metrics(run.folder / "face-latent.jsonl", step=0, **figures)
        run.say(", ".join(f"{k} {v:.4g}" for k, v in figures.items()))

    def save() -> Path:
        content = {"network": network.state_dict(), "average": average.state_dict()}
        save_checkpoint(path, {**content, "optimizer": optimizer.state_dict(), "step": number})
        shipped = FaceLatent()
        shipped.load_state_dict(average.state)
        shipped.set_latents(*latent_moments(shipped, faces.exact()[:: max(1, len(faces.pictures) // 3000)]))
        figures = measure(shipped, test, features)
        append_metrics(run.folder / "face-latent.jsonl", step=number, **figures)
        run.say(", ".join(f"{k} {v:.4g}" for k, v in figures.items()))
        grids(shipped, test, run.folder, number)
        finished = run.folder / "scumble-face-latent.safetensors"
        save_file({k: v.half().contiguous() for k, v in shipped.state_dict().items()}, finished)
        return finished

    while number < settings.steps and not run.time_is_up:
        rate = _rate(run, number, settings)
        for group in optimizer.param_groups:
            group["lr"] = rate
        torch.manual_seed(run.seed * 1_000_003 + number)
        pictures = faces.batch(settings.batch, np.random.default_rng([run.seed, number]))
        with torch.autocast("cpu", torch.bfloat16):
            loss, parts = recipe.loss(network, pictures.contiguous(memory_format=torch.channels_last))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        average.update(network)
        number += 1
        if number % 50 == 0:
            append_metrics(run.folder / "face-latent.jsonl", step=number, **{f"train_{k}": v for k, v in parts.items()})
            run.say(f"step {number}, " + ", ".join(f"{k} {v:.4g}" for k, v in parts.items()))
        if number % settings.every == 0:
            save()
    return save()


def _rate(run: Run, number: int, settings: LatentSettings) -> float:
    done = number / settings.steps
    if run.minutes is not None:
        done = max(done, (time.monotonic() - run.started) / (60 * run.minutes))
    return settings.learning_rate * min(1, (number + 1) / 100) * (0.51 + 0.49 * math.cos(math.pi * min(done, 1)))


@torch.inference_mode()
def measure(network: FaceModel, pictures: torch.Tensor, features: Vgg | None) -> dict[str, float]:
    """Reconstruction errors of pictures (N, 3, side, side) in −1 to 1."""
    shown = torch.cat([network.decode(network.encode(part)) for part in pictures.split(64)])
    return errors(shown, pictures, features)


@torch.inference_mode()
def grids(network: FaceModel, pictures: torch.Tensor, folder: Path, number: int) -> None:
    """Three PNGs as the published code shows them; the seed changes with the step."""
    spread = torch.linspace(0, len(pictures) - 1, 27).long()
    chosen = pictures[spread]
    z = network.encode(chosen)
    shown = network.decode(z)
    save_grid(torch.stack([chosen, shown], 1).flatten(0, 1), folder / f"reconstructions-{number:06d}.png", 18)
    drawn = torch.randn(27, network.latents, generator=torch.Generator().manual_seed(42 * number + 5))
    save_grid(network.decode(drawn), folder / f"samples-{number:06d}.png", 9)
    rows = []
    for row in range(3):
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
