"""What the face parser learns from: aligned faces with their parts, in other light and colours, covered, cut off and spoilt.

What the parts say is used to make what is rare: hair of other colours and in the sun (the teacher takes white hair for skin), darker
and lighter skin, other things behind a head, and things on or before it, which are neither skin nor hair.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from scumble.faces.parsing.network import CLASSES, SIDE
from scumble_training.common import datasets
from scumble_training.common.datasets import Split

from .crops import weight_of
from .parsing_labels import labels_of, path_of
from .pictures import resized
from .scenes import relit, tensor, warped
from .sketch_examples import COLLECTION, load_points

STORED = 160
"""Side of the pictures that are kept in memory."""

BACKGROUNDS = 400
"""Photographs that are put behind heads and before them."""

ON_HEAD, BEFORE = 0.04, 0.08
"""How often a thing lies on a head, like a hat, and anywhere else. With three times as many hats, crowns in the sun became hats."""

OLD, LEAST_HAIR = 60, 0.22
"""From that age on, a face whose teacher sees less hair than this share of the picture is not learned from: mostly the hair is grey,
and the teacher takes it for skin."""

SKIN, HAIR = CLASSES.index("skin"), CLASSES.index("hair")


@dataclass(frozen=True)
class ParsedFaces:
    """Faces of one split."""

    pictures: Tensor
    """(N, 3, STORED, STORED) bytes."""

    labels: Tensor
    """(N, 6, SIDE, SIDE) bytes: shares of `CLASSES`, 255 in sum."""

    rows: list[dict[str, str]]

    @property
    def chance(self) -> NDArray[np.float64]:
        """(N,) of being drawn: pictures of rare sources more often."""
        weights = np.array([weight_of(row["source_repo"]) for row in self.rows], np.float64)
        return np.asarray(weights / weights.sum())

    def well_known(self) -> ParsedFaces:
        """Those of which the teacher is not known to be mostly wrong."""
        share = self.labels[:, HAIR].float().mean((1, 2)) / 255
        ages = [int(row["age"]) if row.get("age", "").isdigit() else 0 for row in self.rows]
        kept = [n for n, age in enumerate(ages) if age < OLD or share[n] >= LEAST_HAIR]
        return ParsedFaces(self.pictures[kept], self.labels[kept], [self.rows[n] for n in kept])

    def exact(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Pictures (n, 3, SIDE, SIDE) in 0 to 1 and labels (n, 6, SIDE, SIDE), as they are."""
        pictures = functional.interpolate(
            self.pictures[start:stop].float() / 255, size=(SIDE, SIDE), mode="bilinear", antialias=True
        )
        return pictures, self.labels[start:stop].float() / 255


@dataclass(frozen=True)
class ParsingBatch:
    """(B, 3, SIDE, SIDE) in 0 to 1, (B, 1, SIDE, SIDE) of 0 and 1, and (B, 6, SIDE, SIDE) shares."""

    pictures: Tensor
    seen: Tensor
    labels: Tensor


def load_parsed(data: Path, folder: Path, names: list[str], split: Split) -> ParsedFaces:
    """The faces of these names, whose teacher's labels lie in `folder`."""
    points = load_points(data)
    by_name = {row["file"]: row for row in datasets.rows(data, COLLECTION, split)}
    pictures, labels = [], []
    for name, picture in zip(names, datasets.pictures(data, COLLECTION, names), strict=True):
        pictures.append(torch.from_numpy(resized(picture, STORED).transpose(2, 0, 1).copy()))
        said = np.load(path_of(folder, name), allow_pickle=False)
        labels.append(torch.from_numpy(labels_of(said, points[Path(name).name] / picture.shape[0])))
    return ParsedFaces(torch.stack(pictures), torch.stack(labels), [by_name[name] for name in names])


