"""The library: several collections as one that does not change, quickly opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scumble.faces.exemplars.collection import THUMBNAIL, Writer
from scumble.faces.exemplars.library import (
    PULLED,
    ExemplarLibrary,
    open_libraries,
    own_directory,
    pulled_directory,
)
from scumble.weights import load_manifest
from scumble_client.errors import ScumbleError
from tests.support.exemplars import random_face


@pytest.fixture(autouse=True)
def _directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_FACES", str(tmp_path / "own"))
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path / "weights"))


def test_a_machine_without_faces() -> None:
    library = open_libraries()
    assert len(library) == 0
    assert library.points.shape == (0, 49, 2)
    assert library.thumbnails.shape == (0, THUMBNAIL, THUMBNAIL, 3)
    assert library.sides.shape == (0,)
    assert library.notes == ()
    assert library.digest == ExemplarLibrary([]).digest
    assert not own_directory().exists()


def test_own_faces_come_first_and_one_in_both_counts_once() -> None:
    Writer(own_directory()).add([random_face(3), random_face(1, side=52)])
    Writer(pulled_directory(), private=False).replace([random_face(2), random_face(3)])
    library = open_libraries()
    assert library.sources == ("3.jpg", "1.jpg", "2.jpg")
    assert library.sides.tolist() == [40, 52, 40]
    assert library.points.dtype == np.float32
    assert library.points[2] == pytest.approx(random_face(2).points, abs=1e-5)
    assert np.array_equal(library.thumbnails[1], random_face(1, side=52).thumbnail)
    assert library.picture(1).shape == (52, 52, 3)


def test_a_layer_can_say_what_it_has_its_pixels_from() -> None:
    Writer(own_directory()).add([random_face(1)])
    Writer(pulled_directory(), private=False).replace([random_face(2), random_face(3)])
    library, entry = open_libraries(), load_manifest()[PULLED]
    assert library.collections_of([]) == []
    assert library.collections_of([0]) == ["own portraits"], "whose they are is nobody's business"
    pulled = f"{PULLED} (CC0-1.0, {entry.url})"
    assert library.collections_of([1, 2]) == [pulled]
    assert library.collections_of([2, 0]) == ["own portraits", pulled]


def test_it_can_t_be_written_to() -> None:
    Writer(own_directory()).add([random_face(0)])
    library = open_libraries()
    for array in (library.points, library.thumbnails, library.sides):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_it_stays_as_it_was_opened_and_its_digest_tells() -> None:
    writer = Writer(own_directory())
    writer.add([random_face(0)])
    before = open_libraries()
    writer.add([random_face(1)])
    after = open_libraries()
    assert (len(before), len(after)) == (1, 2)
    assert before.digest != after.digest
    writer.remove([random_face(1).digest])
    assert open_libraries().digest == before.digest


def test_a_picture_that_is_damaged_or_was_removed_is_said_and_passed_over() -> None:
    Writer(own_directory()).add([random_face(number) for number in range(4)])
    library = open_libraries()
    faces = sorted(own_directory().glob("*.jpg"))
    damaged = random_face(1).digest
    next(path for path in faces if path.stem == damaged).write_bytes(b"\xff\xd8\xffno")
    next(path for path in faces if path.stem == random_face(2).digest).unlink()
    for number in (1, 2):
        with pytest.raises(ScumbleError) as caught:
            library.picture(number)
        assert caught.value.code == "missing_input"
        assert f"“{number}.jpg” can't be read" in caught.value.message
    notes: list[str] = []
    assert [number for number, _ in library.pictures(range(4), notes.append)] == [0, 3]
    assert len(notes) == 1
    assert [number for number, _ in library.pictures([1])] == []


def test_the_user_s_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCUMBLE_FACES")
    assert own_directory().parts[-2:] == ("scumble", "faces")


def test_the_pulled_folder_is_the_manifest_s() -> None:
    entry = load_manifest()[PULLED]
    assert entry.file == PULLED
    assert entry.built_from


def test_a_thousand_faces_open_at_once(tmp_path: Path) -> None:
    """Without torch, and without a picture being decoded. (Figures are the benchmarks' business; this is far from them.)"""
    Writer(own_directory()).add([random_face(number, side=8) for number in range(1000)])
    code = (
        "import sys, time; from scumble.faces.exemplars.library import open_libraries; start = time.perf_counter();"
        "found = open_libraries(); took = time.perf_counter() - start;"
        "assert len(found) == 1000; assert 'torch' not in sys.modules;"
        "assert found.points.nbytes + found.thumbnails.nbytes < 5e6; assert took < 5, took"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
