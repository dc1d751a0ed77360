"""What a file needs besides Scumble comes with it into an engine that was set up from an editor: whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scumble_client import Client, Pixels, Request, ScumbleError
from scumble_client.fetching import Fetch
from scumble_client.setup import places
from scumble_client.setup.parts import ADDING, parts_of
from tests.support.daemon import Daemon, Folders, ending, square, wait_for
from tests.support.file_server import FileServer
from tests.support.linked_engine import environment_for, linked_engine, parts_index
from tests.support.onnx_graph import graph
from tests.support.own_manifest import entry
from tests.support.package_index import PackageIndex, serving
from tests.weights.conftest import server as server  # the fixture

LONG = 180.0
"""Seconds for what waits for processes, on a busy machine."""

PROGRAM = graph()
SHA256 = hashlib.sha256(PROGRAM).hexdigest()
OURS = "With it comes onnxruntime, which runs it: about 30 MB."


@dataclass
class Place:
    """A daemon out of an engine, and what an artist's editor sees of it."""

    engine: Path
    folders: Folders
    daemon: Daemon
    client: Client

    def entry(self) -> dict[str, Any]:
        return next(one for one in self.client.call("weights").body["weights"] if one["name"] == "migan")

    def everything(self) -> set[str]:
        """What lies in the environment, but for what Python writes there when it loads something."""
        environment = self.engine / "env"
        found = {one.relative_to(environment).as_posix() for one in environment.rglob("*")}
        return {one for one in found if "__pycache__" not in one}

    def get(self) -> Fetch:
        return self.client.get_weights("migan")

    def refusal(self) -> ScumbleError:
        with pytest.raises(ScumbleError) as caught:
            self.get().wait(LONG)
        return caught.value


@pytest.fixture
def index() -> Iterator[PackageIndex]:
    with serving(parts_index()) as made:
        yield made


@pytest.fixture
def start(
    tmp_path: Path, server: FileServer, index: PackageIndex, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Place]]:
    made: list[Place] = []
    folders = Folders(tmp_path)
    server.content = PROGRAM

    def begin(pip: bool = True, ours: bool = True) -> Place:
        (tmp_path / "own.toml").write_text(
            entry("migan", server.url, file="migan.onnx", size=len(PROGRAM), sha256=SHA256), encoding="utf-8"
        )
        folders.environment |= {"SCUMBLE_MANIFEST": str(tmp_path / "own.toml"), **environment_for(index, tmp_path)}
        for name in ("SCUMBLE_RUNTIME_DIR", "SCUMBLE_CONFIG_DIR"):
            monkeypatch.setenv(name, folders.environment[name])
        engine = linked_engine(tmp_path / "data", pip)
        if not ours:
            (engine / places.MARKER).unlink()
        daemon = Daemon(folders, "--device", "cpu", python=str(places.python_in(engine)))
        made.append(Place(engine, folders, daemon, Client("test", launch=False)))
        return made[-1]

    with ending(folders):
        yield begin
        for one in made:
            one.client.close()
            one.daemon.stop()
    shutil.rmtree(folders.runtime, ignore_errors=True)


def fill(place: Place) -> Any:
    roles = {"image": square(200, 64), "mask": Pixels(bytes([255]) * 256, 16, 16, "gray", x=20, y=20)}
    wanted = Request("inpaint", roles, {"method": "network", "weights": "migan"})
    return place.client.wait(place.client.submit(wanted), LONG)


def test_it_comes_with_the_file_and_workers_that_run_have_it(start: Callable[..., Place], index: PackageIndex) -> None:
    place = start()
    assert (place.entry()["needs"], place.entry()["brings"]) == (OURS, True)
    with pytest.raises(ScumbleError) as missing:
        fill(place)
    assert missing.value.code == "weights_missing"
    told: list[str] = []
    fetch = place.get()

    def over() -> bool:
        told.append(fetch.message)
        return fetch.ended

    wait_for(over, LONG)
    fetch.wait(0)
    assert "Looking for onnxruntime" in told
    assert (place.entry()["state"], place.entry()["needs"], place.entry()["brings"]) == ("present", "", False)
    assert fill(place).request["weights"] == {"migan": SHA256}
    assert [one.requirement for one in parts_of(place.engine)] == ["onnxruntime>=1.17"], "as Scumble's own package asks"
    assert not (place.engine / ADDING).exists()
    assert not index.asked_for("numpy"), "what is there stays as it is"
    log = place.folders.log.read_text()
    assert "Collecting onnxruntime" in log


def test_another_pythons_pip_serves_an_engine_without_one(start: Callable[..., Place]) -> None:
    place = start(pip=False)
    place.get().wait(LONG)
    assert place.entry()["needs"] == ""


