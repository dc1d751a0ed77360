"""`scumble train face-shapes`: what the shapes of faces differ by, from landmarks alone; it takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from safetensors.numpy import save_file

from scumble.faces.detection.alignment import mirrored_points
from scumble.faces.reshaping.shapes import FaceShapes, axes_of
from scumble_client.errors import ScumbleError
from scumble_training.common import datasets
from scumble_training.common.trainer import Run, Trainer, TrainerSettings

from .sketch_examples import COLLECTION, load_points

NOSE, UPPER, LOWER = slice(14, 19), slice(43, 46), slice(46, 49)


class FaceShapesSettings(TrainerSettings):
    components: int = Field(12, ge=1, le=98, description="How many differences are kept.")
    turned: float = Field(
        0.06,
        gt=0,
        description="Faces whose nose lies further aside, in eye distances, are left out: their shape is their pose's.",
    )


def principal_shapes(faces: NDArray[np.float64], count: int) -> FaceShapes:
    """Of faces (N, 49, 2) in their own axes; N at least twice `count`."""
    mirrored = mirrored_points(faces + np.array([0.5, 0])) - np.array([0.5, 0])
    flat = ((faces + mirrored) / 2).reshape(len(faces), -1)
    mean = flat.mean(axis=0)
    away = flat - mean
    # an open mouth is no property of a face
    gap = np.linalg.norm(faces[:, UPPER].mean(axis=1) - faces[:, LOWER].mean(axis=1), axis=1)
    gap = (gap - gap.mean())[:, None]
    opening = np.linalg.lstsq(gap, away, rcond=None)[0][0]
    opening = opening / max(float(np.linalg.norm(opening)), 1e-9)
    away = away - np.outer(away @ opening, opening)
    _, sizes, directions = np.linalg.svd(away, full_matrices=False)
    return FaceShapes(
        mean.reshape(49, 2), directions[:count].reshape(-1, 49, 2), sizes[:count] / np.sqrt(len(faces) - 1)
    )


def train(run: Run, settings: FaceShapesSettings) -> Path:
    """The finished file. Raises ScumbleError `missing_input` where too few faces are seen from the front."""
    points = load_points(run.data)
    named = [Path(row["file"]).name for row in datasets.rows(run.data, COLLECTION, "train")]
    own = [axes_of(points[name]).inside(points[name]) for name in named if name in points]
    faces = np.array([one for one in own if abs(one[NOSE, 0].mean()) < settings.turned]).reshape(-1, 49, 2)
    if len(faces) < 2 * settings.components:
        raise ScumbleError(
            "missing_input",
            f"Only {len(faces)} faces are seen from the front.",
            "Choose a folder with more faces, or fewer components: --set components=N",
        )
    shapes = principal_shapes(faces, settings.components)
    shown = ", ".join(f"{value:.3f}" for value in shapes.deviations)
    run.say(f"{len(faces)} faces from the front; deviations in eye distances: {shown}")
    finished = run.folder / "scumble-face-shapes.safetensors"
    save_file(
        {
            "mean": shapes.mean.astype(np.float32),
            "components": shapes.components.astype(np.float32),
            "deviations": shapes.deviations.astype(np.float32),
        },
        finished,
    )
    return finished


TRAINER = Trainer("What the shapes of faces differ by.", (COLLECTION,), FaceShapesSettings, train)
