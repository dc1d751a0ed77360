"""Faces are found with the embedded networks: at any size, tilted, several, and none where none is."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from PIL import Image

from scumble.faces.detection import weights as landmark_weights
from scumble.faces.detection.alignment import eye_centres, eye_distance
from scumble.faces.detection.search import Face, FaceNetworks, find_faces
from scumble.weights import WeightStore
from tests.support.faces import EYES, on_canvas, portrait
from tests.support.style import photograph


@cache
def networks() -> FaceNetworks:
    return landmark_weights.load(WeightStore().path("scumble-face-landmarks"))


def found(picture: np.ndarray) -> list[Face]:
    return find_faces(picture.astype(np.float32) / np.float32(255), networks())


@pytest.mark.parametrize("side", [44, 90, 173, 520])
def test_from_small_to_large(side: int) -> None:
    """Eye distances of 12, 25, 48 and 145 pixels."""
    canvas = on_canvas(portrait(side), side + 60, side + 120, 70, 30)
    (face,) = found(canvas)
    eyes = EYES * side / 256 + (70, 30)
    assert np.abs(np.stack(eye_centres(face.points)) - eyes).max() < 0.08 * eye_distance(face.points)
    assert abs(face.tilt) < 5
    assert face.frame @ [0.5, 0.5, 1] == pytest.approx(np.array([70 + side / 2, 30 + side / 2]), abs=0.06 * side)


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30])
def test_tilted(degrees: int) -> None:
    tilted = Image.fromarray(portrait(160)).rotate(
        -degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(120,) * 3
    )
    (face,) = found(on_canvas(np.asarray(tilted), 260, 300, 30, 20))
    assert face.tilt == pytest.approx(degrees, abs=5)


def test_several() -> None:
    canvas = on_canvas(portrait(120), 240, 420, 10, 20)
    canvas[60:220, 220:380] = portrait(160)[:, ::-1]
    faces = sorted(found(canvas), key=lambda f: f.eyes)
    assert [round(f.eyes) for f in faces] == [pytest.approx(33, abs=3), pytest.approx(44, abs=4)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_none_in_texture(seed: int) -> None:
    assert found(photograph(seed, 200, 260) * 255) == []


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (400, 2)])
def test_pictures_that_are_too_small(shape: tuple[int, int]) -> None:
    assert found(np.full((*shape, 3), 90)) == []
