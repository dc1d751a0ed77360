"""Where real faces come from: the photograph, mirrored, its other faces, and the library of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scumble.faces.detection.found_face import FaceFrame
from scumble.faces.exemplars import copying
from scumble.faces.exemplars.collection import Writer, new_face
from scumble.faces.exemplars.copying import Guess, Shelf, copied, sureness
from scumble.faces.exemplars.library import open_libraries, own_directory
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from tests.support.exemplars import person, random_face
from tests.support.faces import portrait

SIDE = 256
PLACE = FaceFrame(np.array([[SIDE, 0, 0], [0, SIDE, 0.0]]), True)


@pytest.fixture(autouse=True)
def _directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_FACES", str(tmp_path / "own"))
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def _no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "faces_of", lambda image, context: [])


def context(seed: int = 0) -> Context:
    return Context(seed, "cpu", ModelCache(), lambda fraction, message: None)


def soft_guess(picture: Any = None, side: int = SIDE) -> Guess:
    """The portrait with a soft right eye."""
    whole = np.asarray(portrait(side) if picture is None else picture, np.float32) / np.float32(255)
    hole = np.zeros((side, side), np.bool_)
    hole[side * 2 // 5 : side * 11 // 20, side * 11 // 20 : side * 3 // 4] = True
    cells = whole.reshape(32, side // 32, 32, side // 32, 3).mean((1, 3))
    soft = np.kron(cells, np.ones((side // 32, side // 32, 1), np.float32))
    return Guess(np.where(hole[..., None], soft, whole).astype(np.float32), hole, np.zeros((side, side), np.float32))


def error(made: Any, truth: Any, hole: Any) -> float:
    return float(np.abs(made - truth.astype(np.float32) / 255)[hole].mean())


@pytest.mark.usefixtures("_no_search")
def test_a_face_in_the_library_gives_its_eye_back() -> None:
    guess = soft_guess()
    Writer(own_directory()).add(
        [new_face(portrait(SIDE), np.zeros((49, 2)), "mine.jpg"), random_face(1), random_face(2)]
    )
    given = context()
    made = copied(guess, Layer(portrait(SIDE)), PLACE, None, 0, given).picture
    assert error(made, portrait(SIDE), guess.hole) < 0.5 * error(guess.picture, portrait(SIDE), guess.hole)
    assert np.array_equal(made[~guess.hole], guess.picture[~guess.hole])
    assert given.notes == []


@pytest.mark.usefixtures("_no_search")
@pytest.mark.parametrize("side", [256, 512])
def test_without_a_library_one_eye_is_the_other_s(side: int) -> None:
    half = portrait(side)
    symmetric = np.concatenate([half[:, : side // 2], half[:, : side // 2][:, ::-1]], 1)
    guess = soft_guess(symmetric, side)
    place = FaceFrame(np.array([[side, 0, 0], [0, side, 0.0]]), True)
    made = copied(guess, Layer(symmetric), place, None, 0, context()).picture
    assert made.shape == (side, side, 3)
    assert error(made, symmetric, guess.hole) < 0.6 * error(guess.picture, symmetric, guess.hole)


def test_another_face_of_the_picture_is_copied_from_but_not_its_selection(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        frame = np.array([[SIDE, 0, SIDE], [0, SIDE, 0.0]])

    monkeypatch.setattr(copying, "faces_of", lambda image, context: [Other])
    guess = soft_guess()
    blank = np.full((SIDE, SIDE, 3), 128, np.uint8)
    image = Layer(np.concatenate([blank, portrait(SIDE)], 1))
    own = Guess(np.where(guess.hole[..., None], guess.picture, 0.5).astype(np.float32), guess.hole, guess.sure)
    made = copied(own, image, PLACE, None, 0, context()).picture
    # all around is grey, which the patches have to go over into
    assert error(made, portrait(SIDE), guess.hole) < 0.8 * error(own.picture, portrait(SIDE), guess.hole)
    selected = Layer(np.full((SIDE, 2 * SIDE, 1), 255, np.uint8))
    kept = copied(own, image, PLACE, selected, 0, context()).picture
    assert error(kept, portrait(SIDE), guess.hole) > 1.2 * error(made, portrait(SIDE), guess.hole)


@pytest.mark.usefixtures("_no_search")
def test_a_damaged_library_is_said_once_and_the_rest_is_used() -> None:
    Writer(own_directory()).add([random_face(n) for n in range(3)])
    next(own_directory().glob("*.jpg")).write_bytes(b"no picture")
    given = context()
    for _ in range(2):
        copied(soft_guess(), Layer(portrait(SIDE)), PLACE, None, 0, given)
    assert len(given.notes) == 1
    assert "can't be read" in given.notes[0]


def test_the_shelf_gives_the_likest_first_and_keeps_within_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    Writer(own_directory()).add([new_face(person(n), np.zeros((49, 2)), f"{n}.jpg") for n in range(5)])
    monkeypatch.setattr(copying, "SHORTLIST", 3)
    monkeypatch.setattr(copying, "KEPT", 2 * SIDE * SIDE * 3)
    shelf = Shelf(open_libraries())
    found = [picture for _, picture in shelf.alike(soft_guess(), context())]
    assert len(found) == 3
    assert min(float(np.abs(p.astype(float) - person(0)).mean()) for p in found) < 3
    assert shelf._bytes <= 2 * SIDE * SIDE * 3


def test_sureness_falls_with_the_distance() -> None:
    told = np.zeros((256, 256), np.bool_)
    assert not sureness(told).any()
    told[128] = True
    sure = sureness(told)
    assert sure[128].min() == 1
    assert sure[137].min() == 1
    assert sure[160].max() == 0
    assert np.all(np.diff(sure[128:, 0]) <= 0)
