"""A collection's folder: whole at any moment, whatever writes, fails or was damaged."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scumble.faces.exemplars import collection
from scumble.faces.exemplars.collection import (
    INDEX,
    POINTS,
    THUMBNAIL,
    Writer,
    decoded,
    encoded,
    new_face,
    read_collection,
    thumbnail,
)
from scumble_client.errors import ScumbleError
from tests.support.exemplars import person, random_face


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "faces"


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def damage_index(folder: Path, change: Any) -> None:
    """Change the index as `change` does to its content."""
    path = folder / INDEX
    index = json.loads(path.read_text("utf-8"))
    change(index)
    path.write_text(json.dumps(index), "utf-8")


class TestRoundTrip:
    def test_what_is_stored_is_read(self, folder: Path) -> None:
        picture = person(0, 200)
        points = np.random.default_rng(0).random((POINTS, 2))
        Writer(folder).add([new_face(picture, points, "some/where/anna.jpg")])
        found = read_collection(folder)
        (face,) = found.faces
        assert (face.source, face.side) == ("anna.jpg", 200)
        assert face.points == pytest.approx(points, abs=1e-5)
        assert np.array_equal(found.thumbnails[0], thumbnail(picture))
        back = decoded((folder / face.file).read_bytes(), 200)
        assert np.abs(back.astype(int) - picture).mean() < 2
        assert found.notes == ()

    def test_thumbnails_are_means_over_areas(self) -> None:
        picture = person(0, 96)
        means = picture.reshape(THUMBNAIL, 3, THUMBNAIL, 3, 3).mean(axis=(1, 3))
        assert np.abs(thumbnail(picture) - means).max() <= 1, "rounded for each direction"

    def test_nobody_else_may_look(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        Writer(folder).add([random_face(0)])
        if os.name == "posix":
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_order_stays_and_the_same_face_is_stored_once(self, folder: Path) -> None:
        writer = Writer(folder)
        assert len(writer.add([random_face(2), random_face(1), random_face(2)])) == 2
        assert [face.source for face in writer.add([random_face(1), random_face(0)])] == ["0.jpg"]
        assert [face.source for face in read_collection(folder).faces] == ["2.jpg", "1.jpg", "0.jpg"]

    def test_removing_leaves_no_file_of_a_face(self, folder: Path) -> None:
        writer = Writer(folder)
        one, other = random_face(0), random_face(1)
        writer.add([one, other])
        assert writer.remove([one.digest]) == 1
        assert [face.digest for face in read_collection(folder).faces] == [other.digest]
        assert f"{one.digest}.jpg" not in files(folder)
        (folder / f"{'0' * 32}.jpg").write_bytes(b"left behind by a killed process")
        assert writer.remove() == 1
        assert not [name for name in files(folder) if name.endswith(".jpg")]
        assert Writer(folder / "nowhere").remove() == 0

    def test_replacing(self, folder: Path) -> None:
        writer = Writer(folder)
        writer.add([random_face(0), random_face(1)])
        writer.replace([random_face(1), random_face(2)])
        assert [face.source for face in read_collection(folder).faces] == ["1.jpg", "2.jpg"]
        assert len([name for name in files(folder) if name.endswith(".jpg")]) == 2

    def test_no_folder_is_no_face(self, folder: Path) -> None:
        found = read_collection(folder)
        assert (found.faces, found.notes, found.thumbnails.shape) == ((), (), (0, THUMBNAIL, THUMBNAIL, 3))
        assert not folder.exists()


class TestDamage:
    @pytest.fixture(autouse=True)
    def _filled(self, folder: Path) -> None:
        Writer(folder).add([random_face(number) for number in range(4)])

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"faces": 3}', b"\xff\xfe", b"[" * 100_000])
    def test_an_index_that_is_none(self, folder: Path, content: bytes) -> None:
        (folder / INDEX).write_bytes(content)
        found = read_collection(folder)
        assert found.faces == ()
        assert len(found.notes) == 1
        assert "can't be read" in found.notes[0]
        Writer(folder).add([random_face(9)])
        assert len(read_collection(folder).faces) == 1

    def test_an_index_of_another_version_is_not_overwritten(self, folder: Path) -> None:
        damage_index(folder, lambda index: index.update(form=2))
        assert "another version" in read_collection(folder).notes[0]
        before = files(folder)
        with pytest.raises(ScumbleError) as caught:
            Writer(folder).add([random_face(9)])
        assert caught.value.code == "version_mismatch"
        assert files(folder) == before

    @pytest.mark.parametrize(
        "entry",
        [
            {},
            None,
            {"file": "../../x.jpg"},
            {"side": "wide"},
            {"side": 10**9},
            {"side": True},
            {"points": [[0, 0]]},
            {"points": [[float("nan"), 0]] * POINTS},
            {"digest": 7},
        ],
    )
    def test_an_entry_that_is_no_use_costs_one_face(self, folder: Path, entry: Any) -> None:
        def change(index: dict[str, Any]) -> None:
            index["faces"][1] = {**index["faces"][1], **entry} if entry else entry

        damage_index(folder, change)
        found = read_collection(folder)
        assert [face.source for face in found.faces] == ["0.jpg", "2.jpg", "3.jpg"]
        assert len(found.thumbnails) == 3
        assert found.notes == (f"1 face in {folder} is damaged or gone.",)

    def test_a_picture_that_is_gone(self, folder: Path) -> None:
        second = read_collection(folder).faces[1]
        small = read_collection(folder).thumbnails[2]
        (folder / second.file).unlink()
        os.utime(folder / INDEX, ns=(0, 0))  # what was read is kept while the index is the same
        found = read_collection(folder)
        assert [face.source for face in found.faces] == ["0.jpg", "2.jpg", "3.jpg"]
        assert np.array_equal(found.thumbnails[1], small)
        assert len(found.notes) == 1

    @pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"gone"])
    def test_thumbnails_are_made_anew(self, folder: Path, content: bytes) -> None:
        before = read_collection(folder).thumbnails
        (path,) = folder.glob("thumbnails-*.npy")
        path.write_bytes(content) if content != b"gone" else path.unlink()
        os.utime(folder / INDEX, ns=(0, 0))
        found = read_collection(folder)
        assert len(found.faces) == 4
        assert np.abs(found.thumbnails.astype(int) - before).max() < 40, "of noise that went through a JPEG"
        assert len(found.notes) == 1
        Writer(folder).add([random_face(9)])
        assert read_collection(folder).notes == ()

    def test_a_pickle_in_the_place_of_thumbnails_is_not_run(self, folder: Path) -> None:
        (path,) = folder.glob("thumbnails-*.npy")
        with path.open("wb") as file:
            np.save(file, np.array([print], object), allow_pickle=True)
        os.utime(folder / INDEX, ns=(0, 0))
        assert len(read_collection(folder).faces) == 4

    @pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", encoded(person(0, 40))[:-200], encoded(person(0, 48))])
    def test_a_damaged_picture(self, data: bytes) -> None:
        with pytest.raises(ValueError, match=r".+"):
            decoded(data, 40)


class TestFullDisk:
    @pytest.mark.parametrize("room", range(6))
    def test_what_was_there_stays(self, folder: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        """Wherever in the writing it becomes full: at a picture, the thumbnails, or the index."""
        writer = Writer(folder)
        writer.add([random_face(0)])
        before = files(folder)
        written = 0
        replace = Path.replace

        def full(self: Path, target: Path) -> Path:
            nonlocal written
            written += 1
            if written > room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", full)
        more = [random_face(number) for number in (1, 2, 3)]
        if room < 5:
            with pytest.raises(ScumbleError) as caught:
                writer.add(more)
            assert caught.value.code == "internal"
            assert "The disk is full" in caught.value.message
            assert "Free some space" in caught.value.hint
            assert files(folder) == before
            assert [face.source for face in read_collection(folder).faces] == ["0.jpg"]
        else:
            writer.add(more)
            assert len(read_collection(folder).faces) == 4

    def test_a_folder_that_can_t_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(ScumbleError) as caught:
            Writer(tmp_path / "file" / "faces").add([random_face(0)])
        assert "could not be stored" in caught.value.message


ADD = """
import sys
from pathlib import Path
import numpy as np
from scumble.faces.exemplars.collection import Writer, new_face
first = int(sys.argv[2])
for number in range(first, first + 6):
    picture = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Writer(Path(sys.argv[1])).add([new_face(picture, np.zeros((49, 2)), f"{number}.jpg")])
