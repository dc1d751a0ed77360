"""`scumble train face-shapes`: what is put into faces' shapes is found in them again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scumble.faces.reshaping.shapes import face_shapes, load
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError
from scumble_training.common.trainer import Run
from scumble_training.faces.shapes import FaceShapesSettings, principal_shapes, train
from tests.support.faces import collections


def faces(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Faces of one shape but for one difference, and how much of it each has; and mouths that are open more or less."""
    shapes = face_shapes(Context(0, "cpu", ModelCache(), lambda fraction, message: None))
    rng = np.random.default_rng(0)
    amount, gap = rng.normal(0, 0.1, count), rng.uniform(0, 0.5, count)
    made = shapes.mean + amount[:, None, None] * shapes.components[0]
    made[:, 46:49, 1] += gap[:, None]
    return made, amount


def test_the_difference_is_found_and_an_open_mouth_is_none() -> None:
    made, amount = faces()
    found = principal_shapes(made, 3)
    assert found.deviations[0] == pytest.approx(amount.std(), rel=0.25)
    assert found.deviations[1] < 0.02
    told = np.array([found.coefficients(one) for one in made])[:, 0]
    assert abs(np.corrcoef(told, amount)[0, 1]) > 0.95


def test_it_leaves_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    data = collections(tmp_path / "data", 8)
    run = Run(data, tmp_path / "out")
    run.folder.mkdir(exist_ok=True)
    path = train(run, FaceShapesSettings.model_validate({"components": 2}))
    assert load(path).components.shape == (2, 49, 2)


def test_too_few_faces_are_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    data = collections(tmp_path / "data", 4)
    run = Run(data, tmp_path / "out")
    with pytest.raises(ScumbleError) as raised:
        train(run, FaceShapesSettings.model_validate({"components": 40}))
    assert raised.value.code == "missing_input"
