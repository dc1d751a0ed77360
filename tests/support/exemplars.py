"""Collections of exemplar faces for tests: several faces out of the one that is bundled, and archives of portraits."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scumble.faces.detection import weights as landmark_weights
from scumble.faces.detection.search import FaceNetworks
from scumble.faces.exemplars.collection import POINTS, NewFace, new_face
from scumble.weights import WeightStore
from tests.support.faces import portrait

TINTS = ((1.0, 1.0, 1.0), (0.6, 0.8, 1.0), (1.0, 0.7, 0.5), (0.5, 0.5, 0.5), (0.8, 1.0, 0.7))
"""So different that no two count as the same photograph."""

Bytes = NDArray[np.uint8]


@cache
def networks() -> FaceNetworks:
    return landmark_weights.load(WeightStore().path("scumble-face-landmarks"))


def person(number: int, side: int = 256) -> Bytes:
    """(side, side, 3): the portrait in a light of its own."""
    return np.asarray(portrait(side) * np.array(TINTS[number % len(TINTS)]), np.uint8)


def random_face(number: int, side: int = 40, source: str = "") -> NewFace:
    """Something of a face's shape, quickly made."""
    rng = np.random.default_rng(number)
    picture = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    return new_face(picture, rng.random((POINTS, 2)), source or f"{number}.jpg")


def file_of(picture: NDArray[Any], form: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(
        stream, form, **({"quality": 95, "subsampling": 0} if form == "JPEG" else {}), **options
    )
    return stream.getvalue()


def save(path: Path, picture: NDArray[Any], **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file_of(picture, "JPEG" if path.suffix in (".jpg", ".jpeg") else "PNG", **options))
    return path


def tarred(members: Mapping[str, bytes] | Sequence[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> bytes:
    """An archive of these files, or of these members."""
    stream = io.BytesIO()
    pairs = members if not isinstance(members, Mapping) else [(tarfile.TarInfo(name), d) for name, d in members.items()]
    with tarfile.open(fileobj=stream, mode=mode) as tar:  # type: ignore[call-overload]
        for info, data in pairs:
            if info.isreg():
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def published(count: int = 3, side: int = 256) -> dict[str, bytes]:
    """What the archive of portraits looks like: three sizes of each, descriptions, a page."""
    top = "assets-person-portrait-63aef57b5a839aebe3ad913ec7c76469aabbb6c5"
    files = {f"{top}/README.md": b"# Faker Assets", f"{top}/female/.DS_Store": b"\0"}
    for number in range(count):
        sex = ("female", "male")[number % 2]
        files[f"{top}/{sex}/512/{number}.jpg"] = file_of(person(number, side))
        files[f"{top}/{sex}/128/{number}.jpg"] = file_of(person(number, 128))
        files[f"{top}/{sex}/metadata/{number}.json"] = b"{}"
    return files
