"""Made-up pictures for the landmark trainer: faces turned, scaled and lit anew, pasted over photographs and drawings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from scumble.faces.detection.alignment import mirrored_points
from scumble.faces.detection.network import EYES_LEAST, EYES_MOST, LEFT_EYE, RIGHT_EYE, STRIDE, UNIT
from scumble_training.common import datasets
from scumble_training.common.datasets import Split

from .pictures import Faces

SCENE = 128
"""Side of a scene, in pixels."""

PASTED = 3
"""Faces, or things that are none, in one scene."""

TILT = 38.0
"""Degrees that a face is turned at most."""


@dataclass(frozen=True)
class Scenes:
    """(B, 3, 128, 128) pictures with, at each of the finder's places: whether there is a face, whether that counts
    (B, 32, 32), and both eyes (B, 4, 32, 32)."""

    pictures: torch.Tensor
    face: torch.Tensor
    counts: torch.Tensor
    eyes: torch.Tensor


def load_backgrounds(
    data: Path, split: Split, names: tuple[str, ...] = ("photos", "art"), side: int = 256, limit: int | None = None
) -> NDArray[np.uint8]:
    """(N, side, side, 3) squares out of pictures that mostly show no faces."""
    squares = []
    for name in names:
        files = [row["file"] for row in datasets.rows(data, name, split)][:limit]
        for picture in datasets.pictures(data, name, files):
            height, width = picture.shape[:2]
            if min(height, width) >= side:
                top, left = (height - side) // 2, (width - side) // 2
                squares.append(picture[top : top + side, left : left + side])
    return np.stack(squares)


def planes(pictures: NDArray[np.uint8]) -> torch.Tensor:
    """(B, H, W, 3) to (B, 3, H, W), still bytes: thousands of pictures as floats would fill the memory."""
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def tensor(pictures: NDArray[np.uint8]) -> torch.Tensor:
    """(B, H, W, 3) bytes to (B, 3, H, W) in 0 to 1."""
    return planes(pictures).float() / 255


def warped(pictures: torch.Tensor, matrices: NDArray[np.float64], side: int, supersampling: int = 1) -> torch.Tensor:
    """(B, C, side, side): frames of pictures; matrices (B, 2, 3) take the unit square to shares of the picture."""
    theta = matrices.copy()
    theta[:, :, 2] += theta[:, :, :2].sum(axis=2) / 2  # from −1…1 around the middle
    theta[:, :, 2] = theta[:, :, 2] * 2 - 1
    grid = functional.affine_grid(
        torch.from_numpy(theta).float(),
        [len(theta), pictures.shape[1], side * supersampling, side * supersampling],
        align_corners=False,
    )
    out = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return functional.avg_pool2d(out, supersampling) if supersampling > 1 else out


def relit(pictures: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Other light, other colours, sometimes gray, blurred or noisy: what pictures of artists are like."""
    count = len(pictures)

    def drawn(low: float, high: float, channels: int = 1) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, channels, 1, 1)).astype(np.float32))

    gray = pictures.mean(dim=1, keepdim=True)
    saturation = torch.where(drawn(0, 1) < 0.2, torch.zeros(1), drawn(0.4, 1.5))
    out = gray + (pictures - gray) * saturation
    out = (out - 0.5) * drawn(0.55, 1.35) + 0.5 + drawn(-0.18, 0.18) + drawn(-0.05, 0.05, 3)
    out = out.clamp(0, 1) ** torch.exp(drawn(-0.4, 0.4))
    blurred = functional.avg_pool2d(functional.pad(out, (1, 1, 1, 1), mode="replicate"), 3, 1)
    out = torch.where(drawn(0, 1) < 0.2, blurred, out)
    noise = torch.from_numpy(rng.standard_normal(out.shape, dtype=np.float32))
    return (out + noise * drawn(0, 0.03) * (drawn(0, 1) < 0.5)).clamp(0, 1)


