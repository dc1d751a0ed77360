"""The face parser on held-out faces, against its teachers: by part, by group of people, and in other light.

    python -m benchmarks.face_parsing --labels FOLDER [--data FOLDER] [--count N] [--weights FILE]

FOLDER is `labels` of a training's folder: what the teacher says of each face. The figures are intersections over unions, of all
pixels of the faces together. In other light the teacher's answer is the one for the picture as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from scumble.faces.parsing import weights
from scumble.weights import WeightStore
from scumble_training.faces.parsing_draws import ParsedFaces, load_parsed
from scumble_training.faces.parsing_labels import path_of
from scumble_training.faces.parsing_metrics import by_group, counted, overlap
from scumble_training.faces.sketch_examples import chosen, load_points

PARTS = ("skin", "hair", "lips", "eyes", "mouth")


def _blurred(pictures: Tensor) -> Tensor:
    small = functional.interpolate(pictures, scale_factor=0.25, mode="area")
    return functional.interpolate(small, size=pictures.shape[2:], mode="bilinear", align_corners=False)


def _tinted(*gains: float) -> Callable[[Tensor], Tensor]:
    return lambda pictures: (pictures * torch.tensor(gains)[:, None, None]).clamp(0, 1)


LIT = 100
"""Faces that are measured in other light."""

LIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "as they are": lambda pictures: pictures,
    "grey": lambda pictures: pictures.mean(1, keepdim=True).expand(-1, 3, -1, -1),
    "a quarter of the light": _tinted(0.25, 0.25, 0.25),
    "1.6 times the light": _tinted(1.6, 1.6, 1.6),
    "red light": _tinted(1, 0.45, 0.4),
    "blue light": _tinted(0.45, 0.6, 1),
    "32 pixels across": _blurred,
}


def table(data: Path, labels: Path, file: Path, count: int | None = None) -> str:
    """Markdown."""
    names = [name for name in chosen(data, "heldout", load_points(data), count) if path_of(labels, name).exists()]
    faces = load_parsed(data, labels, names, "heldout")
    network = weights.load(file)
    plain = counted(network, faces, "cpu")
    lines = [f"| | faces | {' | '.join(PARTS)} |", "|---" * (len(PARTS) + 2) + "|"]

    def add(name: str, faces: int, of: dict[str, float]) -> None:
        figures = " | ".join(f"{of['iou_' + part]:.3f}" for part in PARTS)
        lines.append(f"| {name} | {faces} | {figures} |")

    add("all", len(names), overlap(plain))
    for group, (size, of) in by_group(plain, faces.rows).items():
        add(group, size, of)
    few = ParsedFaces(faces.pictures[:LIT], faces.labels[:LIT], faces.rows[:LIT])
    for light, change in LIGHTS.items():
        add(light, len(few.rows), overlap(counted(network, few, "cpu", change)))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.face_parsing")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--count", type=int)
    parser.add_argument("--weights", type=Path)
    given = parser.parse_args()
    print(table(given.data, given.labels, given.weights or WeightStore().path("scumble-face-parsing"), given.count))


if __name__ == "__main__":
    main()
