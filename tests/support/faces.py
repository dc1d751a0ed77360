"""Faces for tests: the bundled portrait, small collections on disk, and a face model that is known in closed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scumble import pictures
from scumble.imaging.layer import Layer

from .small_collections import archive

SIDE = 256
EYES = np.array([[92.4, 120.8], [163.6, 120.8]])
"""Of the portrait, in pixels: it is aligned as the collections are."""


def portrait(side: int = SIDE) -> NDArray[np.uint8]:
    """(side, side, 3)."""
    picture = Image.open(pictures.portrait()).convert("RGB")
    return np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS), np.uint8)


def strokes(
    side: int = SIDE, x: float = 0.5, y: float = 0.8, radius: float = 0.05, colour: Any = (200, 30, 50)
) -> Layer:
    """A disc of colour on a transparent layer; place and radius are shares of the side."""
    rows, columns = np.mgrid[0:side, 0:side]
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[np.hypot(columns - x * side, rows - y * side) <= radius * side] = (*colour, 255)
    return Layer(pixels)


def on_canvas(face: NDArray[np.uint8], height: int, width: int, x: int, y: int) -> NDArray[np.uint8]:
    """A face on a gray canvas."""
    canvas = np.full((height, width, 3), 120, np.uint8)
    canvas[y : y + face.shape[0], x : x + face.shape[1]] = face
    return canvas


def collections(folder: Path, count: int = 6) -> Path:
    """`faces`, `faces128`, `photos` and `art` with a few pictures each, and points for the faces."""
    rng = np.random.default_rng(0)
    points = mean_points()
    for name, side in (("faces", 256), ("faces128", 128)):
        files = [f"{name}/{i}.webp" for i in range(count)]
        face = portrait(side).astype(np.float32)
        made = [np.clip(face * rng.uniform(0.7, 1.2) + rng.normal(0, 8, face.shape), 0, 255) for _ in files]
        archive(folder / f"{name}.tar", dict(zip(files, made, strict=True)))
        rows = [f"{f},free/{name},{'heldout' if i < 2 else 'train'},ground-truth" for i, f in enumerate(files)]
        (folder / f"{name}.csv").write_text("\n".join(["file,source_repo,split,landmarks", *rows]) + "\n")
        np.savez(
            folder / f"{name}_landmarks49.npz",
            names=np.array([Path(f).name for f in files]),
            points=np.stack([points * side] * count).astype(np.float16),
        )
    for name in ("photos", "art"):
        files = [f"{name}/{i}.webp" for i in range(3)]
        archive(folder / f"{name}.tar", {one: rng.uniform(0, 255, (260, 270, 3)) for one in files})
        rows = [f"{f},free/{name},train" for f in files]
        (folder / f"{name}.csv").write_text("\n".join(["file,source_repo,split", *rows]) + "\n")
    return folder


def mean_points() -> NDArray[np.float64]:
    """(49, 2) in the unit square, by the embedded network."""
    from scumble.faces.detection import weights as landmark_weights
    from scumble.weights import WeightStore

    return landmark_weights.load(WeightStore().path("scumble-face-landmarks")).shape


class SmallModel(torch.nn.Module):
    """Four latents: a mean picture of 8 × 8, four smooth directions, bent a little by a sine."""

    side, latents = 8, 4

    def __init__(self, bend: float = 0.1) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        rough = torch.randn(4, 3, 4, 4, generator=generator)
        self.basis = torch.nn.functional.interpolate(rough, size=8, mode="bilinear") * 0.2
        self.bend = bend

    def features(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        linear = torch.einsum("bk,kchw->bchw", z, self.basis)
        return torch.nn.functional.avg_pool2d(linear, 2), linear + self.bend * torch.sin(3 * linear)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.features(z)[1]

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        flat = self.basis.flatten(1)
        found: torch.Tensor = 0.8 * pictures.flatten(1) @ torch.linalg.pinv(flat)
        return found
