"""The face brush on held-out faces, to look at and to count: eight faces, five edits that artists make.

    python -m benchmarks.face_brush_sheet OUT_FOLDER [--data FOLDER] [--count N] [--first N] [--faces N …] [--loose]

With `--loose` the strokes go beyond what they are meant for, as a broad brush in a hurry does: over lips, hair, brows and eyes.

The sheets show people of the collections: they are for looking, not for showing. Exemplars are those of this machine
(`SCUMBLE_FACES`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from benchmarks.face_sketch import held_out
from benchmarks.report import Figure, as_markdown
from scumble.faces.detection.parts import parts_of
from scumble.faces.latent.strokes import REACH, stroke_radius
from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.worker.models import ModelCache

Bytes = NDArray[np.uint8]

FINE = 4
"""Samples a pixel, each way, of a stroke."""

LEFT, RIGHT, LIPS, BROWS = slice(19, 25), slice(25, 31), slice(31, 43), slice(0, 10)


class Easel:
    """Where strokes on a face go: its 49 points are shares of the side. What is drawn is drawn larger, as an editor's brush leaves no
    stairs."""

    def __init__(self, points: NDArray[np.float64], side: int) -> None:
        self._side = side
        at = points * (FINE * side)
        self.eyes, self.mouth = (at[LEFT].mean(0), at[RIGHT].mean(0)), at[LIPS]
        self.apart = float(np.linalg.norm(self.eyes[1] - self.eyes[0]))
        self.middle, self.brow = self.mouth.mean(0), at[BROWS].mean(0)

    def canvas(self) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """An empty one."""
        image = Image.new("RGBA", (FINE * self._side, FINE * self._side), (0, 0, 0, 0))
        return image, ImageDraw.Draw(image)

    def finished(self, image: Image.Image) -> Bytes:
        """(side, side, 4)."""
        return np.asarray(image.resize((self._side, self._side), Image.Resampling.BOX))


def edits(points: NDArray[np.float64], side: int) -> dict[str, Bytes]:
    """(side, side, 4) each: strokes for a face whose 49 points are shares of the side."""
    easel = Easel(points, side)
    eyes, mouth, apart, middle, brow = easel.eyes, easel.mouth, easel.apart, easel.middle, easel.brow
    made: dict[str, Bytes] = {}
    image, draw = easel.canvas()
    draw.ellipse(_around(middle, 0.36 * np.ptp(mouth[:, 0]), 0.07 * apart), fill=(245, 240, 232, 255))
    smiles = parts_of(points * side, side).open  # then white means whiter teeth, not an open mouth
    made["whiter teeth" if smiles else "teeth"] = easel.finished(image)
    image, draw = easel.canvas()
    for n in range(-3, 4):
        top = (brow[0] + n * 0.22 * apart, brow[1] - 0.95 * apart)
        end = (brow[0] + (n * 0.25 + 0.05) * apart, brow[1] - 0.35 * apart)
        draw.line([top, end], fill=(38, 26, 20, 255), width=max(3, int(0.22 * apart)))
    made["fringe"] = easel.finished(image)
    image, draw = easel.canvas()
    draw.polygon([tuple(p) for p in mouth], fill=(190, 20, 45, 255))
    made["red lips"] = easel.finished(image)
    image, draw = easel.canvas()
    for eye, sign in zip(eyes, (-1, 1), strict=True):
        cheek = eye + 0.45 * (middle - eye) + [sign * 0.12 * apart, 0]
        draw.ellipse(_around(cheek, 0.2 * apart, 0.2 * apart), fill=(225, 110, 120, 150))
    made["rose cheeks"] = easel.finished(image)
    image, draw = easel.canvas()
    dark = (20, 18, 18, 255)
    for eye in eyes:
        draw.ellipse(_around(eye, 0.33 * apart, 0.26 * apart), outline=dark, width=max(3, int(0.06 * apart)))
    bridge = [tuple(eyes[0] + [0.33 * apart, 0]), tuple(eyes[1] - [0.33 * apart, 0])]
    draw.line(bridge, fill=dark, width=max(2, int(0.05 * apart)))
    made["glasses"] = easel.finished(image)
    return made


def loose_edits(points: NDArray[np.float64], side: int) -> dict[str, Bytes]:
    """(side, side, 4) each, as `edits`: strokes that are broader than what they are meant for."""
    easel = Easel(points, side)
    eyes, mouth, apart, middle, brow = easel.eyes, easel.mouth, easel.apart, easel.middle, easel.brow
    made: dict[str, Bytes] = {}
    image, draw = easel.canvas()
    tall = 0.5 * np.ptp(mouth[:, 1]) + 0.06 * apart
    draw.ellipse(_around(middle, 0.58 * np.ptp(mouth[:, 0]), tall), fill=(170, 25, 60, 255))
    made["loose lipstick"] = easel.finished(image)
    image, draw = easel.canvas()
    for eye, sign in zip(eyes, (-1, 1), strict=True):
        cheek = eye + 0.4 * (middle - eye) + [sign * 0.45 * apart, 0]
        draw.ellipse(_around(cheek, 0.42 * apart, 0.32 * apart), fill=(215, 90, 105, 170))
    made["rouge to the rim"] = easel.finished(image)
    image, draw = easel.canvas()
    for eye, sign in zip(eyes, (-1, 1), strict=True):
        way = [(sign * 0.35, -1.1), (sign * 0.6, -0.5), (sign * 0.72, 0.2), (sign * 0.75, 1.0)]
        places = [tuple(eye + apart * np.array(one)) for one in way]
        draw.line(places, fill=(220, 60, 140, 255), width=int(0.5 * apart), joint="curve")
    made["pink hair"] = easel.finished(image)
    image, draw = easel.canvas()
    arc = [(np.sin(turn) * 1.15, 0.1 - 1.45 * np.cos(turn)) for turn in np.linspace(-1.35, 1.35, 25)]
    crown = [tuple((eyes[0] + eyes[1]) / 2 + apart * np.array(one)) for one in arc]
    draw.line(crown, fill=(205, 165, 105, 255), width=int(0.45 * apart), joint="curve")
    made["blond hair"] = easel.finished(image)
    image, draw = easel.canvas()
    for n in range(-4, 5):
        top = (brow[0] + n * 0.22 * apart, brow[1] - 1.0 * apart)
        end = (brow[0] + n * 0.24 * apart, brow[1] + 0.16 * apart)
        draw.line([top, end], fill=(60, 38, 26, 255), width=max(3, int(0.2 * apart)))
    made["long fringe"] = easel.finished(image)
    return made


def _around(middle: NDArray[np.float64], across: float, down: float) -> list[float]:
    return [float(v) for v in (middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down)]


def reached(before: Bytes, after: Bytes, strokes: Bytes) -> float:
    """How far the mean colour under the strokes has come from the photograph's to that with the strokes over it, 0 to 1."""
    weight = strokes[..., 3:] / 255.0
    painted = before + weight * (strokes[..., :3].astype(float) - before)
    was, now, wanted = ((p * weight).sum((0, 1)) / weight.sum() for p in (before, after, painted))
    way = wanted - was
    return float((now - was) @ way / max(float(way @ way), 1e-6))


