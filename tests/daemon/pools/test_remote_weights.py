"""The weights of the box in the next room: its list comes to the laptop, and what the laptop asks for is fetched there."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble_client import Client, ScumbleError
from tests.conftest import _enter
from tests.support.daemon import wait_for
from tests.support.file_server import CONTENT
from tests.support.own_manifest import write
from tests.support.two_machines import two_machines
from tests.weights.conftest import FileServer
from tests.weights.conftest import server as server  # the fixture


def test_weights_are_those_of_the_box(tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with two_machines(tmp_path) as machines:
        own = write(tmp_path / "own.toml", server)
        machines.box_folders.environment["SCUMBLE_MANIFEST"] = str(own)
        machines.start_box()
        _enter(machines.box_folders, monkeypatch)
        with Client("test", launch=False) as client:
            port = machines.port(client)
        theirs = machines.box_folders.base / "weights" / "free.bin"
        theirs.parent.mkdir(parents=True)
        theirs.write_bytes(CONTENT)
        machines.start_laptop(machines.cable.reach(port))
        _enter(machines.laptop_folders, monkeypatch)
        with Client("test", launch=False) as client:

            def reached() -> bool:
                try:
                    return bool(client.call("weights").body["weights"])
                except ScumbleError as error:
                    if error.code == "unreachable":  # not yet
                        return False
                    raise

            wait_for(reached)
            answer = client.call("weights").body
            found = {one["name"]: one for one in answer["weights"]}
            assert found["free"]["state"] == "present"
            assert (answer["get"], answer["add"]) == (True, False)
            fetch = client.get_weights("nowhere")
            with pytest.raises(ScumbleError, match=r"nowhere\.invalid"):
                fetch.wait(120)
            told = [event.kind for event in client.poll() if event.fetch is fetch]
            assert len(told) >= 2, "progress, and the end"
            with pytest.raises(ScumbleError) as refused:
                client.add_weights(str(tmp_path)).wait(120)
            assert refused.value.code == "unauthorized"
        log = machines.box_folders.log.read_text()
        assert "fetching: get nowhere" in log
        assert not (machines.laptop_folders.base / "weights").exists()


def test_the_box_may_forbid_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with two_machines(tmp_path) as machines:
        machines.start_box(options=["--get-weights", "local"])
        _enter(machines.box_folders, monkeypatch)
        with Client("test", launch=False) as client:
            port = machines.port(client)
            assert client.call("weights").body["get"]
        machines.start_laptop(machines.cable.reach(port))
        _enter(machines.laptop_folders, monkeypatch)
        with Client("test", launch=False) as client:

            def answered() -> str:
                try:
                    client.get_weights("big-lama").wait(120)
                except ScumbleError as error:
                    return "" if error.code == "unreachable" else error.code
                return "got"

            assert wait_for(answered) == "unauthorized"
            assert not client.call("weights").body["get"]
