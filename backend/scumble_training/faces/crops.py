"""Aligned faces at the size of a face model: what the latent trainers learn from and are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from scumble.faces.detection.alignment import similarity
from scumble.faces.detection.model_frame import model_frame

from . import pictures as face_pictures
from . import scenes as face_scenes
from .landmarks import mean_shape

MARGIN = 1.125
"""How much larger a stored crop's frame is than the model's: room to shift, turn and scale."""

RARE = {"faker-js": 4, "EASONTAN03": 2}
"""How often pictures of these sources are drawn for each of the others: they differ most from the bulk."""


@dataclass(frozen=True)
class AlignedFaces:
    """Faces of one split."""

    pictures: torch.Tensor
    """(N, 3, side · 1.125, side · 1.125) bytes."""

    side: int
    chance: NDArray[np.float64]
    """(N,) of being drawn."""

    rows: list[dict[str, str]]

    def exact(self, every: int = 1) -> torch.Tensor:
        """(N, 3, side, side) in −1 to 1, as the aligner cuts them; only one in `every`."""
        lost = (self.pictures.shape[2] - self.side) // 2
        inner = self.pictures[::every, :, lost : lost + self.side, lost : lost + self.side]
        return inner.float() / 127.5 - 1

    def batch(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """(count, 3, side, side) in −1 to 1: mirrored, a little misaligned, in other light."""
        chosen = rng.choice(len(self.pictures), count, p=self.chance)
        pictures = self.pictures[chosen].float() / 255
        mirror = torch.from_numpy(rng.random(count) < 0.5)
        pictures[mirror] = pictures[mirror].flip(3)
        angle = np.radians(rng.normal(0, 1.2, count))
        scale = np.exp(rng.normal(0, 0.012, count)) / MARGIN
        shift = rng.normal(0, 0.008, (count, 2))
        turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
        turn *= scale[:, None, None]
        middle = np.full((count, 2), 0.5)
        moved = middle + shift - np.einsum("bij,bj->bi", turn, middle)
        pictures = face_scenes.warped(pictures, np.concatenate([turn, moved[:, :, None]], axis=2), self.side)
        gain = 1 + torch.from_numpy(rng.normal(0, 0.06, (count, 1, 1, 1)) + rng.normal(0, 0.02, (count, 3, 1, 1)))
        return (pictures * gain.float()).clamp(0, 1) * 2 - 1


def load_aligned(data: Path, side: int, limit: int | None = None) -> tuple[AlignedFaces, AlignedFaces]:
    """The faces to learn from and those that are held out."""
    train = face_pictures.load_faces(data, "train", 128, limit=limit)
    shape = mean_shape(train)
    return cut_out(train, shape, side), cut_out(
        face_pictures.load_faces(data, "heldout", 128, limit=limit), shape, side
    )


def cut_out(faces: face_pictures.Faces, shape: NDArray[np.float64], side: int) -> AlignedFaces:
    """Faces cut out by their points as the operations do it; `shape` is the mean face's points."""
    stored = round(side * MARGIN)
    out = []
    for start in range(0, len(faces), 256):
        part = slice(start, start + 256)
        frames = np.stack([model_frame(similarity(shape, points), MARGIN) for points in faces.points[part]])
        cut = face_scenes.warped(face_scenes.tensor(faces.pictures[part]), frames, stored, 2)
        out.append((cut * 255).round().byte())
    chance = np.array([weight_of(row["source_repo"]) for row in faces.rows], np.float64)
    return AlignedFaces(torch.cat(out), side, chance / chance.sum(), list(faces.rows))


def weight_of(source: str) -> int:
    """How often pictures of a source are drawn, for each of the others."""
    return next((times for name, times in RARE.items() if source.startswith(name)), 1)


def oval(side: int) -> torch.Tensor:
    """(1, 1, side, side): how much a pixel counts: 1 on the face, 0.35 in the corners."""
    middles = (torch.arange(side) + 0.5) / side
    radius = ((middles[None] - 0.5) / 0.5) ** 2 + ((middles[:, None] - 0.5) / 0.56) ** 2
    return (0.35 + 0.65 * torch.sigmoid((1.0 - radius) * 6))[None, None]


def gradients(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Differences to the right and downwards, with the picture's size (the last row and column are 0)."""
    across = functional.pad(pictures[..., :, 1:] - pictures[..., :, :-1], (0, 1, 0, 0))
    down = functional.pad(pictures[..., 1:, :] - pictures[..., :-1, :], (0, 0, 0, 1))
    return across, down


def edge_error(a: torch.Tensor, b: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the gradients at two scales."""
    total = torch.zeros(())
    for level in range(2):
        if level:
            a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
            weight = functional.avg_pool2d(weight, 2)
        for one, other in zip(gradients(a), gradients(b), strict=True):
            total = total + ((one - other).abs() * weight).mean() / weight.mean()
    return total / 4
