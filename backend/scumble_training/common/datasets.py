"""The collections of pictures that trainers read: `NAME.tar` with the pictures, `NAME.csv` with a row for each."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Split = Literal["train", "heldout"]

NOT_EMBEDDED = ("deep-photo", "AnimeGAN")
"""Sources whose pictures are for academic use: they are measured on, not learned from."""


def rows(data: Path, collection: str, split: Split, academic: bool = False) -> list[dict[str, str]]:
    """The rows of one split, in the order of the file; pictures for academic use only where they are asked for."""
    with (data / f"{collection}.csv").open(newline="", encoding="utf-8") as table:
        found = [row for row in csv.DictReader(table) if row["split"] == split]
    return [row for row in found if academic or _allowed(row.get("source_repo", ""))]


def pictures(data: Path, collection: str, files: Iterable[str]) -> Iterator[NDArray[np.uint8]]:
    """The named pictures, (H, W, 3) sRGB-encoded, in the order of the names."""
    with tarfile.open(data / f"{collection}.tar") as tar:
        for name in files:
            member = tar.extractfile(name)
            assert member is not None, name
            yield np.asarray(Image.open(io.BytesIO(member.read())).convert("RGB"))


def _allowed(source: str) -> bool:
    return not any(name.lower() in source.lower() for name in NOT_EMBEDDED)
