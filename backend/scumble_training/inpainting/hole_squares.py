"""Pictures with holes for the trainers of inpainting networks: squares to learn from, and fixed ones to measure on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scumble_training.common import datasets, hole_masks
from scumble_training.common.metrics import hole_psnr

Bytes = NDArray[np.uint8]
Domain = Literal["photo", "art", "both"]
Fill = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

COLLECTIONS = {"photo": ("photos",), "art": ("art",), "both": ("photos", "art")}

TURN = 10.0
"""Degrees by which a picture may be turned, as PConv-Keras does."""


@dataclass(frozen=True)
class HoleBatch:
    """Pictures and holes."""

    truth: torch.Tensor
    """(B, 3, S, S) in 0 to 1."""
    hole: torch.Tensor
    """(B, 1, S, S), 1 in the hole."""


class Squares:
    """All pictures of a domain in memory, and squares out of them.

    Parameters
    ----------
    most
        Pictures of each collection at most; 0 for all.
    """

    def __init__(
        self, data: Path, domain: Domain, split: datasets.Split, side: int, kinds: Sequence[str], most: int = 0
    ) -> None:
        self.side, self.kinds = side, tuple(kinds)
        self.pictures: list[Bytes] = []
        for collection in COLLECTIONS[domain]:
            names = [row["file"] for row in datasets.rows(data, collection, split)][: most or None]
            self.pictures += list(datasets.pictures(data, collection, names))
        if not self.pictures:
            raise ValueError(f"there are no {split} pictures in {data}")

    def batch(self, count: int, rng: np.random.Generator, device: str = "cpu") -> HoleBatch:
        """Random squares: any picture, place and size from half of it, mirrored, a little turned; with holes."""
        squares, holes = [], []
        for _ in range(count):
            squares.append(self._square(self.pictures[int(rng.integers(len(self.pictures)))], rng))
            holes.append(hole_masks.any_of(self.kinds, self.side, self.side, rng))
        return _batch(squares, holes, device)

    def fixed(self, count: int, device: str = "cpu") -> HoleBatch:
        """The middle of the first pictures, with holes that are always the same."""
        squares, holes = [], []
        for number, picture in enumerate(self.pictures[:count]):
            span = min(picture.shape[:2])
            y, x = ((length - span) / 2 for length in picture.shape[:2])
            squares.append(self._resized(picture, (x, y, x + span, y + span)))
            kind = self.kinds[number % len(self.kinds)]
            rng = np.random.default_rng([3, number])
            holes.append(hole_masks.any_of((kind,), self.side, self.side, rng))
        return _batch(squares, holes, device)

    def _resized(self, picture: Bytes, box: tuple[float, float, float, float]) -> Bytes:
        return np.asarray(Image.fromarray(picture).resize((self.side, self.side), Image.Resampling.BICUBIC, box))

    def _square(self, picture: Bytes, rng: np.random.Generator) -> Bytes:
        if rng.random() < 0.25:
            image = Image.fromarray(picture)
            picture = np.asarray(image.rotate(float(rng.uniform(-TURN, TURN)), Image.Resampling.BICUBIC))
            cut = [round(0.12 * length) for length in picture.shape[:2]]  # what turning left empty
            picture = picture[cut[0] : -cut[0] or None, cut[1] : -cut[1] or None]
        span = float(rng.uniform(0.5, 1)) * min(picture.shape[:2])
        y, x = (float(rng.uniform(0, length - span)) for length in picture.shape[:2])
        square = self._resized(picture, (x, y, x + span, y + span))
        return square[:, ::-1] if rng.random() < 0.5 else square


def _batch(squares: Sequence[Bytes], holes: Sequence[NDArray[np.bool_]], device: str) -> HoleBatch:
    truth = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).to(device).float() / 255
    hole = torch.from_numpy(np.stack(holes))[:, None].to(device).float()
    return HoleBatch(truth.contiguous(memory_format=torch.channels_last), hole)


def measure(batch: HoleBatch, fill: Fill, sheet: Path, rows: int = 6) -> float:
    """Mean PSNR in the holes, in dB, and a contact sheet: damaged, filled, truth.

    Parameters
    ----------
    fill
        From (1, 3, S, S) with zeros in the hole, and the hole, to (1, 3, S, S).
    """
    found, lines = [], []
    with torch.inference_mode():
        for number in range(len(batch.truth)):
            truth, hole = batch.truth[number : number + 1], batch.hole[number : number + 1]
            damaged = truth * (1 - hole)
            filled = torch.where(hole > 0, fill(damaged, hole).float().clamp(0, 1), truth)
            found.append(hole_psnr(filled, truth, hole))
            if number < rows:
                lines.append(np.hstack([_bytes(x) for x in (damaged, filled, truth)]))
    Image.fromarray(np.vstack(lines)).save(sheet)
    return float(np.mean(found))


def _bytes(x: torch.Tensor) -> Bytes:
    array: Bytes = (x[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().cpu().numpy()
    return array
