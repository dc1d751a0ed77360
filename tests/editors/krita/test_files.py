"""Files that roles are given from: what a saved document tells of them, and that Run Again finds them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.editors.files_of_roles import FilesOfRoles, colour_of, leaks, paint
from tests.support.editor_operations import FILES

from .harness.session import Krita


def _colours(layer: Any) -> Any:
    """What a result layer of `test-files` shows."""
    data = bytes(layer.pixelData(0, 0, 6, 1))  # blue, green, red, alpha
    return [[data[i + 2], data[i + 1], data[i], data[i + 3]] for i in range(0, 24, 4)]


def _made(k: Any, files: dict[str, str], path: str) -> Any:
    """Run on a document that was never saved, save it, run again, save it again."""
    document = yield from k.new(8, 6, pixels=bytes((1, 2, 3, 255)) * 48)
    source = k.module("scumble_client.editor.roles").Source
    for role, file in files.items():
        k.studio.choose(document, "test-files", role, source("file", path=file))
    document.setBatchmode(True)
    seen = []
    for count in (2, 3):
        k.trigger("scumble_test-files")
        yield lambda count=count: len(k.layers(document)) == count
        yield k.idle
        made = [n for n in document.topLevelNodes() if n.name().startswith("Files")]
        seen.append([k.module("harness_colours")(n) for n in made])
        assert document.saveAs(path)
        yield 0.2
    yield from k.close(document)
    return seen


def _again(k: Any, path: str) -> Any:
    """Open the document and run its newest result, the uppermost one, again; what the new one shows, and what was said."""
    del k.studio.messages[:]
    document = yield from k.open(path)
    before = [n for n in document.topLevelNodes() if n.name().startswith("Files")]
    document.setActiveNode(before[-1])
    yield lambda: document.activeNode() == before[-1]
    k.trigger("scumble_run_again")
    yield lambda: k.said()
    yield k.idle
    made = [n for n in document.topLevelNodes() if n.name().startswith("Files") and n not in before]
    return [k.module("harness_colours")(n) for n in made], k.said()


@pytest.fixture
def saved(krita: Krita, tmp_path: Path) -> tuple[FilesOfRoles, Path]:
    """A document with results of files for every role, saved."""
    files = FilesOfRoles(tmp_path, tmp_path / "secret-home" / "work")
    path = files.document / "picture.kra"
    krita.lend(_colours)
    seen = krita.run(_made, files=files.make(), path=str(path))
    assert seen == [[files.expected], [files.expected] * 2]
    return files, path


def test_a_saved_document_tells_nothing_of_the_artists_folders(saved: tuple[FilesOfRoles, Path]) -> None:
    files, path = saved
    assert leaks(path, files.base) == []
    with zipfile.ZipFile(path) as archive:
        notes = [archive.read(name) for name in archive.namelist() if "/annotations/scumble-" in name]
    assert len(notes) == 2
    for note in notes:
        sources = json.loads(note)["sources"]
        assert {role: source["name"] for role, source in sources.items() if role != "image"} == {
            role: f"{role}-file.png" for role in FILES
        }
    assert sorted(json.loads(note)["sources"]["reference"].get("path", "") for note in notes) == [
        "",
        "beside/reference-file.png",
    ]


def test_run_again_finds_the_files_on_this_machine(krita: Krita, saved: tuple[FilesOfRoles, Path]) -> None:
    files, path = saved
    shown, said = krita.run(_again, path=str(path))
    assert shown == [files.expected], said


def test_a_document_that_came_from_elsewhere_says_which_file_it_needs_and_takes_it_from_beside(
    krita: Krita, saved: tuple[FilesOfRoles, Path], tmp_path: Path
) -> None:
    files, path = saved
    krita.run("def main(k):\n    k.studio.settings.path.unlink()")  # another machine: nothing is remembered
    folder = tmp_path / "received"
    files.document.rename(folder)
    for role in FILES[:-1]:
        next(files.base.rglob(f"{role}-file.png")).unlink()
    shown, said = krita.run(_again, path=str(folder / path.name))
    assert shown == []
    assert said == [
        "The file “style-file.png” for “Style” was not found. Put it beside the picture, or choose it anew."
    ]
    for role in FILES[:-1]:
        paint(folder / f"{role}-file.png", role)
    shown, said = krita.run(_again, path=str(folder / path.name))
    assert shown == [files.expected], said


def _old(k: Any, file: str, path: str) -> Any:
    """A document of an earlier version: its result names a file by an absolute path."""
    document = yield from k.new(8, 6, pixels=bytes((1, 2, 3, 255)) * 48)
    layer = document.createNode("Files 1", "paintlayer")
    document.rootNode().addChildNode(layer, document.topLevelNodes()[0])
    yield lambda: document.activeNode() == layer
    background = document.topLevelNodes()[0]
    body = {
        "format": 1,
        "operation": "test-files",
        "parameters": {},
        "seed": 1,
        "sources": {
            "image": {"kind": "layer", "id": background.uniqueId().toString(), "name": "Background"},
            "marked": {"kind": "file", "path": file},
        },
    }
    import json

    key = "scumble-" + layer.uniqueId().toString().strip("{}")
    document.setAnnotation(key, "Scumble", k.bytes(json.dumps(body).encode()))
    document.setBatchmode(True)
    assert document.saveAs(path)
    yield 0.2
    yield from k.close(document)


@pytest.mark.parametrize("moved", [False, True])
def test_a_document_of_before_with_an_absolute_path_still_runs_again(krita: Krita, tmp_path: Path, moved: bool) -> None:
    file = paint(tmp_path / "far" / "old.png", "marked")
    path = tmp_path / "old.kra"
    krita.lend(_colours)
    krita.run(_old, file=str(file), path=str(path))
    if moved:
        file.rename(tmp_path / "old.png")
    shown, said = krita.run(_again, path=str(path))
    assert shown == [[[*colour_of(role), 255] if role == "marked" else [0, 0, 0, 0] for role in FILES]], said
