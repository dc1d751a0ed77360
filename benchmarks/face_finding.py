"""The face finder on held-out faces whose points were set by hand, and on held-out photographs.

    python -m benchmarks.face_finding [--data FOLDER] [--count N]

Faces are pasted, at several sizes and tilts, over held-out photographs; a face is found where one is reported whose middle lies
within half an eye distance of the truth. The eye error is the mean distance of both eyes' centres from the truth, in
eye distances.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.report import Figure, as_markdown
from scumble.faces.detection import weights as landmark_weights
from scumble.faces.detection.alignment import eye_centres
from scumble.faces.detection.search import FaceNetworks, find_faces
from scumble.weights import WeightStore
from scumble_training.common import datasets
from scumble_training.faces.pictures import Faces, load_faces

EYE_DISTANCES = (12, 24, 48, 120)
TILTS = (0, -30, 30)


@dataclass(frozen=True)
class Result:
    """Of one pasted face."""

    eyes: int
    tilt: int
    group: str
    error: float | None
    """None where it was not found."""

    others: int
    """Faces reported elsewhere."""


def pasted(
    face: NDArray[np.uint8], points: NDArray[np.float64], eyes: int, tilt: int, background: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A picture with the face in its middle, and its points there."""
    left, right = eye_centres(points)
    side = max(8, round(eyes / float(np.hypot(*(right - left)))))
    small = Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS)
    turned = small.rotate(-tilt, Image.Resampling.BICUBIC, expand=True)
    mask = Image.new("L", small.size, 255).rotate(-tilt, Image.Resampling.BICUBIC, expand=True)
    height = max(background.shape[0], turned.height + 20)
    width = max(background.shape[1], turned.width + 20)
    canvas = Image.fromarray(background).resize((width, height))
    x, y = (width - turned.width) // 2, (height - turned.height) // 2
    canvas.paste(turned, (x, y), mask)
    angle = np.radians(tilt)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there = (points - 0.5) * side @ turn.T + [x + turned.width / 2, y + turned.height / 2]
    return np.asarray(canvas), there


def _group(row: dict[str, str]) -> str:
    age = float(row["age"]) if row.get("age") else -1
    return "unknown" if age < 0 else "under 13" if age < 13 else "13 to 59" if age < 60 else "60 and over"


def results(networks: FaceNetworks, faces: Faces, backgrounds: list[NDArray[np.uint8]]) -> list[Result]:
    out = []
    for number in range(len(faces)):
        for eyes in EYE_DISTANCES:
            tilt = TILTS[(number + eyes // 12) % len(TILTS)]
            background = backgrounds[number % len(backgrounds)]
            picture, truth = pasted(faces.pictures[number], faces.points[number], eyes, tilt, background)
            centres = np.stack(eye_centres(truth))
            error, others = None, 0
            for face in find_faces(picture.astype(np.float32) / np.float32(255), networks):
                found = np.stack(eye_centres(face.points))
                if np.hypot(*(found.mean(0) - centres.mean(0))) < 0.5 * eyes:
                    error = float(np.hypot(*(found - centres).T).mean() / eyes)
                else:
                    others += 1
            out.append(Result(eyes, tilt, _group(faces.rows[number]), error, others))
    return out


def figures(found: list[Result]) -> list[Figure]:
    errors = [r.error for r in found if r.error is not None]
    made = [
        Figure(
            "eye error of the faces that are found",
            100 * float(np.mean(errors)),
            "%",
            5,
            detail=f"{len(errors)} of {len(found)} found",
        ),
        Figure("faces found", 100 * len(errors) / len(found), "%"),
    ]
    for what in ("eyes", "tilt", "group"):
        for value in sorted({getattr(r, what) for r in found}):
            some = [r for r in found if getattr(r, what) == value]
            hit = [r.error for r in some if r.error is not None]
            name = {"eyes": f"eye distance {value}", "tilt": f"tilt {value}°", "group": f"age {value}"}[what]
            detail = f"eye error {100 * float(np.mean(hit)):.1f} %, {len(some)} faces" if hit else ""
            made.append(Figure(f"found, {name}", 100 * len(hit) / len(some), "%", detail=detail))
    return made


def measure(data: Path, count: int = 40) -> list[Figure]:
    networks = landmark_weights.load(WeightStore().path("scumble-face-landmarks"))
    held = load_faces(data, "heldout", 256, names=("faces",))
    true = np.flatnonzero(held.true)
    chosen = true[np.linspace(0, len(true) - 1, min(count, len(true))).astype(int)]
    faces = Faces(held.pictures[chosen], held.points[chosen], held.true[chosen], [held.rows[int(i)] for i in chosen])
    rows = datasets.rows(data, "photos", "heldout")[:count]
    backgrounds: list[Any] = list(datasets.pictures(data, "photos", [row["file"] for row in rows]))
    made = figures(results(networks, faces, backgrounds))
    false = [len(find_faces(picture.astype(np.float32) / np.float32(255), networks)) for picture in backgrounds]
    detail = f"{sum(n > 0 for n in false)} of {len(false)} photographs; some of them do show people"
    return [*made, Figure("faces reported in a photograph", float(np.mean(false)), "", detail=detail)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_finding")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    print(as_markdown(measure(options.data, options.count)))