def scenes(
    faces: Faces, levels: dict[int, torch.Tensor], backgrounds: torch.Tensor, count: int, rng: np.random.Generator
) -> Scenes:
    """A batch of scenes.

    Parameters
    ----------
    levels
        The faces' pictures by side, as bytes: sides 128, 64 and 32, so that small faces are not aliased.
    backgrounds
        (N, 3, 256, 256) bytes.
    """
    chosen = rng.integers(0, len(backgrounds), count)
    frames = np.stack([part(rng.uniform(0.35, 1.0), rng) for _ in range(count)])
    canvas = warped(backgrounds[chosen].float() / 255, frames, SCENE)
    places = SCENE // STRIDE
    face, counts = np.zeros((count, places, places), np.float32), np.ones((count, places, places), np.float32)
    eyes = np.zeros((count, 4, places, places), np.float32)
    middles = (np.arange(places) + 0.5) * STRIDE
    for number in range(count):
        for _ in range(int(rng.integers(1, PASTED + 1))):
            real = rng.random() < 0.65
            distance = float(np.exp(rng.uniform(np.log(EYES_LEAST * 0.95), np.log(EYES_MOST * 1.05))))
            if rng.random() < 0.2:
                distance = float(np.exp(rng.uniform(np.log(4), np.log(60))))
            side = distance / 0.278
            at = rng.uniform(0.1, 0.9, 2) * SCENE
            angle = np.radians(rng.uniform(-TILT, TILT))
            index = int(rng.integers(0, len(faces)))
            # out of the scene (pixels) into the picture (shares)
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / side
            mirror = rng.random() < 0.5
            points = mirrored_points(faces.points[index]) if mirror else faces.points[index]
            centre = np.array([points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0)]).mean(0)
            matrix = np.concatenate([turn * SCENE, (centre - turn @ at)[:, None]], axis=1)
            picture = _source(faces, levels, backgrounds, index, side, real, mirror, rng)
            box = _box(at, side)
            patch, inside = _patch(picture, matrix, box, rng)
            canvas[number, :, box[1] : box[3], box[0] : box[2]].lerp_(patch, inside)
            whole = np.zeros((SCENE, SCENE), np.float32)
            whole[box[1] : box[3], box[0] : box[2]] = inside.numpy()
            covered = whole[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE] > 0.5
            face[number][covered] = 0
            counts[number][covered] = 1
            if not real:
                continue
            both = np.array([points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0)])
            seen = np.asarray((both - centre) @ np.linalg.inv(turn).T + at, np.float64)
            _mark(face[number], counts[number], eyes[number], seen, middles)
    return Scenes(relit(canvas, rng), torch.from_numpy(face), torch.from_numpy(counts), torch.from_numpy(eyes))


def _mark(
    face: NDArray[np.float32],
    counts: NDArray[np.float32],
    eyes: NDArray[np.float32],
    seen: NDArray[np.float64],
    middles: NDArray[Any],
) -> None:
    """Set the targets around one face; sizes near the finder's ends count neither way."""
    distance = float(np.hypot(*(seen[1] - seen[0])))
    x, y = seen.mean(axis=0)
    away = np.hypot(middles[None] - x, middles[:, None] - y) / distance
    if EYES_LEAST <= distance <= EYES_MOST:
        near = away < 0.3
        nearest = np.unravel_index(np.argmin(away), away.shape)
        if away[nearest] < 0.5:
            near[nearest] = True
        counts[(away < 0.6) & ~near] = 0
        face[near], counts[near] = 1, 1
        for eye in range(2):
            eyes[2 * eye][near] = np.broadcast_to((seen[eye, 0] - middles[None]) / UNIT, near.shape)[near]
            eyes[2 * eye + 1][near] = np.broadcast_to((seen[eye, 1] - middles[:, None]) / UNIT, near.shape)[near]
    elif EYES_LEAST * 0.7 <= distance <= EYES_MOST * 1.4:
        counts[away < 0.6] = 0


def _source(
    faces: Faces,
    levels: dict[int, torch.Tensor],
    backgrounds: torch.Tensor,
    index: int,
    side: float,
    real: bool,
    mirror: bool,
    rng: np.random.Generator,
) -> torch.Tensor:
    if not real:
        other = backgrounds[int(rng.integers(0, len(backgrounds)))][None]
        return functional.avg_pool2d(other.float() / 255, 4 if side < 96 else 2)
    level = 32 if side < 40 else 64 if side < 90 else 128
    picture = levels[level][index][None].float() / 255
    return picture.flip(3) if mirror else picture


def _patch(
    picture: torch.Tensor, matrix: NDArray[np.float64], box: tuple[int, int, int, int], rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The part of the scene in `box` (left, top, right, bottom) that shows the picture, and how far the picture covers
    it: as a square, or as a soft oval."""
    left, top, right, bottom = box
    x, y = np.meshgrid((np.arange(left, right) + 0.5) / SCENE, (np.arange(top, bottom) + 0.5) / SCENE)
    u = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    v = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    inside = ((u > 0) & (u < 1) & (v > 0) & (v < 1)).astype(np.float32)
    if rng.random() < 0.5:
        radius = np.hypot((u - 0.5) / rng.uniform(0.36, 0.5), (v - 0.55) / rng.uniform(0.45, 0.6))
        inside *= np.clip((1 - radius) / rng.uniform(0.05, 0.3), 0, 1)
    grid = torch.from_numpy((np.stack([u, v], axis=2) * 2 - 1).astype(np.float32))[None]
    patch = functional.grid_sample(picture, grid, padding_mode="border", align_corners=False)
    gain = float(rng.uniform(0.75, 1.25))
    return (patch * gain).clamp(0, 1)[0], torch.from_numpy(inside)


def _box(at: NDArray[np.float64], side: float) -> tuple[int, int, int, int]:
    """Whole pixels around a square of that side, however it is turned, inside the scene."""
    reach = 0.75 * side
    low, high = np.clip(np.floor(at - reach), 0, SCENE - 1), np.clip(np.ceil(at + reach), 1, SCENE)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def part(share: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """An upright part of a picture, as a matrix."""
    x, y = rng.uniform(0, 1 - share, 2)
    return np.array([[share, 0, x], [0, share, y]])