def test_a_file_that_is_here_gets_what_runs_it(start: Callable[..., Place], server: FileServer) -> None:
    place = start()
    weights = place.folders.base / "weights"
    weights.mkdir(exist_ok=True)
    (weights / "migan.onnx").write_bytes(PROGRAM)
    assert (place.entry()["state"], place.entry()["needs"]) == ("present", OURS)
    place.get().wait(LONG)
    assert place.entry()["needs"] == ""
    assert server.requests == [], "the file is not fetched again"


@pytest.mark.parametrize("what", ["none", "unreachable", "broken"])
def test_what_fails_leaves_the_engine_as_it_was(
    start: Callable[..., Place], index: PackageIndex, server: FileServer, what: str
) -> None:
    if what == "none":
        index.wheels.clear()
    elif what == "unreachable":
        index.status = 503
    else:
        index.wheels = parts_index(broken=True).wheels
    place = start()
    before = place.everything()
    error = place.refusal()
    said = {
        "none": (
            "The package index has no onnxruntime for this engine's Python and this system.",
            "Choose other weights.",
        ),
        "unreachable": ("The line to the package index broke.", "Look at the connection"),
        "broken": ("onnxruntime does not run on this system.", "Choose other weights"),
    }[what]
    assert error.message == said[0]
    assert error.hint.startswith(said[1])
    assert place.everything() == before
    assert not (place.engine / ADDING).exists()
    assert server.requests == [], "a file that nothing can run is not fetched"
    assert fill_with_own(place)
    index.wheels, index.status = parts_index().wheels, 200
    place.get().wait(LONG)
    assert place.entry()["needs"] == ""


def fill_with_own(place: Place) -> bool:
    """The engine goes on without."""
    roles = {"image": square(200, 64), "mask": Pixels(bytes([255]) * 256, 16, 16, "gray", x=20, y=20)}
    return bool(place.client.wait(place.client.submit(Request("inpaint", roles)), LONG).layers)


def test_what_is_cancelled_is_taken_away(start: Callable[..., Place], index: PackageIndex) -> None:
    index.wheels = parts_index(3_000_000).wheels
    index.bytes_per_second = 200_000
    place = start()
    before = place.everything()
    fetch = place.get()
    wait_for(lambda: "Fetching onnxruntime" in fetch.message and fetch.done > 0, LONG)
    assert fetch.total
    assert place.entry()["needs"] == OURS, "while it is added, it is not here"
    place.client.cancel_weights(fetch)
    with pytest.raises(ScumbleError, match="cancelled"):
        fetch.wait(LONG)
    wait_for(lambda: not (place.engine / ADDING).exists(), LONG)
    assert place.everything() == before
    index.bytes_per_second = 0
    place.get().wait(LONG)


def test_the_daemon_ends_in_the_middle(start: Callable[..., Place], index: PackageIndex) -> None:
    index.wheels = parts_index(3_000_000).wheels
    index.bytes_per_second = 200_000
    place = start()
    before = place.everything()
    fetch = place.get()
    wait_for(lambda: "Fetching onnxruntime" in fetch.message, LONG)
    assert place.daemon.stop() == 0
    wait_for(lambda: not (place.engine / ADDING).exists(), LONG)
    assert place.everything() == before


def test_what_a_power_cut_has_left_is_removed_by_the_next_try(start: Callable[..., Place]) -> None:
    place = start()
    [packages] = (place.engine / "env").glob("lib/python3*/site-packages")
    there = {"before": sorted(_listed(place.engine / "env"))}
    places.write_json(place.engine / ADDING, there)
    (packages / "onnxruntime").mkdir()
    (packages / "onnxruntime" / "__init__.py").write_text("half a fi")
    (packages / "leftover.py").write_text("")
    assert place.entry()["needs"] == OURS, "half a package is none"
    place.get().wait(LONG)
    assert place.entry()["needs"] == ""
    assert not (packages / "leftover.py").exists()
    assert fill(place).layers


def _listed(folder: Path) -> list[str]:
    return [
        one.relative_to(folder).as_posix() + ("/" if one.is_dir() and not one.is_symlink() else "")
        for one in folder.rglob("*")
    ]


def test_elsewhere_a_sentence_says_what_to_do(start: Callable[..., Place], index: PackageIndex) -> None:
    place = start(ours=False)
    found = place.entry()
    assert not found["brings"]
    python = places.python_in(place.engine)
    assert found["needs"].endswith(f"In a terminal there: {python} -m pip install onnxruntime")
    place.get().wait(LONG)
    assert place.entry()["state"] == "present"
    assert place.entry()["needs"] == found["needs"]
    assert index.requests == [], "what is not ours stays as it is"


def test_what_cannot_be_written_says_so(start: Callable[..., Place]) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    place = start()
    (place.engine / "env").chmod(0o500)
    assert "can't be written" in place.refusal().message