class ParsingDraws:
    """Batches out of faces; `backgrounds` are (N, 3, 256, 256) bytes."""

    def __init__(self, faces: ParsedFaces, backgrounds: Tensor) -> None:
        self.faces = faces
        self.backgrounds = functional.avg_pool2d(backgrounds.float(), 2) / 255
        self._chance = faces.chance

    def batch(self, count: int, rng: np.random.Generator) -> ParsingBatch:
        chosen = rng.choice(len(self.faces.pictures), count, p=self._chance)
        frames = _frames(count, rng)
        pictures = warped(self.faces.pictures[chosen].float() / 255, frames, SIDE)
        labels = warped(self.faces.labels[chosen].float() / 255, frames, SIDE)
        mirror = torch.from_numpy(rng.random(count) < 0.5)
        pictures[mirror], labels[mirror] = pictures[mirror].flip(3), labels[mirror].flip(3)
        pictures = _recoloured(pictures, labels[:, HAIR : HAIR + 1], 0.45, rng, grey=0.6)
        pictures = sunlit(pictures, labels[:, HAIR : HAIR + 1], 0.25, rng)
        pictures = _recoloured(pictures, labels[:, SKIN : SKIN + 1], 0.2, rng, grey=0.0)
        for n in range(count):
            self._put_behind(pictures[n], labels[n], rng)
            self._cover(pictures[n], labels[n], rng)
        pictures = spoilt(relit(lit(pictures, rng), rng), rng)
        return _cut_off(pictures, labels, rng)

    def _put_behind(self, picture: Tensor, labels: Tensor, rng: np.random.Generator) -> None:
        if rng.random() < 0.2:
            picture.lerp_(self._background(rng), labels[:1])

    def _cover(self, picture: Tensor, labels: Tensor, rng: np.random.Generator) -> None:
        """A thing on the head, like a hat, or anywhere before the face."""
        kind = rng.random()
        if kind > ON_HEAD + BEFORE:
            return
        y, x = ((torch.arange(SIDE) + 0.5) / SIDE)[:, None], ((torch.arange(SIDE) + 0.5) / SIDE)[None]
        if kind < ON_HEAD:
            middle, radii = (
                (rng.normal(0.5, 0.03), rng.uniform(-0.05, 0.12)),
                (rng.uniform(0.3, 0.5), rng.uniform(0.15, 0.28)),
            )
        else:
            middle, radii = (rng.uniform(0, 1), rng.uniform(0.3, 1)), (rng.uniform(0.05, 0.2), rng.uniform(0.05, 0.2))
        angle = float(rng.normal(0, 0.2 if kind < ON_HEAD else 1.5))
        u = (x - middle[0]) * np.cos(angle) + (y - middle[1]) * np.sin(angle)
        v = (y - middle[1]) * np.cos(angle) - (x - middle[0]) * np.sin(angle)
        inside = ((1 - torch.hypot(u / radii[0], v / radii[1])) * 12).clamp(0, 1).float()[None]
        texture = self._background(rng)
        if rng.random() < 0.6:  # cloth of one colour, folded by what is seen in the photograph
            tone = torch.from_numpy(rng.random((3, 1, 1), np.float32))
            texture = (tone + 0.25 * (texture.mean(0, keepdim=True) - 0.5)).clamp(0, 1)
        picture.lerp_(texture, inside)
        other = torch.zeros_like(labels)
        other[0] = 1
        labels.lerp_(other, inside)

    def _background(self, rng: np.random.Generator) -> Tensor:
        found = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        return found.flip(2) if rng.random() < 0.5 else found


