"""Faces completed from sketch and colours, measured apart: by form of the hole, by what a hand gives, by group; and where features land.

python -m benchmarks.face_sketch_apart --lpips SQUEEZENET HEADS [--data FOLDER] [--faces FIRST LAST] [--save FILE] [--before FILE]

To compare with the program as it was, run it there with `--save`, and here with `--before`.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from benchmarks.face_sketch import Bytes, Mask, as_colours, as_mask, as_sketch, held_out, run
from benchmarks.metrics import hole_psnr
from benchmarks.report import Figure, as_markdown
from scumble.faces.detection.found_face import faces_of
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.style.colour_transfer import rgb_to_lab
from scumble.worker.models import ModelCache
from scumble_training.common.lpips import Lpips
from scumble_training.common.lpips import load as load_lpips
from scumble_training.common.metrics import gradient_energy
from scumble_training.faces.sketch_examples import SKETCHES, AnalysedFace
from scumble_training.faces.sketch_metrics import obedience

Points = NDArray[np.float64]

FORMS = ("eyes, nose and mouth", "hair", "half a face", "everything")
WAYS = ("both", "painted", "sketch", "neither")
"""Lines and colours as they were found; a hand's lines and a few strokes of flat colours, a little wrong; lines; nothing."""

STROKES = (3, 9)
"""How many strokes a hand paints: at least, and one more than at most."""

WRONG = (3.0, 2.0, 2.0)
"""Standard deviations by which a painted colour is wrong, in CIELAB."""

EYES = slice(19, 31)
LANDED = 6.0
"""Per cent of the eye distance within which landmarks should be."""

GROUPS = ("race_or_origin", "gender", "age", "kind")
LEAST = 3
"""Faces of a group of which a mean is said."""


@dataclass
class Measured:
    """One face, one form of hole, one way."""

    form: str
    way: str
    groups: list[str]
    lpips: float
    psnr: float
    sharpness: float
    obeys: float
    landmarks: float | None
    """Mean distance from the truth's in per cent of its eye distance; None where no face is found in one of them."""

    colour: float | None
    """Mean ΔE (CIE 1976) from what was painted, where it was."""


def hole_of(form: str, face: AnalysedFace, rng: np.random.Generator) -> Mask | None:
    """None where the face has none of it."""
    side = len(face.truth)
    if form == "everything":
        return np.ones((side, side), np.bool_)
    if form == "half a face":
        left = np.arange(side) < side // 2
        return np.ascontiguousarray(np.broadcast_to((left if rng.random() < 0.5 else ~left)[None], (side, side)))
    if form == "hair":
        return np.asarray(ndimage.binary_dilation(face.hair, iterations=4)) if face.hair.mean() > 0.02 else None
    canvas = Image.new("1", (side, side))
    for part in (slice(0, 10), slice(10, 19), EYES, slice(31, 49)):
        (left, top), (right, bottom) = face.points[part].min(0) * side, face.points[part].max(0) * side
        spread = 0.03 * side
        ImageDraw.Draw(canvas).ellipse((left - spread, top - spread, right + spread, bottom + spread), fill=1)
    return np.asarray(canvas)


