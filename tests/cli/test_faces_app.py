"""`scumble faces`, and `scumble weights pull face-library` against a web server on this machine."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scumble.faces.exemplars.library import open_libraries
from scumble.weights import Manifest, load_manifest, store
from tests.support.commands import Call
from tests.support.daemon import Folders
from tests.support.exemplars import person, published, save, tarred, zipped
from tests.weights.conftest import FileServer
from tests.weights.conftest import server as server  # the fixture

WALL = np.full((120, 160, 3), 200, np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two portraits, a wall, and a text."""
    folder = tmp_path / "photos"
    save(folder / "anna.jpg", person(0))
    save(folder / "bert.jpg", person(1))
    save(folder / "wall.png", WALL)
    (folder / "notes.txt").write_text("no picture")
    return folder


class TestAdd:
    def test_it_says_what_came_of_it(self, alone: Call, photos: Path) -> None:
        assert alone("faces", "add", photos).done().out == (
            "2 faces from 2 pictures; 1 picture shows no face: wall.png; "
            "1 file is not a picture that can be read: notes.txt\n"
        )
        assert len(open_libraries()) == 2
        again = alone("faces", "add", photos / "anna.jpg").done().out
        assert again == "0 faces from 0 pictures; 1 face is there already\n"

    def test_json(self, alone: Call, photos: Path) -> None:
        found = alone("faces", "add", photos, "--json").done().json
        assert (found["faces"], found["pictures"], found["empty"]) == (2, 2, ["wall.png"])

    def test_for_programs(self, alone: Call, photos: Path) -> None:
        lines = [json.loads(line) for line in alone("faces", "add", photos, "--porcelain").done().out.splitlines()]
        assert lines[0] == {"event": "progress", "done": 0, "total": 4, "name": "anna.jpg"}
        assert lines[-1]["event"] == "done"
        assert lines[-1]["faces"] == 2
        assert lines[-1]["sentence"].startswith("2 faces from 2 pictures")
        ran = alone("faces", "add", photos / "wall.png", "--porcelain")
        assert ran.code == 2
        assert json.loads(ran.out.splitlines()[-1])["message"] == "No face was found in “wall.png”."

    def test_a_folder_without_faces(self, alone: Call, tmp_path: Path) -> None:
        save(tmp_path / "walls" / "wall.png", WALL)
        line = alone("faces", "add", tmp_path / "walls").refused()
        assert line.startswith("No face was found in “walls”. Choose photographs")

    def test_a_folder_without_pictures(self, alone: Call, tmp_path: Path) -> None:
        (tmp_path / "texts").mkdir()
        (tmp_path / "texts" / "notes.txt").write_text("no picture")
        assert "There is no picture that can be read in “texts”." in alone("faces", "add", tmp_path / "texts").refused()

    def test_faces_that_are_no_use(self, alone: Call, tmp_path: Path) -> None:
        save(tmp_path / "small.png", person(0, 80))
        line = alone("faces", "add", tmp_path / "small.png").refused()
        assert line.startswith("No face in “small.png” can be used: 1 face too small.")

    def test_a_path_that_leads_nowhere(self, alone: Call, photos: Path) -> None:
        assert alone("faces", "add", photos, photos / "nowhere").refused().startswith("There is no “nowhere”.")
        assert len(open_libraries()) == 0

    def test_a_full_disk(self, alone: Call, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        alone("faces", "add", photos / "anna.jpg").done()

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as disk:
            disk.setattr(Path, "replace", full)
            line = alone("faces", "add", photos).refused(3)
        assert line.startswith(
            "The disk is full: the faces do not fit; those from before are all there. Free some space"
        )
        assert open_libraries().sources == ("anna.jpg",)


class TestList:
    def test_nothing_is_here(self, alone: Call) -> None:
        lines = alone("faces", "list").done().out.splitlines()
        assert lines == [
            "There are no faces of your own. Add some: scumble faces add FOLDER",
            "face-library: not here. Get it with: scumble weights pull face-library",
        ]

    def test_own_ones(self, alone: Call, photos: Path) -> None:
        alone("faces", "add", photos).done()
        lines = [line.split() for line in alone("faces", "list").done().out.splitlines()]
        assert lines[0] == ["name", "size", "from"]
        assert [line[-1] for line in lines[1:3]] == ["anna.jpg", "bert.jpg"]
        found = alone("faces", "list", "--json").done().json
        assert [face["source"] for face in found["own"]] == ["anna.jpg", "bert.jpg"]
        assert found["own"][0]["name"] == lines[1][0]
        assert Path(found["own"][0]["path"]).is_file()
        assert found["pulled"]["faces"] == 0

    def test_a_damaged_index_is_a_note(self, alone: Call, folders: Folders) -> None:
        (folders.base / "faces").mkdir(mode=0o700)
        (folders.base / "faces" / "index.json").write_text("{")
        ran = alone("faces", "list").done()
        assert len(ran.notes) == 1


class TestRemove:
    @pytest.fixture(autouse=True)
    def _added(self, alone: Call, photos: Path) -> None:
        alone("faces", "add", photos).done()

    def test_by_photograph(self, alone: Call) -> None:
        assert alone("faces", "remove", "anna.jpg").done().out == "1 face removed\n"
        assert open_libraries().sources == ("bert.jpg",)

    def test_by_name(self, alone: Call) -> None:
        name = alone("faces", "list", "--json").done().json["own"][1]["name"]
        alone("faces", "remove", name).done()
        assert open_libraries().sources == ("anna.jpg",)

    def test_all(self, alone: Call, folders: Folders, photos: Path) -> None:
        alone("faces", "remove", "--all").done()
        assert len(open_libraries()) == 0
        assert list((folders.base / "faces").glob("*.jpg")) == []
        assert (photos / "anna.jpg").exists()

    def test_an_unknown_name_is_said_before_anything_is_removed(self, alone: Call) -> None:
        assert "Did you mean bert.jpg?" in alone("faces", "remove", "anna.jpg", "brt.jpg").refused()
        assert len(open_libraries()) == 2

    def test_nothing_or_both(self, alone: Call) -> None:
        assert alone("faces", "remove").refused().startswith("What should be removed?")
        alone("faces", "remove", "anna.jpg", "--all").refused()
        assert len(open_libraries()) == 2


class TestPull:
    @pytest.fixture(autouse=True)
    def _from_here(self, folders: Folders, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """The shipped manifest, but for the address."""
        shipped = load_manifest()
        here = dataclasses.replace(shipped["face-library"], url=server.url)
        changed = Manifest({**shipped.entries, "face-library": here}, shipped.directory)
        monkeypatch.setattr(store, "load_manifest", lambda: changed)

    @pytest.mark.parametrize("form", [tarred, zipped])
    def test_a_collection_is_built(
        self, alone: Call, folders: Folders, server: FileServer, form: Callable[[dict[str, bytes]], bytes]
    ) -> None:
        server.content = form(published(2))
        ran = alone("weights", "pull", "face-library").done()
        assert "licence CC0-1.0" in ran.notes[0]
        folder = folders.base / "weights" / "face-library"
        assert ran.out == f"face-library: {folder}\n"
        assert sorted(open_libraries().sources) == ["female-512-0.jpg", "male-512-1.jpg"]
        assert not list(folder.parent.glob("*.archive"))
        assert "face-library: 2 faces, " in alone("faces", "list").done().out
        (check,) = (c for c in alone("weights", "verify", "--json").done().json if c["name"] == "face-library")
        assert check["ok"]
        (entry,) = (e for e in alone("weights", "list", "--json").done().json if e["name"] == "face-library")
        assert entry["state"] == "present"

    def test_own_faces_stay_when_it_is_removed(
        self, alone: Call, server: FileServer, photos: Path, folders: Folders
    ) -> None:
        server.content = tarred(published(1))
        alone("faces", "add", photos / "bert.jpg").done()
        alone("weights", "pull", "face-library").done()
        assert len(open_libraries()) == 2
        assert alone("faces", "remove", "face-library").done().out == "face-library was removed.\n"
        assert open_libraries().sources == ("bert.jpg",)
        assert not (folders.base / "weights" / "face-library").exists()
        assert "not here" in alone("faces", "remove", "face-library").refused()

    def test_what_is_no_archive(self, alone: Call, server: FileServer, folders: Folders) -> None:
        server.content = b"<html>not found</html>" * 100
        assert "can't be used" in alone("weights", "pull", "face-library").refused(3)
        assert not list((folders.base / "weights").glob("*.archive"))
