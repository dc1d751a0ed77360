"""The artist's own portraits, added from the docker."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble import pictures
from scumble.faces.exemplars.collection import read_collection
from scumble_client.launch import LAUNCH_FILE
from tests.support.daemon import ROOT

from .harness.session import Krita


def _adds(k: Any, folder: str) -> Any:
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    docker.setVisible(True)
    yield lambda: k.studio.connection.state == "ready"
    docker.rebuild()
    docker.show_operation(k.studio.catalogue.find("inpaint"))
    elsewhere = docker.own_faces.isVisibleTo(docker)
    docker.show_operation(k.studio.catalogue.find("face-sketch"))
    shown, asks = docker.own_faces.isVisibleTo(docker), docker.own_faces.button.text()
    k.studio.own_faces.add([folder])
    busy, stops = k.studio.own_faces.busy, docker.own_faces.button.text()
    yield lambda: not k.studio.own_faces.busy
    return {
        "shown": [elsewhere, shown],
        "texts": [asks, stops, docker.own_faces.button.text()],
        "busy": busy,
        "said": docker.own_faces.said.text(),
    }


@pytest.fixture
def _launching(krita: Krita) -> Iterator[None]:
    """The editors' command leads to the code that is tested, wherever this Python's Scumble is installed from."""
    path = Path(krita.environment["SCUMBLE_CONFIG_DIR"]) / LAUNCH_FILE
    before = path.read_bytes()
    command = ["/usr/bin/env", f"PYTHONPATH={ROOT / 'backend'}", sys.executable, "-m", "scumble.daemon"]
    path.write_text(json.dumps({"command": command}))
    yield
    path.write_bytes(before)


@pytest.mark.usefixtures("_launching")
def test_a_folder_is_added(krita: Krita, tmp_path: Path) -> None:
    (tmp_path / "anna.webp").write_bytes(pictures.portrait().read_bytes())
    (tmp_path / "notes.txt").write_text("no picture")
    answer = krita.run(_adds, folder=str(tmp_path))
    assert answer["shown"] == [False, True]
    assert answer["texts"] == ["Add your own faces…", "Stop", "Add your own faces…"]
    assert answer["busy"]
    assert answer["said"] == ("1 face from 1 picture; 1 file is not a picture that can be read: notes.txt.")
    found = read_collection(Path(krita.environment["SCUMBLE_FACES"]))
    assert [face.source for face in found.faces] == ["anna.webp"]
