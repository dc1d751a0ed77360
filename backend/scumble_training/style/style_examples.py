"""What the style network learns on: squares of pictures, squares of paintings, and the first in the colours of the second.

Pictures are kept in memory as they are in their files, and read anew for each square; the last ones are kept as they look.
"""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from scumble.style.paint.painting import target_colours
from scumble_training.common import datasets

Floats = NDArray[np.float32]

CONTENTS = (("photos", 0.9), ("art", 0.1))
STYLES = (("paintings", 0.6), ("art", 0.4))
"""Collections, and the share of the squares that come from each."""

SMALLEST_SCALE = 0.5
"""Pictures are seen at half to all of their size."""

RECOLOURED = 0.3
"""Share of the styles whose channels are exchanged or inverted, so that no palette is learned by heart."""

OPENED = 256
"""Pictures that are kept as they look, beside their files: the last ones that were seen."""


@dataclass(frozen=True)
class StyleBatch:
    """Tensors in 0 to 1: pictures in the styles' colours (B, 3, S, S), as they were, and the styles (B, 3, T, T).

    `same`, (B,), is 1 where picture and style are the same.
    """

    pictures: Tensor
    before: Tensor
    styles: Tensor
    same: Tensor


class Squares:
    """The pictures of one split, cut into squares. Deterministic in the generator that is given."""

    def __init__(self, data: Path, split: datasets.Split = "train") -> None:
        self._files = {name: _bytes(data, name, split) for name in ("photos", "art", "paintings")}
        self._open = lru_cache(OPENED)(_opened)

    def batch(self, count: int, side: int, style_side: int, same: float, rng: np.random.Generator) -> StyleBatch:
        """`same` is the share of the pictures that are their own style."""
        found = [self._one(side, style_side, bool(rng.random() < same), rng) for _ in range(count)]
        parts = [torch.from_numpy(np.stack([one[part] for one in found])) for part in range(3)]
        pictures, before, styles = (
            part.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last) for part in parts
        )
        return StyleBatch(pictures, before, styles, torch.tensor([one[3] for one in found]))

    def _one(
        self, side: int, style_side: int, same: bool, rng: np.random.Generator
    ) -> tuple[Floats, Floats, Floats, float]:
        style = self._square(STYLES, style_side, rng)
        if rng.random() < RECOLOURED:
            style = style[..., rng.permutation(3)]
            if rng.random() < 0.3:
                style = np.ascontiguousarray(1 - style)
        if same:
            picture = np.ascontiguousarray(style[:side, :side])
            return picture, picture, style, 1.0
        picture = self._square(CONTENTS, side, rng)
        seen = np.ones(style.shape[:2], np.bool_)
        return target_colours(picture, [(style, seen)], [1.0]), picture, style, 0.0

    def _square(self, collections: tuple[tuple[str, float], ...], side: int, rng: np.random.Generator) -> Floats:
        shares = [share for _, share in collections]
        files = self._files[collections[int(rng.choice(len(shares), p=shares))][0]]
        whole = self._open(files[int(rng.integers(len(files)))])
        cut = min(round(side / rng.uniform(SMALLEST_SCALE, 1)), *whole.size)
        left, top = (int(rng.integers(0, length - cut + 1)) for length in whole.size)
        square = whole.crop((left, top, left + cut, top + cut)).resize((side, side), Image.Resampling.BICUBIC)
        pixels = np.asarray(square, np.float32) / np.float32(255)
        return np.ascontiguousarray(pixels[:, ::-1] if rng.random() < 0.5 else pixels)


def _opened(file: bytes) -> Image.Image:
    with Image.open(io.BytesIO(file)) as opened:
        return opened.convert("RGB")


def _bytes(data: Path, collection: str, split: datasets.Split) -> list[bytes]:
    found = []
    with tarfile.open(data / f"{collection}.tar") as tar:
        for row in datasets.rows(data, collection, split):
            member = tar.extractfile(row["file"])
            assert member is not None, row["file"]
            found.append(member.read())
    return found