def _frames(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Small turns, scales and shifts: (count, 2, 3), from the unit square to shares of the picture."""
    angle = np.radians(rng.normal(0, 6, count))
    scale = np.exp(rng.uniform(-0.25, 0.12, count))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    turn *= scale[:, None, None]
    middle = np.full((count, 2), 0.5)
    moved = middle + rng.normal(0, 0.03, (count, 2)) - np.einsum("bij,bj->bi", turn, middle)
    return np.concatenate([turn, moved[:, :, None]], axis=2)


def _drawn(count: int, low: float, high: float, rng: np.random.Generator, channels: int = 1) -> Tensor:
    return torch.from_numpy(rng.uniform(low, high, (count, channels, 1, 1)).astype(np.float32))


def _recoloured(pictures: Tensor, where: Tensor, chance: float, rng: np.random.Generator, grey: float) -> Tensor:
    """Another brightness and tint within a part, with that chance; of so many of those, none but grey is left."""
    count = len(pictures)
    tone = pictures.mean(1, keepdim=True)
    colourless = _drawn(count, 0, 1, rng) < grey
    level, contrast = _drawn(count, -0.25, 0.45, rng), _drawn(count, 0.5, 1.1, rng)
    tint = torch.where(colourless, 0.0, _drawn(count, -0.12, 0.12, rng, 3))
    base = torch.where(colourless, tone, pictures)
    mean = (tone * where).sum((2, 3), keepdim=True) / where.sum((2, 3), keepdim=True).clamp(min=1)
    target = (mean + level).clamp(0.05, 0.9)
    made = ((base - mean) * contrast + target + tint).clamp(0, 1)
    return torch.lerp(pictures, made, where * (_drawn(count, 0, 1, rng) < chance))


def sunlit(pictures: Tensor, hair: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """The sun, or a lamp, on a part of the hair, mostly on the crown, with that chance: strands stay, up to nearly white."""
    count, side = len(pictures), pictures.shape[-1]
    at = (torch.arange(side) + 0.5) / side
    y, x = at[None, None, :, None] - _drawn(count, 0, 0.35, rng), at[None, None, None] - _drawn(count, 0.2, 0.8, rng)
    spot = torch.exp(-0.5 * ((x / _drawn(count, 0.12, 0.4, rng)) ** 2 + (y / _drawn(count, 0.06, 0.25, rng)) ** 2))
    warm = 1 - _drawn(count, 0, 0.35, rng) * torch.tensor([0.0, 0.3, 1.0])[:, None, None]
    amount = spot * hair * warm * _drawn(count, 0.3, 0.9, rng)
    # what is dark between strands stays a little darker
    made = 1 - (1 - pictures) * (1 - amount * (0.6 + 0.4 * pictures.mean(1, keepdim=True)))
    return torch.where(_drawn(count, 0, 1, rng) < chance, made, pictures)


def lit(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Coloured light, light from one side, and light that is much too weak or strong, each now and then."""
    count, side = len(pictures), pictures.shape[-1]
    colour = torch.exp(0.35 * torch.from_numpy(rng.standard_normal((count, 3, 1, 1), np.float32)))
    colour = torch.where(_drawn(count, 0, 1, rng) < 0.25, colour, torch.ones(1))
    angle, fall = _drawn(count, 0, 2 * np.pi, rng), _drawn(count, 0.2, 0.9, rng)
    at = (torch.arange(side) + 0.5) / side * 2 - 1
    along = torch.cos(angle) * at[None, None, None] + torch.sin(angle) * at[None, None, :, None]
    one_side = torch.where(_drawn(count, 0, 1, rng) < 0.25, 1 + fall * along.clamp(-1, 1), torch.ones(1))
    kind = _drawn(count, 0, 1, rng)
    gain = torch.where(kind < 0.12, _drawn(count, 0.12, 0.5, rng), torch.ones(1))
    gain = torch.where(kind > 0.92, _drawn(count, 1.3, 1.8, rng), gain)
    return (pictures * colour * one_side * gain).clamp(0, 1)


def spoilt(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Some of them small once, some kept as a JPEG."""
    out = pictures.clone()
    for n in range(len(out)):
        if rng.random() < 0.2:
            side = int(rng.integers(28, 100))
            small = functional.interpolate(out[n : n + 1], size=(side, side), mode="area")
            out[n : n + 1] = functional.interpolate(small, size=out.shape[2:], mode="bilinear", align_corners=False)
        if rng.random() < 0.25:
            pixels = np.round(out[n].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(15, 85)))
            out[n] = tensor(np.asarray(Image.open(file).convert("RGB"), np.uint8)[None])[0]
    return out


def _cut_off(pictures: Tensor, labels: Tensor, rng: np.random.Generator) -> ParsingBatch:
    """Some faces at the border of their picture: beyond it there is nothing."""
    count = len(pictures)
    seen = torch.ones(count, 1, SIDE, SIDE)
    for n in range(count):
        if rng.random() < 0.2:
            lost = int(rng.integers(1, SIDE // 2))
            edge = int(rng.integers(4))
            cut = torch.ones(1, SIDE, SIDE)
            cut[:, :lost] = 0
            seen[n] = torch.rot90(cut, edge, (1, 2))
    other = torch.zeros_like(labels)
    other[:, 0] = 1
    return ParsingBatch(pictures * seen, seen, torch.where(seen > 0, labels, other))
