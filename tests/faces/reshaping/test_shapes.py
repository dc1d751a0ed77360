"""The shapes of faces: their own axes, the embedded components, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from scumble.faces.detection.alignment import applied
from scumble.faces.reshaping.shapes import axes_of, face_shapes, load
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError

CONTEXT = Context(0, "cpu", ModelCache(), lambda fraction, message: None)


def test_a_face_s_own_axes_do_not_care_where_it_is() -> None:
    points = face_shapes(CONTEXT).mean * 60 + [130, 120]
    matrix = np.array([[1.7, -0.6, 30], [0.6, 1.7, -8]])
    moved = applied(matrix, points)
    assert np.allclose(axes_of(points).inside(points), axes_of(moved).inside(moved))
    axes = axes_of(moved)
    assert np.allclose(axes.middle + axes.outside(axes.inside(moved)), moved)


def test_eyes_in_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="one place"):
        axes_of(np.full((49, 2), 0.5))


def test_the_embedded_ones_are_faces_and_their_differences() -> None:
    shapes = face_shapes(CONTEXT)
    flat = shapes.components.reshape(len(shapes.components), -1)
    assert np.allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-3)
    assert (np.diff(shapes.deviations) <= 0).all()
    assert np.allclose(axes_of(shapes.mean).unit, 1, atol=0.01)
    assert shapes.mean[31:].mean(0)[1] > shapes.mean[14:19].mean(0)[1] > 0 > shapes.mean[:10].mean(0)[1]
    assert np.abs(shapes.coefficients(shapes.mean)).max() < 1e-9
    assert shapes.coefficients(shapes.mean + 2 * shapes.components[3]) == pytest.approx(2 * np.eye(12)[3], abs=1e-2)


@pytest.mark.parametrize("damage", ["missing", "shape", "nan", "none"])
def test_a_file_that_is_none_is_told(tmp_path: Path, damage: str) -> None:
    tensors = {"mean": np.zeros((49, 2), np.float32), "components": np.zeros((3, 49, 2), np.float32), "deviations": np.ones(3, np.float32)}  # fmt: skip
    if damage == "missing":
        del tensors["mean"]
    elif damage == "shape":
        tensors["deviations"] = np.ones(4, np.float32)
    elif damage == "nan":
        tensors["mean"][3] = np.nan
    path = tmp_path / "shapes.safetensors"
    save_file(tensors, path)
    if damage == "none":
        path.write_bytes(b"no weights")
    with pytest.raises(ScumbleError) as raised:
        load(path)
    assert raised.value.code == "weights_missing"
