"""Adding one's own portraits: folders are gone through, what is no use is said, what was found is kept."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scumble.faces.exemplars import adding
from scumble.faces.exemplars.adding import Summary, add_portraits, files_in
from scumble.faces.exemplars.collection import Writer, read_collection
from scumble.faces.exemplars.cutting import CutOut
from scumble.imaging.layer import Layer
from scumble_client.errors import ScumbleError
from tests.support import needs
from tests.support.exemplars import networks, person, random_face, save


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def sources(own: Path) -> list[str]:
    return [face.source for face in read_collection(own).faces]


class TestFiles:
    def test_folders_are_gone_through_and_hidden_ones_left_out(self, photos: Path) -> None:
        for name in ("b.jpg", "a/c.png", "a/deep/d.jpg", ".hidden/e.jpg", "a/.DS_Store"):
            (photos / name).parent.mkdir(parents=True, exist_ok=True)
            (photos / name).write_bytes(b"x")
        found = [file.relative_to(photos).as_posix() for file in files_in([photos])]
        assert found == ["a/c.png", "a/deep/d.jpg", "b.jpg"]

    @needs.links
    def test_a_folder_that_leads_back_to_itself(self, photos: Path) -> None:
        (photos / "a").mkdir()
        (photos / "a" / "b.jpg").write_bytes(b"x")
        (photos / "a" / "up").symlink_to(photos, target_is_directory=True)
        (photos / "again.jpg").symlink_to(photos / "a" / "b.jpg")
        assert len(files_in([photos, photos / "a" / "b.jpg"])) == 1

    def test_a_path_that_leads_nowhere(self, photos: Path) -> None:
        with pytest.raises(ScumbleError) as caught:
            files_in([photos / "none.jpg"])
        assert caught.value.code == "missing_input"
        assert caught.value.message == "There is no “none.jpg”."

    def test_an_empty_folder(self, photos: Path, own: Path) -> None:
        with pytest.raises(ScumbleError) as caught:
            add_portraits([photos], own, networks())
        assert caught.value.message == "There is no picture in “photos”."
        assert not own.exists()


def test_a_folder_with_all_kinds_of_files(photos: Path, own: Path) -> None:
    save(photos / "anna.jpg", person(0))
    save(photos / "sub" / "bert.png", person(1))
    save(photos / "wall.png", np.full((120, 160, 3), 200, np.uint8))
    (photos / "notes.txt").write_text("no picture")
    (photos / "raw.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (photos / "half.jpg").write_bytes((photos / "anna.jpg").read_bytes()[:300])
    (photos / "empty.png").write_bytes(b"")
    seen: list[tuple[int, int, str]] = []
    summary = add_portraits([photos], own, networks(), lambda *step: seen.append(step))
    assert (summary.faces, summary.pictures, summary.known, summary.looked_at) == (2, 2, 0, 3)
    assert summary.empty == ["wall.png"]
    assert sorted(summary.unreadable) == ["empty.png", "half.jpg", "notes.txt", "raw.heic"]
    assert sources(own) == ["anna.jpg", "bert.png"]
    assert seen[0] == (0, 7, "anna.jpg")
    assert seen[-1] == (7, 7, "")
    assert [done for done, _, _ in seen] == list(range(8))


def test_a_folder_without_faces(photos: Path, own: Path) -> None:
    save(photos / "wall.png", np.full((120, 160, 3), 200, np.uint8))
    assert add_portraits([photos], own, networks()) == Summary(empty=["wall.png"], looked_at=1)
    assert sources(own) == []


def test_the_same_photograph_again_in_another_size_and_file(photos: Path, own: Path) -> None:
    save(photos / "anna.jpg", person(0))
    add_portraits([photos], own, networks())
    assert add_portraits([photos], own, networks()).known == 1
    smaller = np.array(Image.fromarray(person(0)).resize((180, 180), Image.Resampling.LANCZOS))
    save(photos / "small.jpg", smaller)
    summary = add_portraits([photos / "small.jpg"], own, networks())
    assert (summary.faces, summary.known) == (0, 1)
    assert sources(own) == ["anna.jpg"]


def test_a_photograph_that_lies_on_its_side(photos: Path, own: Path) -> None:
    """As cameras store it: the pixels turned, and a remark on how to hold them."""
    exif = Image.Exif()
    exif[0x0112] = 6
    save(photos / "turned.jpg", np.rot90(person(0)), exif=exif)
    assert add_portraits([photos], own, networks()).faces == 1


class Faked:
    """Each picture shows one random face, so that adding takes no time."""

    def __init__(self) -> None:
        self.looked_at = 0

    def __call__(self, picture: Layer, source: str, _: object) -> CutOut:
        self.looked_at += 1
        return CutOut((random_face(self.looked_at, source=source),), ())


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> Faked:
    made = Faked()
    monkeypatch.setattr(adding, "cut_out", made)
    monkeypatch.setattr(adding, "STORED_EACH", 3)
    return made


def many(photos: Path, count: int = 10) -> None:
    for number in range(count):
        save(photos / f"{number}.png", np.full((4, 4, 3), 9, np.uint8))


def test_ctrl_c_keeps_what_was_found(photos: Path, own: Path, faked: Faked) -> None:
    many(photos)

    def stop(done: int, _: int, __: str) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_portraits([photos], own, networks(), stop)
    assert sources(own) == [f"{number}.png" for number in range(5)]
    assert read_collection(own).notes == ()


def test_a_full_disk_keeps_what_was_stored(
    photos: Path, own: Path, faked: Faked, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(photos)
    replace, room = Path.replace, 7  # three faces with thumbnails and index, and two more faces

    def full(self: Path, target: Path) -> Path:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room -= 1
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ScumbleError) as caught:
        add_portraits([photos], own, networks())
    assert "The disk is full" in caught.value.message
    assert sources(own) == ["0.png", "1.png", "2.png"]
    assert faked.looked_at == 6, "it does not go on in vain"


def test_what_another_process_added_in_between_is_counted_once(photos: Path, own: Path, faked: Faked) -> None:
    many(photos, 2)

    def meanwhile(done: int, _: int, __: str) -> None:
        if done == 1:
            Writer(own).add([random_face(1, source="other.png")])

    summary = add_portraits([photos], own, networks(), meanwhile)
    assert (summary.faces, summary.known) == (1, 1)
    assert sources(own) == ["other.png", "1.png"]
