"""Photographic style on published pairs, beside the paper's own results (Luan et al. 2017).

    python -m benchmarks.photo_style [--data FOLDER] [--sheet FILE]

FOLDER holds photo-style/NN-{content,style,paper-result}.webp and NN-{content,style}-segments.png. Every pair runs through
the operation `photo-style` as an artist would call it. The style distance is the sliced Wasserstein distance of Lab
colours per segment, averaged by the segments' areas; structure is the SSIM of lightness after local contrast was
normalized, between result and content. Both are means over the pairs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.report import Figure, as_markdown
from scumble.imaging.io.files import read_picture
from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.style.colour_transfer import rgb_to_lab, sliced_wasserstein
from scumble.style.photo.segments import from_colours
from scumble.worker.models import ModelCache

Picture = NDArray[np.float32]
Labels = NDArray[np.int32]

LEAST = 0.005
"""Share of a picture that a segment needs, on both sides, to count."""


@dataclass(frozen=True)
class Pair:
    """One published example; layers by role, and the paper's result."""

    name: str
    layers: Mapping[str, Layer]
    published: Picture


@dataclass(frozen=True)
class Row:
    """What was measured on one pair: ours, and the paper's."""

    name: str
    style: float
    structure: float
    seconds: float
    published_style: float
    published_structure: float


def pairs(folder: Path) -> Iterator[Pair]:
    """All pairs in a folder, by name."""
    files = {"image": "content.webp", "style": "style.webp", "segmentation": "content-segments.png",
             "style_segmentation": "style-segments.png"}  # fmt: skip
    for first in sorted(folder.glob("*-content.webp")):
        name = first.name.split("-")[0]
        layers = {role: read_picture(folder / f"{name}-{file}").layer for role, file in files.items()}
        published = read_picture(folder / f"{name}-paper-result.webp").layer.to_working().rgb
        yield Pair(name, layers, published)


def transferred(layers: Mapping[str, Layer]) -> tuple[Picture, float]:
    """What the artist sees after `photo-style`, and the seconds that it took."""
    operation = find("photo-style")
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None)
    start = time.perf_counter()
    (output,) = operation.run(layers, operation.validate({}), context)
    seconds = time.perf_counter() - start
    return composite(layers["image"], output.layer).to_working().rgb, seconds


def style_distance(result: Picture, style: Picture, labels: Labels, style_labels: Labels) -> float:
    """Sliced Wasserstein distance of Lab colours per segment, weighted by the segments' areas in the result."""
    here, there = rgb_to_lab(result), rgb_to_lab(style)
    total = weight = 0.0
    for number in np.unique(labels):
        a, b = labels == number, style_labels == number
        if min(a.mean(), b.mean()) >= LEAST:
            total += float(a.sum()) * sliced_wasserstein(here[a], there[b])
            weight += float(a.sum())
    return total / max(weight, 1.0)


def structure(result: Picture, content: Picture, sigma: float = 7.0, floor: float = 3.0) -> float:
    """Mean SSIM of two pictures' lightness after each was divided by its local contrast.

    Local mean and deviation are those of a Gaussian of `sigma` pixels; `floor`, in units of L, is added to the
    deviation, so that noise in flat parts is not blown up.
    """

    def normalised(picture: Picture) -> NDArray[np.float64]:
        lightness = rgb_to_lab(picture)[..., 0].astype(np.float64)
        mean = ndimage.gaussian_filter(lightness, sigma)
        deviation = np.sqrt(np.maximum(ndimage.gaussian_filter(lightness**2, sigma) - mean**2, 0))
        return np.asarray((lightness - mean) / (deviation + floor))

    def smooth(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ndimage.gaussian_filter(plane, 1.5))

    a, b = normalised(result), normalised(content)
    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    covariance = smooth(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 4) ** 2, (0.03 * 4) ** 2  # normalized values span about 4
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float((similarity / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())


def measure(data: Path, sheet: Path | None = None) -> list[Figure]:
    """The figures over all pairs; nothing where the folder has none."""
    rows, strips = [], []
    for pair in pairs(data / "photo-style"):
        result, seconds = transferred(pair.layers)
        content, style = (pair.layers[role].to_working().rgb for role in ("image", "style"))
        maps = [pair.layers[role].to_working().rgb for role in ("segmentation", "style_segmentation")]
        both = from_colours(maps[0], maps[1])
        rows.append(
            Row(
                pair.name,
                style_distance(result, style, both.content, both.style),
                structure(result, content),
                seconds,
                style_distance(pair.published, style, both.content, both.style),
                structure(pair.published, content),
            )
        )
        strips.append([content, style, result, pair.published])
    if sheet is not None and strips:
        write_sheet(strips, sheet)
    return figures(rows)


def figures(rows: Sequence[Row]) -> list[Figure]:
    if not rows:
        return []
    style, structures, seconds, published, published_structure = (
        np.array([getattr(row, key) for row in rows])
        for key in ("style", "structure", "seconds", "published_style", "published_structure")
    )
    return [
        Figure(
            "photo-style: style distance / the paper's",
            float(style.mean() / published.mean()),
            "×",
            0.5,
            detail=f"means {style.mean():.2f} / {published.mean():.2f} over {len(rows)} pairs, worst {style.max():.2f}",
        ),
        Figure(
            "photo-style: structure kept",
            float(structures.mean()),
            "",
            0.70,
            "at least",
            detail=f"least {structures.min():.2f}; the paper's {published_structure.mean():.2f}",
        ),
        Figure("photo-style: slowest pair", float(seconds.max()), "s", 10, detail=f"median {np.median(seconds):.1f} s"),
    ]


def write_sheet(strips: Sequence[Sequence[Picture]], path: Path, width: int = 350) -> None:
    """Content, style, ours, the paper's: one row each."""
    rows = []
    for strip in strips:
        images = [Image.fromarray(np.round(np.clip(part, 0, 1) * 255).astype(np.uint8)) for part in strip]
        for image in images:
            image.thumbnail((width, width))
        rows.append(images)
    heights = [max(image.height for image in row) + 4 for row in rows]
    page = Image.new("RGB", (4 * (width + 4), sum(heights)), "white")
    y = 0
    for row, height in zip(rows, heights, strict=True):
        for column, image in enumerate(row):
            page.paste(image, (column * (width + 4), y))
        y += height
    page.save(path)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.photo_style", description="Photo style, published pairs."
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with photo-style/")
    parser.add_argument("--sheet", type=Path, help="a PNG of all pairs to write")
    options = parser.parse_args(argv)
    torch.set_num_threads(2)
    found = measure(options.data, options.sheet)
    if not found:
        print(f"There are no pairs in {options.data / 'photo-style'}: name its folder with --data.", file=sys.stderr)
        return 2
    print(as_markdown(found))
    return 1 if any(figure.met is False for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
