"""Small collections of pictures in the form that trainers and benchmarks read: an archive, and a table beside it."""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FREE = "free/pictures"


def archive(path: Path, pictures: Mapping[str, NDArray[Any]]) -> None:
    """Pictures (H, W, 3) in 0 to 255 by their names, whose endings are their formats."""
    with tarfile.open(path, "w") as tar:
        for name, picture in pictures.items():
            content = io.BytesIO()
            Image.fromarray(np.asarray(picture, np.uint8)).save(content, Path(name).suffix[1:], quality=90)
            member = tarfile.TarInfo(name)
            member.size = content.tell()
            content.seek(0)
            tar.addfile(member, content)


def collection(
    folder: Path,
    kind: str,
    pictures: Sequence[NDArray[Any]],
    heldout: Container[int] = (),
    sources: Mapping[int, str] | None = None,
) -> None:
    """`0.png`, `1.png`, …: some are held out, some are of another source than free pictures."""
    names = [f"{number}.png" for number in range(len(pictures))]
    archive(folder / f"{kind}.tar", dict(zip(names, pictures, strict=True)))
    with (folder / f"{kind}.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "source_repo", "split"])
        for number, name in enumerate(names):
            split = "heldout" if number in heldout else "train"
            table.writerow([name, (sources or {}).get(number, FREE), split])