def beyond(before: Bytes, after: Bytes, strokes: Bytes) -> float:
    """Mean change, in levels, of what lies farther than three radii from the strokes."""
    painted = strokes[..., 3] > 40
    far = ndimage.distance_transform_edt(~painted) > REACH * stroke_radius(painted)
    return float(np.abs(after.astype(int) - before)[far].mean()) if far.any() else 0.0


def measure(data: Path, numbers: Sequence[int], out: Path, loose: bool = False) -> list[Figure]:
    out.mkdir(parents=True, exist_ok=True)
    models, operation = ModelCache(), find("face-brush")
    came: dict[str, list[float]] = {}
    spilled: dict[str, list[float]] = {}
    for number, (_, face) in enumerate(held_out(data, max(numbers) + 1)):
        if number not in numbers:
            continue
        image, rows = Layer(face.truth), []
        for name, strokes in (loose_edits if loose else edits)(face.points, len(face.truth)).items():
            context = Context(0, "cpu", models, lambda fraction, message: None)
            (made,) = operation.run({"image": image, "strokes": Layer(strokes)}, operation.validate({}), context)
            after = composite(image, made.layer).pixels
            came.setdefault(name, []).append(reached(face.truth, after, strokes))
            spilled.setdefault(name, []).append(beyond(face.truth, after, strokes))
            rows.append(np.concatenate([face.truth, composite(image, Layer(strokes)).pixels, after], axis=1))
        Image.fromarray(np.concatenate(rows)).save(out / f"brush-{number:03d}.png")
    figures = []
    for name in came:
        way = float(np.mean(came[name]))
        figures.append(Figure(f"{name}: share of the way to the painted colour", way, "", 0.6, "at least"))
        figures.append(Figure(f"{name}: change beyond three radii", float(np.mean(spilled[name])), "levels"))
    return figures


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--first", type=int, default=32)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument(
        "--faces", type=int, nargs="+", help="these of the held-out ones, in place of --first and --count"
    )
    parser.add_argument("--loose", action="store_true")
    options = parser.parse_args(argv)
    numbers = options.faces or range(options.first, options.first + options.count)
    print(as_markdown(measure(options.data, numbers, options.out, options.loose)))


if __name__ == "__main__":
    main()
