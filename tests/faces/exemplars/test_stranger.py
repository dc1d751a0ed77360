"""Which face of the library fits into a place, and how it comes there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.detection.alignment import applied
from scumble.faces.exemplars.collection import Writer, new_face
from scumble.faces.exemplars.library import own_directory
from scumble.faces.exemplars.stranger import Place, Strangers
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from tests.support.exemplars import random_face

SIDE = 256
SHAPE = np.concatenate(
    [
        np.stack([np.linspace(0.27, 0.73, 10), np.full(10, 0.4)], axis=1),
        np.stack([np.full(4, 0.5), np.linspace(0.47, 0.58, 4)], axis=1),
        np.stack([np.linspace(0.44, 0.56, 5), np.full(5, 0.61)], axis=1),
        0.361 + 0.05 * np.stack([np.cos(np.arange(6)), np.sin(np.arange(6)) / 2], axis=1) + [0, 0.11],
        0.639 + 0.05 * np.stack([np.cos(np.arange(6)), np.sin(np.arange(6)) / 2], axis=1) + [0, -0.17],
        0.5 + 0.14 * np.stack([-np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6) / 3], axis=1) + [0, 0.24],
        0.5 + 0.1 * np.stack([-np.cos(np.arange(6) * np.pi / 3), np.sin(np.arange(6) * np.pi / 3) / 9], axis=1) + [0, 0.24],
    ]
)  # fmt: skip
"""49 points, roughly a face's."""


@pytest.fixture(autouse=True)
def _directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_FACES", str(tmp_path / "own"))
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path / "weights"))


