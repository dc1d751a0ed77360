"""Files that roles are given from: what a saved picture tells of them, and that Run Again finds them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble_client.editor.settings import SETTINGS_FILE
from tests.editors.files_of_roles import FilesOfRoles, colour_of, leaks, paint
from tests.support.editor_operations import FILES

from .harness.session import Gimp


def _made(g: Any, files: dict[str, str], others: dict[str, str], path: str) -> Any:
    """Run on a picture that was never saved, save it, run again, save it again; what the results show.

    `others` are files that are opened as pictures of their own, and saved beside as XCF: their layers are given.
    """
    image = g.new(8, 6)
    source = g.layer(image, "Picture", (0, 0, 8, 6), colour=(1, 2, 3, 255))
    arguments = {f"{role}_file": g.Gio.File.new_for_path(file) for role, file in files.items()}
    for role, file in others.items():
        g.save(g.open(file), file + ".xcf")
        arguments[role] = g.open(file + ".xcf").get_layers()[0]
    shown = []
    for _ in range(2):
        answer = g.call("scumble-test-files", image, [source], **arguments)
        assert answer["status"] == "success", answer["error"]
        data = g.pixels(answer["layer"], rect=(0, 0, 6, 1))
        shown.append([list(data[i : i + 4]) for i in range(0, 24, 4)])
        g.save(image, path)
        image.set_file(g.Gio.File.new_for_path(path))  # as File ▸ Save does
    parasites = [layer.get_parasite("scumble-request") for layer in image.get_layers()[1::-1]]
    return shown, ["".join(chr(byte & 255) for byte in one.get_data()) for one in parasites]


def _again(g: Any, path: str) -> Any:
    """Open the picture and run its newest result again; what the new one shows, or the error."""
    image = g.open(path)
    old = next(layer for layer in image.get_layers() if layer.get_name().startswith("Files"))
    answer = g.call("scumble-run-again", image, [old])
    if answer["status"] != "success":
        return [], answer["error"]
    data = g.pixels(answer["layer"], rect=(0, 0, 6, 1))
    return [list(data[i : i + 4]) for i in range(0, 24, 4)], ""


@pytest.fixture
def base(gimp: Gimp) -> Iterator[Path]:
    """A folder that GIMP sees, too."""
    made = gimp.home.base / "files"
    made.mkdir()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def saved(gimp: Gimp, base: Path) -> tuple[FilesOfRoles, Path]:
    """A picture with results of files for every role, saved."""
    files = FilesOfRoles(base, base / "secret-home" / "work")
    path = files.document / "picture.xcf"
    shown, notes = gimp.run(_made, files=files.make(), others={}, path=str(path))
    assert shown == [files.expected] * 2
    for note in notes:
        sources = json.loads(note)["sources"]
        assert {role: sources[role]["name"] for role in FILES} == {role: f"{role}-file.png" for role in FILES}
    assert [json.loads(note)["sources"]["reference"].get("path", "") for note in notes] == [
        "",
        "beside/reference-file.png",
    ]
    return files, path


def test_a_saved_picture_tells_nothing_of_the_artists_folders(saved: tuple[FilesOfRoles, Path]) -> None:
    files, path = saved
    assert leaks(path, files.base) == []


def test_other_pictures_whose_layers_were_given_are_kept_and_found_as_files(gimp: Gimp, base: Path) -> None:
    files = FilesOfRoles(base, base / "secret-home" / "work")
    path = files.document / "picture.xcf"
    shown, notes = gimp.run(_made, files={}, others=files.make(), path=str(path))
    assert shown == [files.expected] * 2
    assert leaks(path, base) == []
    assert json.loads(notes[1])["sources"]["style"]["name"] == "style-file.png.xcf"
    assert gimp.run(_again, path=str(path)) == [files.expected, ""]


def test_run_again_finds_the_files_on_this_machine(gimp: Gimp, saved: tuple[FilesOfRoles, Path]) -> None:
    files, path = saved
    assert gimp.run(_again, path=str(path)) == [files.expected, ""]


def test_a_picture_that_came_from_elsewhere_says_which_file_it_needs_and_takes_it_from_beside(
    gimp: Gimp, saved: tuple[FilesOfRoles, Path]
) -> None:
    files, path = saved
    (gimp.home.base / "config" / "scumble" / SETTINGS_FILE).unlink()  # another machine: nothing is remembered
    folder = files.base / "received"
    files.document.rename(folder)
    for role in FILES[:-1]:
        next(files.base.rglob(f"{role}-file.png")).unlink()
    shown, said = gimp.run(_again, path=str(folder / path.name))
    assert shown == []
    assert said == "The file “style-file.png” for “Style” was not found. Put it beside the picture, or choose it anew."
    for role in FILES[:-1]:
        paint(folder / f"{role}-file.png", role)
    assert gimp.run(_again, path=str(folder / path.name)) == [files.expected, ""]


def _old(g: Any, body: str, path: str) -> Any:
    """A picture of an earlier version: its result names a file by an absolute path."""
    image = g.new(8, 6)
    g.layer(image, "Picture", (0, 0, 8, 6), colour=(1, 2, 3, 255))
    layer = g.layer(image, "Files 1", (0, 0, 8, 6), colour=(1, 2, 3, 255))
    layer.attach_parasite(g.Gimp.Parasite.new("scumble-request", 3, body.encode("ascii")))
    g.save(image, path)


@pytest.mark.parametrize("moved", [False, True])
def test_a_picture_of_before_with_an_absolute_path_still_runs_again(gimp: Gimp, base: Path, moved: bool) -> None:
    file = paint(base / "far" / "old.png", "marked")
    sources = {"image": {"kind": "layer", "name": "Picture"}, "marked": {"kind": "file", "path": str(file)}}
    body = {"format": 1, "operation": "test-files", "parameters": {}, "seed": 1, "sources": sources}
    gimp.run(_old, body=json.dumps(body), path=str(base / "old.xcf"))
    if moved:
        file.rename(base / "old.png")
    expected = [[*colour_of(role), 255] if role == "marked" else [0, 0, 0, 0] for role in FILES]
    assert gimp.run(_again, path=str(base / "old.xcf")) == [expected, ""]
