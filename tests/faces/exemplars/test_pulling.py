"""The pulled collection: built out of an archive, no larger than it may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.faces.exemplars.collection import INDEX, decoded, read_collection
from scumble.faces.exemplars.pulling import build, fitting
from scumble_client.errors import ScumbleError
from tests.support.exemplars import networks, published, random_face, tarred

INNER = ("female/512", "male/512")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "faces.archive"
    path.write_bytes(tarred({**published(3), "repo/male/512/99.jpg": b"\xff\xd8\xffdamaged"}))
    return path


def test_the_faces_of_the_archive(archive: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    assert build(archive, tmp_path / "out", INNER, networks(), lambda *step: seen.append(step)) == 3
    found = read_collection(tmp_path / "out")
    assert {face.source for face in found.faces} == {"female-512-0.jpg", "male-512-1.jpg", "female-512-2.jpg"}
    assert all(200 < face.side < 280 for face in found.faces)
    assert seen[-1][1] == archive.stat().st_size


def test_an_archive_without_faces(tmp_path: Path) -> None:
    path = tmp_path / "faces.archive"
    path.write_bytes(tarred({"repo/README.md": b""}))
    with pytest.raises(ScumbleError) as caught:
        build(path, tmp_path / "out", INNER, networks())
    assert caught.value.code == "weights_missing"
    assert not (tmp_path / "out" / INDEX).exists()


def test_a_lower_quality_until_it_fits() -> None:
    faces = [random_face(number, side=96) for number in range(6)]
    whole = sum(len(face.jpeg) for face in faces)
    assert [face.jpeg for face in fitting(faces, whole)] == [face.jpeg for face in faces]
    lower = fitting(faces, int(0.8 * whole))
    assert len(lower) == 6
    assert 0.5 * whole < sum(len(face.jpeg) for face in lower) <= 0.8 * whole
    assert decoded(lower[0].jpeg, 96).shape == (96, 96, 3)
    few = fitting(faces, whole // 4)
    assert 0 < len(few) < 6
    assert sum(len(face.jpeg) for face in few) <= whole // 4
