"""Examples for the fill networks: pictures with holes, and what PatchMatch puts there. They are made once, and kept.

PatchMatch takes a second for a picture, a step of training a fraction of that: so its fills are made ahead, and every
example is seen many times, cut and turned differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scumble.vision import blending
from scumble.vision.harmonic_fill import harmonic_fill
from scumble.vision.patchmatch import completion
from scumble_training.common import datasets, hole_masks
from scumble_training.common.trainer import Run

SMALL = ("brush_strokes", "object_shape", "scratches")
"""Holes as retouching makes them, one or two at a time."""

WHOLE = ("object_shape", "blob", "object_box", "object_lasso", "object_shadow")
"""Holes that a whole object leaves, by how it was selected; one at a time."""

WHOLE_SHARE = 0.65
"""Of the examples, that have a hole of a whole object."""

SHORT_SIDES = (264, 328)
"""Pictures are scaled so that their shorter side has so many pixels."""

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Example:
    """(H, W, …) arrays of one picture: the truth, the hole, PatchMatch's fill, and how badly its patches match."""

    truth: Bytes
    hole: NDArray[np.bool_]
    patches: Bytes
    distance: Bytes
    """Root mean square difference of the patches, times 510."""

    smooth: Bytes
    """The membrane over the hole."""


def prepare(run: Run, collection: str, rounds: int, split: datasets.Split = "train") -> Iterator[Path]:
    """Make the examples that are not there yet, `rounds` for each picture; yields each one's file."""
    folder = run.folder / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    files = [row["file"] for row in datasets.rows(run.data, collection, split)]
    np.random.default_rng(run.seed).shuffle(files)  # whoever has no time for all has some of every source
    for number in range(rounds):
        paths = [folder / f"{collection}-{split}-{Path(name).stem}-{number}.npz" for name in files]
        missing = [(name, path) for name, path in zip(files, paths, strict=True) if not path.exists()]
        pictures = datasets.pictures(run.data, collection, [name for name, _ in missing])
        for (name, path), picture in zip(missing, pictures, strict=True):
            made = example(picture, np.random.default_rng([run.seed, number, *name.encode()]))
            unfinished = path.with_suffix(".part")
            with unfinished.open("wb") as file:
                np.savez(file, **made)  # type: ignore[arg-type]
            unfinished.replace(path)
            yield path


def load(path: Path) -> Example:
    with np.load(path, allow_pickle=False) as arrays:
        return Example(arrays["truth"], arrays["hole"], arrays["patches"], arrays["distance"], _smooth(arrays))


def _smooth(arrays: Mapping[str, NDArray[Any]]) -> Bytes:
    truth = torch.from_numpy(arrays["truth"]).permute(2, 0, 1)[None].float() / 255
    filled = harmonic_fill(truth, torch.from_numpy(arrays["hole"])[None, None])
    return _bytes(filled[0].permute(1, 2, 0).numpy())


def example(picture: Bytes, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """One picture with a hole of 2 to 40 %, filled by PatchMatch: the arrays of `Example` that are kept."""
    image = Image.fromarray(picture)
    factor = int(rng.integers(SHORT_SIDES[0], SHORT_SIDES[1] + 1)) / min(image.size)
    image = image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.LANCZOS)
    truth = np.asarray(image)
    while True:
        if rng.random() < WHOLE_SHARE:
            chosen = rng.choice(WHOLE, size=1)
        else:
            chosen = rng.choice(SMALL, size=int(rng.integers(1, 3)), replace=False)
        hole = np.logical_or.reduce([hole_masks.KINDS[kind](image.height, image.width, rng) for kind in chosen])
        if 0.02 <= hole.mean() <= 0.4:
            break
    rgb = truth.astype(np.float32) / np.float32(255)
    done = completion.complete(torch.from_numpy(rgb), torch.from_numpy(hole), seed=int(rng.integers(2**31)))
    filled = blending.membrane(done.suggestion.numpy(), rgb, hole)
    distance = done.distance.numpy()
    return {"truth": truth, "hole": hole, "patches": _bytes(filled), "distance": _bytes(distance * 2)}


def _bytes(picture: NDArray[np.float32]) -> Bytes:
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