"""


class TestTogether:
    def test_what_was_removed_while_it_was_read_is_not_called_damaged(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writer = Writer(folder)
        writer.add([random_face(0), random_face(1)])
        look = collection._names
        done: list[bool] = []

        def removed_meanwhile(where: Path) -> set[str]:
            if not done:
                done.append(True)
                writer.remove([random_face(1).digest])
            return look(where)

        monkeypatch.setattr(collection, "_names", removed_meanwhile)
        found = read_collection(folder)
        assert done
        assert (len(found.faces), found.notes) == (1, ())

    def test_readers_always_see_a_whole_state(self, folder: Path) -> None:
        writer = Writer(folder)
        writer.add([random_face(0)])
        stop = threading.Event()
        wrong: list[str] = []

        def read() -> None:
            while not stop.is_set():
                found = read_collection(folder)
                if found.notes or not found.faces or len(found.faces) != len(found.thumbnails):
                    wrong.append(f"{len(found.faces)} faces, {found.notes}")

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(1, 40):
            writer.add([random_face(number)])
            if number % 5 == 0:
                writer.remove([random_face(number - 2).digest])
        stop.set()
        reader.join()
        assert wrong == []

    def test_two_processes_lose_nothing(self, folder: Path) -> None:
        both = [subprocess.Popen([sys.executable, "-c", ADD, str(folder), first]) for first in ("0", "100")]
        assert [process.wait() for process in both] == [0, 0]
        assert len(read_collection(folder).faces) == 12