def painted(skin: tuple[float, float, float], hair: tuple[float, float, float], mark: float = 0.0) -> NDArray[np.uint8]:
    """A disc of skin within hair, with a mark on one cheek."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    face = np.hypot((x - 0.5) / 0.36, (y - 0.56) / 0.42) < 1
    picture = np.where(face[..., None], np.array(skin), np.array(hair))
    picture[np.hypot(x - 0.68, y - 0.62) < 0.04] -= mark
    return np.asarray(np.clip(picture, 0, 1) * 255, np.uint8)


SKIN, TANNED, DARK, FAIR = (0.8, 0.6, 0.5), (0.68, 0.48, 0.38), (0.15, 0.1, 0.1), (0.85, 0.75, 0.5)


def place(picture: NDArray[np.uint8], points: NDArray[np.float64] = SHAPE) -> Place:
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    hole = np.hypot((x - 0.5) / 0.36, (y - 0.56) / 0.42) < 1
    return Place(picture.astype(np.float32) / np.float32(255), np.ones((SIDE, SIDE), np.bool_), hole, points)


def context() -> Context:
    return Context(0, "cpu", ModelCache(), lambda fraction, message: None)


def stranger(there: Place, variety: float, seed: int, given: Context) -> NDArray[np.float32] | None:
    return Strangers(there, given).somebody(variety, seed)


def test_without_anybody_there_is_none() -> None:
    assert stranger(place(painted(SKIN, DARK)), 0.7, 0, context()) is None


def test_who_fits_is_taken_and_stands_in_the_light_of_who_was_there() -> None:
    other = painted((0.5, 0.36, 0.3), DARK, mark=0.2)
    strange = [new_face(painted(FAIR, SKIN), SHAPE + np.array([0.06, 0]), f"{n}.jpg") for n in range(3)]
    Writer(own_directory()).add([new_face(other, SHAPE, "fits.jpg"), *strange, random_face(1), random_face(2)])
    there = place(painted(SKIN, DARK))
    faces = [stranger(there, 0.0, seed, context()) for seed in range(4)]
    assert all(face is not None and face.shape == (SIDE, SIDE, 3) for face in faces)
    best = min(float(np.abs(face - there.photograph)[there.hole].mean()) for face in faces if face is not None)
    assert best < 0.08, "much lighter than its own photograph"


def test_a_seed_gives_one_face_and_others_give_others() -> None:
    rng = np.random.default_rng(0)
    people = [new_face(painted(SKIN, DARK, mark=0.05 * n), SHAPE + 0.002 * rng.standard_normal((49, 2)), f"{n}.jpg") for n in range(8)]  # fmt: skip
    Writer(own_directory()).add(people)
    there = place(painted(TANNED, DARK))
    one, again = stranger(there, 1.0, 3, context()), stranger(there, 1.0, 3, context())
    assert one is not None
    assert again is not None
    assert np.array_equal(one, again)
    others = [stranger(there, 1.0, seed, context()) for seed in range(8)]
    assert len({other.tobytes() for other in others if other is not None}) > 2


def test_features_lie_where_those_of_the_face_there_lay() -> None:
    Writer(own_directory()).add([new_face(painted(SKIN, DARK, mark=0.5), SHAPE, "marked.jpg")])
    matrix = np.array([[0.98, -0.05, 0.03], [0.05, 0.98, -0.01]])
    moved = applied(matrix, SHAPE)
    made = stranger(place(painted(SKIN, DARK), moved), 0.0, 0, context())
    assert made is not None
    grey = made.mean(2)
    inside = ndimage.binary_erosion(place(painted(SKIN, DARK)).hole, iterations=24)
    rows, columns = np.nonzero((grey < grey[inside].mean() - 0.15) & inside)
    there = np.array([columns.mean(), rows.mean()]) / SIDE
    straight, mirrored = (applied(matrix, np.array([[x, 0.62]]))[0] for x in (0.68, 0.32))
    assert min(np.linalg.norm(there - straight), np.linalg.norm(there - mirrored)) < 0.02


def test_a_turned_face_gets_one_that_is_turned_the_same_way() -> None:
    turned = SHAPE.copy()
    turned[10:19, 0] += 0.08
    frontal = [new_face(painted(SKIN, DARK, mark=0.01 * n), SHAPE, f"{n}.jpg") for n in range(9)]
    Writer(own_directory()).add([*frontal, new_face(painted(SKIN, DARK, mark=0.5), turned, "turned.jpg")])
    there = place(painted(SKIN, DARK), turned)
    inside = ndimage.binary_erosion(there.hole, iterations=24)
    drawn = [stranger(there, 0.0, seed, context()) for seed in range(12)]
    assert any(one is not None and np.ptp(one[inside].mean(1)) > 0.2 for one in drawn), "the last of the library"


def test_one_that_is_gone_is_left_out_with_a_note() -> None:
    Writer(own_directory()).add([new_face(painted(SKIN, DARK), SHAPE, "gone.jpg"), new_face(painted(SKIN, FAIR), SHAPE, "here.jpg")])  # fmt: skip
    first = sorted(own_directory().glob("*.jpg") or own_directory().glob("*"))
    pictures = [path for path in first if path.suffix in (".jpg", ".png", ".webp")]
    assert len(pictures) == 2
    for path in pictures:
        path.write_bytes(b"no picture")
    given = context()
    assert stranger(place(painted(TANNED, DARK)), 0.0, 0, given) is None
    assert len(given.notes) >= 1


def test_nobody_is_put_into_his_own_photograph() -> None:
    picture = painted(SKIN, DARK, mark=0.3)
    Writer(own_directory()).add([new_face(picture, SHAPE, "self.jpg")])
    made = stranger(place(picture), 0.0, 0, context())
    assert made is None or np.abs(made - picture[:, ::-1] / 255).mean() < 0.03, "in the mirror he is another"
    Writer(own_directory()).add([new_face(painted((0.7, 0.5, 0.45), DARK), SHAPE, "other.jpg")])
    for seed in range(4):
        face = stranger(place(picture), 0.0, seed, context())
        assert face is not None
        assert np.abs(face - picture / np.float32(255)).mean() > 0.005
