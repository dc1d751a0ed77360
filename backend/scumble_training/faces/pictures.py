"""The collections of faces with their 49 points, as arrays that trainers draw from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scumble_client.errors import ScumbleError
from scumble_training.common import datasets
from scumble_training.common.datasets import Split

COLLECTIONS = ("faces", "faces128")
"""What may be learned from; faces128_tight may only be measured on."""


@dataclass(frozen=True)
class Faces:
    """Pictures of one split."""

    pictures: NDArray[np.uint8]
    """(N, side, side, 3), sRGB-encoded."""

    points: NDArray[np.float64]
    """(N, 49, 2): x and y as shares of the side."""

    true: NDArray[np.bool_]
    """(N,): whether the points were set by hand."""

    rows: Sequence[dict[str, str]]

    def __len__(self) -> int:
        return len(self.rows)


def load_faces(
    data: Path, split: Split, side: int, names: Sequence[str] = COLLECTIONS, limit: int | None = None
) -> Faces:
    """Read the faces of one split at one size; the first `limit` of each collection.

    Raises
    ------
    ScumbleError
        `invalid_parameter` where a collection's points are missing.
    """
    found, points, rows = [], [], []
    for name in names:
        path = data / f"{name}_landmarks49.npz"
        if not path.is_file():
            raise ScumbleError(
                "invalid_parameter",
                f"There is no {path.name} in “{data}”.",
                f"It holds the points of {name}.tar; copy it beside it.",
            )
        with np.load(path, allow_pickle=False) as archive:
            by_name = dict(zip(archive["names"].tolist(), archive["points"].astype(np.float64), strict=True))
        chosen = [row for row in datasets.rows(data, name, split) if Path(row["file"]).name in by_name][:limit]
        for row, picture in zip(chosen, datasets.pictures(data, name, [row["file"] for row in chosen]), strict=True):
            points.append(by_name[Path(row["file"]).name] / picture.shape[0])
            found.append(resized(picture, side))
        rows += chosen
    if not rows:
        raise ScumbleError(
            "invalid_parameter", f"There are no faces for “{split}” in “{data}”.", "Copy the folder again."
        )
    true = np.array([row.get("landmarks") == "ground-truth" for row in rows])
    return Faces(np.stack(found), np.stack(points), true, rows)


def resized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(side, side, 3)."""
    if picture.shape[:2] == (side, side):
        return picture
    small = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(small, np.uint8)