def painted(face: AnalysedFace, hole: Mask, rng: np.random.Generator) -> Layer:
    """A few thick strokes, each in the flat colour of what it lies on, a little wrong."""
    labels, side = face.colours.labels, len(hole)
    canvas = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    sizes = np.bincount(labels[hole], minlength=len(face.colours.colours)).astype(np.float64)
    count = min(int(rng.integers(*STROKES)), int((sizes > 0).sum()))
    for number in rng.choice(len(sizes), count, replace=False, p=sizes / sizes.sum()):
        rows, columns = np.nonzero((labels == number) & hole)
        ends = [(int(columns[i]), int(rows[i])) for i in rng.integers(0, len(rows), 3)]
        right = rgb_to_lab(face.colours.colours[number][None, None].astype(np.float32))[0, 0]
        colour = _nearest(right + rng.normal(0, WRONG), face.colours.colours[number])
        ImageDraw.Draw(canvas).line(ends, fill=(*colour, 255), width=max(3, side // 32), joint="curve")
    return Layer(np.asarray(canvas))


def _nearest(lab: NDArray[np.float64], start: NDArray[np.float32]) -> tuple[int, int, int]:
    """The 8-bit colour near `start` that is nearest to a colour of CIELAB."""
    steps = np.stack(np.meshgrid(*[np.linspace(-0.16, 0.16, 17)] * 3, indexing="ij"), -1).reshape(1, -1, 3)
    among = np.clip(start + steps, 0, 1).astype(np.float32)
    best = among[0, int(np.square(rgb_to_lab(among)[0] - lab).sum(1).argmin())]
    red, green, blue = (round(float(value) * 255) for value in best)
    return red, green, blue


def landmarks(picture: Bytes, models: ModelCache) -> Points | None:
    """(49, 2) in pixels, of the largest face that is found."""
    found = faces_of(Layer(picture), Context(0, "cpu", models, lambda fraction, message: None))
    if not found:
        return None
    largest = max(found, key=lambda face: float(np.ptp(face.points[:, 0]) * np.ptp(face.points[:, 1])))
    return np.asarray(largest.points)


def landed(made: Points | None, truth: Points | None) -> float | None:
    if made is None or truth is None:
        return None
    eyes = np.linalg.norm(truth[EYES][:6].mean(0) - truth[EYES][6:].mean(0))
    return float(100 * np.linalg.norm(made - truth, axis=1).mean() / eyes)


def groups_of(data: Path) -> dict[str, list[str]]:
    """By the file's name."""
    with open(data / "faces.csv", newline="") as table:
        return {row["file"]: _groups(row) for row in csv.DictReader(table)}


def _groups(row: dict[str, str]) -> list[str]:
    named = {name: row[name] for name in GROUPS if row[name]}
    if "age" in named:
        age = float(named["age"])
        named["age"] = "below 20" if age < 20 else "20 to 39" if age < 40 else "40 to 59" if age < 60 else "from 60 on"
    return [f"{name}: {value}" for name, value in named.items()]


def measure(data: Path, first: int, last: int, lpips: Lpips) -> Iterator[Measured]:
    groups, models = groups_of(data), ModelCache()
    for number, (name, face) in enumerate(islice(held_out(data, last), first, None)):
        rng = np.random.default_rng([2, first + number])
        truth = face.truth.astype(np.float32) / np.float32(255)
        points = landmarks(face.truth, models)
        for form in FORMS:
            hole = hole_of(form, face, rng)
            strokes = None if hole is None else painted(face, hole, rng)
            for way in WAYS:
                if hole is None or strokes is None or (form == "everything" and way == "neither"):
                    continue
                lines = face.lines[SKETCHES.index("hand") if way == "painted" else number % (len(SKETCHES) - 1)]
                given = {"image": Layer(face.truth), "mask": as_mask(hole)}
                if way != "neither":
                    given["sketch"] = as_sketch(lines)
                if way in ("both", "painted"):
                    given["color"] = as_colours(face) if way == "both" else strokes
                made = run(models, given)
                unit = made.astype(np.float32) / np.float32(255)
                found, wanted = (torch.from_numpy(one).permute(2, 0, 1)[None] for one in (unit, truth))
                where = torch.from_numpy(hole.astype(np.float32))[None, None]
                with torch.inference_mode():
                    looks = float(lpips(found, wanted, where))
                yield Measured(
                    form,
                    way,
                    groups.get(name, []),
                    looks,
                    hole_psnr(unit, truth, hole),
                    gradient_energy(found, wanted, where),
                    obedience(unit, lines, hole),
                    landed(landmarks(made, models), points),
                    _colour_error(unit, given["color"], hole) if "color" in given else None,
                )


def _colour_error(made: NDArray[np.float32], colours: Layer, hole: Mask) -> float | None:
    """The mean over flat colours of the distance between each and the mean of what is now under it."""
    pixels = colours.pixels
    where = hole & (pixels[..., 3] == 255) if colours.has_alpha else hole
    flat = pixels[..., :3][where].astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    errors = []
    for colour, count in zip(*np.unique(flat, return_counts=True), strict=True):
        if count >= 60:
            mean = made[where][flat == colour].mean(0)
            asked = np.array([colour >> 16, colour >> 8 & 255, colour & 255], np.float32) / np.float32(255)
            pair = rgb_to_lab(np.stack([mean, asked])[None].astype(np.float32))[0]
            errors.append(float(np.linalg.norm(pair[0] - pair[1])))
    return float(np.mean(errors)) if errors else None


def table(rows: list[Measured], before: list[Measured]) -> str:
    """Forms and ways, line by line."""
    lines = [
        "| hole | given | LPIPS in the hole | beside before | PSNR | gradient energy | lines obeyed | from given colours | landmarks off, "
        f"of the eye distance | within {LANDED:g} % |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for form in FORMS:
        for way in WAYS:
            these = [row for row in rows if (row.form, row.way) == (form, way)]
            if not these:
                continue
            earlier = [row.lpips for row in before if (row.form, row.way) == (form, way)]
            looks = float(np.mean([row.lpips for row in these]))
            beside = f"{looks / float(np.mean(earlier)):.2f} x" if earlier else ""
            colours = [row.colour for row in these if row.colour is not None]
            places = np.array([np.inf if row.landmarks is None else row.landmarks for row in these])
            cells = (
                form,
                way,
                f"{looks:.3f}",
                beside,
                f"{np.mean([row.psnr for row in these]):.1f} dB",
                f"{np.mean([row.sharpness for row in these]):.2f}",
                f"{100 * np.nanmean([row.obeys for row in these]):.0f} %" if way != "neither" else "",
                f"{np.mean(colours):.1f} ΔE" if colours else "",
                f"{np.mean(places[np.isfinite(places)]):.1f} %",
                f"{(places <= LANDED).sum()} of {len(places)}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def by_group(rows: list[Measured]) -> list[Figure]:
    """LPIPS of each group beside the mean over all, form by form and way by way, so that no group has the harder holes."""
    usual = {}
    for kind in {(row.form, row.way) for row in rows}:
        usual[kind] = float(np.mean([row.lpips for row in rows if (row.form, row.way) == kind]))
    shares: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for group in row.groups:
            shares[group].append(row.lpips / usual[row.form, row.way])
    each = len(usual)
    return [
        Figure(f"{group}: LPIPS beside all", float(np.mean(values)), "x", 1.3, detail=f"{len(values) / each:.0f} faces")
        for group, values in sorted(shares.items())
        if len(values) >= LEAST * each * 0.75
    ]


def _read(path: Path) -> list[Measured]:
    return [Measured(**row) for row in json.loads(path.read_text())]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_sketch_apart")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--faces", type=int, nargs=2, default=(0, 32), metavar=("FIRST", "LAST"))
    parser.add_argument("--lpips", type=Path, nargs=2, metavar=("SQUEEZENET", "HEADS"), required=True)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--before", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    first, last = options.faces
    rows = list(measure(options.data, first, last, load_lpips(*options.lpips)))
    if options.save:
        options.save.write_text(json.dumps([asdict(row) for row in rows]))
    print(table(rows, _read(options.before) if options.before else []), end="\n\n")
    print(as_markdown(by_group(rows)))
