"""What can be made of a face ahead of training: lines by four ways of seeing, a colour map, the hair. Made once, and kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from scumble.vision import edges
from scumble_client.errors import ScumbleError
from scumble_training.common import datasets
from scumble_training.common.trainer import Run

from . import line_strokes
from . import masks as face_masks
from .flat_colours import FlatColours, flat_colours, flattened
from .pictures import resized

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

COLLECTION = "faces"

SKETCHES = ("outlines", "canny", "dark_lines", "hand")
"""Ways of seeing lines; `hand` is the first of them, shifted and simplified."""

LEAST_LINE = 1 / 22
"""Shorter strokes are removed: a share of the face's side."""


@dataclass(frozen=True)
class AnalysedFace:
    """One face, as the trainer draws from it. H = W = side."""

    truth: Bytes
    """(H, W, 3)."""

    points: NDArray[np.float64]
    """(49, 2): shares of the side."""

    lines: Mask
    """(4, H, W), in the order of `SKETCHES`."""

    colours: FlatColours
    hair: Mask
    """(H, W)."""

    def halved(self) -> AnalysedFace:
        """At half the size; a line stays a line."""
        half = self.truth.shape[0] // 2
        small = self.truth.reshape(half, 2, half, 2, 3).mean(axis=(1, 3), dtype=np.float32)
        lines = np.asarray(self.lines.reshape(len(self.lines), half, 2, half, 2).any(axis=(2, 4)))
        colours = FlatColours(self.colours.labels[::2, ::2], self.colours.colours)
        return AnalysedFace(np.round(small).astype(np.uint8), self.points, lines, colours, self.hair[::2, ::2])


def sketches(rgb: NDArray[np.float32], flat: NDArray[np.float32], rng: np.random.Generator) -> Mask:
    """(4, H, W): the face's lines, cleaned of small strokes and one pixel wide; `flat` is `flattened` of any size."""
    side = rgb.shape[0]
    scale = side / 256  # the detectors are set for 256 pixels
    least = round(LEAST_LINE * side)
    zoom = (side / flat.shape[0], rgb.shape[1] / flat.shape[1], 1)
    enlarged = np.asarray(ndimage.zoom(flat, zoom, order=1, mode="nearest", grid_mode=True), np.float32)
    found = [
        edges.outlines(rgb, enlarged),
        edges.canny(rgb, 1.4 * max(scale, 0.7)),
        edges.dark_lines(rgb, max(scale, 0.7)),
    ]
    clean = [edges.without_small(edges.thinned(one), least) for one in found]
    clean.append(edges.thinned(line_strokes.by_hand(clean[0], rng, 1.5 * scale, 1.2 * scale, least)))
    return np.stack(clean)


def analysed(picture: Bytes, points: NDArray[np.float64], rng: np.random.Generator) -> AnalysedFace:
    """All that is made of a face; (H, H, 3) and (49, 2) shares of the side."""
    rgb = picture.astype(np.float32) / np.float32(255)
    half = picture.shape[0] // 2
    small = np.asarray(Image.fromarray(picture).resize((half, half), Image.Resampling.BOX), np.float32) / np.float32(
        255
    )
    flat = flattened(small)
    colours = flat_colours(rgb, flat, seed=int(rng.integers(2**31)))
    return AnalysedFace(picture, points, sketches(rgb, flat, rng), colours, face_masks.hair(rgb, colours, points))


def prepare(run: Run, split: datasets.Split, side: int, limit: int | None = None, processes: int = 1) -> Iterator[Path]:
    """Analyse the faces that are not analysed yet; yields each one's file."""
    folder = run.folder / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    points = load_points(run.data)
    names = chosen(run.data, split, points, limit)
    missing = [name for name in names if not path_of(folder, split, side, name).exists()]
    work = partial(_write, run.seed, side, folder, split)
    places = [points[Path(name).name] for name in missing]
    pictures = zip(missing, places, datasets.pictures(run.data, COLLECTION, missing), strict=True)
    if processes == 1:
        yield from map(work, pictures)
        return
    with ProcessPoolExecutor(processes) as pool:
        # submitted in small parts, so that not all pictures wait in memory
        while part := list(islice(pictures, 64 * processes)):
            yield from pool.map(work, part, chunksize=8)


def prepared(run: Run, side: int, heldout: int, faces: int | None, processes: int) -> dict[datasets.Split, list[Path]]:
    """The files of the analysed faces of both splits, at most so many of each; those that are missing are made first."""
    points = load_points(run.data)
    limits: dict[datasets.Split, int | None] = {"heldout": heldout, "train": faces}
    found: dict[datasets.Split, list[Path]] = {}
    for split, limit in limits.items():
        for number, _ in enumerate(prepare(run, split, side, limit, processes), start=1):
            if number % 200 == 0:
                run.say(f"{number} faces of “{split}” analysed")
        found[split] = files(run.folder / "examples", chosen(run.data, split, points, limit), split, side)
    return found


def load_points(data: Path) -> dict[str, NDArray[np.float64]]:
    """Landmarks by the name of the picture, in pixels of the stored picture."""
    path = data / f"{COLLECTION}_landmarks49.npz"
    if not path.is_file():
        raise ScumbleError(
            "invalid_parameter",
            f"There is no {path.name} in “{data}”.",
            f"It holds the points of {COLLECTION}.tar; copy it beside it.",
        )
    with np.load(path, allow_pickle=False) as archive:
        return dict(zip(archive["names"].tolist(), archive["points"].astype(np.float64), strict=True))


def chosen(data: Path, split: datasets.Split, points: dict[str, Any], limit: int | None) -> list[str]:
    """Files of the split that have points, mixed, so that the first few are like all."""
    names = [row["file"] for row in datasets.rows(data, COLLECTION, split) if Path(row["file"]).name in points]
    order = np.random.default_rng(0).permutation(len(names))
    return [names[n] for n in order[:limit]]


def path_of(folder: Path, split: str, side: int, name: str) -> Path:
    return folder / f"{split}-{side}-{Path(name).stem}.npz"


def _write(seed: int, side: int, folder: Path, split: str, one: tuple[str, NDArray[np.float64], Bytes]) -> Path:
    name, points, picture = one
    rng = np.random.default_rng([seed, *name.encode()])
    face = analysed(resized(picture, side), points / picture.shape[0], rng)
    path = path_of(folder, split, side, name)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            truth=face.truth,
            points=face.points,
            lines=np.packbits(face.lines, axis=-1),
            labels=face.colours.labels,
            colours=face.colours.colours,
            hair=np.packbits(face.hair, axis=-1),
        )
    unfinished.replace(path)
    return path


def load(path: Path, halve: bool = False) -> AnalysedFace:
    """A face that was kept; at half the size where that is asked for."""
    face = _load(path)
    return face.halved() if halve else face


def _load(path: Path) -> AnalysedFace:
    with np.load(path, allow_pickle=False) as a:
        side = a["truth"].shape[0]
        lines = np.unpackbits(a["lines"], axis=-1, count=side).astype(np.bool_)
        hair = np.unpackbits(a["hair"], axis=-1, count=side).astype(np.bool_)
        return AnalysedFace(a["truth"], a["points"], lines, FlatColours(a["labels"], a["colours"]), hair)


def files(folder: Path, names: Sequence[str], split: str, side: int) -> list[Path]:
    """The files of these pictures that are there."""
    return [path for name in names if (path := path_of(folder, split, side, name)).exists()]
