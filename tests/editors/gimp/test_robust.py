"""Without a daemon, with one that is killed, with a plug-in that is killed: one sentence each, and the next call works."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from scumble.installers import GIMP
from scumble_client import Client
from scumble_client.launch import LAUNCH_FILE
from scumble_client.paths import ConnectionFile
from tests.support.daemon import Daemon, Folders, status, wait_for

from .harness.session import Gimp


def _call(g: Any, name: str, **arguments: Any) -> Any:
    image = g.new(32, 24)
    source = g.layer(image, "Picture", (0, 0, 32, 24), colour=(1, 2, 3, 255))
    answer = g.call(name, image, [source], **arguments)
    return answer["status"], answer["error"], g.layers(image)


def _let_launch(gimp: Gimp, folders: Folders, *command: str) -> None:
    """What the plug-in starts as the daemon. GIMP's folder has no PyTorch: the daemon runs outside of it, in ours."""
    path = gimp.home.base / "config" / "scumble" / LAUNCH_FILE
    python = f"PYTHONPATH={folders.environment['PYTHONPATH']}"
    outside = ["nsenter", "-t", str(os.getpid()), "-m", "--", "/usr/bin/env", python]
    path.write_text(
        json.dumps({"command": list(command) or [*outside, sys.executable, "-m", "scumble.daemon", "--device", "cpu"]})
    )


def test_a_daemon_that_can_not_be_started_is_said_in_a_sentence(own_gimp: Gimp, own_folders: Folders) -> None:
    _let_launch(own_gimp, own_folders, "/bin/false")
    state, error, layers = own_gimp.run(_call, name="scumble-identity")
    assert state == "execution-error"
    assert error == "The daemon ended at once, with code 1. Run this to see what is wrong: scumble doctor"
    assert layers == ["Picture"]


def test_a_daemon_that_is_absent_is_started(own_gimp: Gimp, own_folders: Folders) -> None:
    _let_launch(own_gimp, own_folders)
    state, error, layers = own_gimp.run(_call, name="scumble-identity")
    assert (state, error) == ("success", "")
    assert layers[0].startswith("Identity")


def test_a_daemon_that_is_killed_gives_one_sentence_and_the_next_call_starts_another(
    own_gimp: Gimp, own_folders: Folders
) -> None:
    _let_launch(own_gimp, own_folders)
    assert own_gimp.run(_call, name="scumble-identity")[0] == "success"
    first = ConnectionFile.read(own_folders.runtime)
    assert first
    marker = own_gimp.home.base / "running"
    own_gimp.begin(_call, name="scumble-test-slow", seconds=60.0, marker=str(marker))
    wait_for(marker.exists)
    os.kill(first.pid, signal.SIGKILL)
    state, error, layers = own_gimp.answer(30)
    assert state == "execution-error"
    assert error == "The daemon went away before the job was finished. Run it again: Scumble starts a new daemon."
    assert layers == ["Picture"]
    assert own_gimp.run(_call, name="scumble-identity")[0] == "success"
    second = ConnectionFile.read(own_folders.runtime)
    assert second
    assert second.pid != first.pid


@pytest.fixture
def watched(gimp_daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", str(gimp_daemon.folders.runtime))
    return gimp_daemon


def test_a_plug_in_that_gimp_kills_is_noticed_by_the_daemon(gimp: Gimp, watched: Daemon, tmp_path: Path) -> None:
    """As GIMP's own Cancel does: without a word."""
    marker = gimp.home.base / "killed"
    gimp.begin(_call, name="scumble-test-slow", seconds=60.0, marker=str(marker))
    wait_for(marker.exists)
    (plugin,) = gimp.plugin_processes()
    os.kill(plugin, signal.SIGKILL)
    state, _, layers = gimp.answer(20)
    assert state != "success"
    assert layers == ["Picture"]
    with Client("test", launch=False) as client:
        wait_for(lambda: status(client)["jobs"] == [], 20)
    assert gimp.run(_call, name="scumble-identity")[0] == "success"


def test_what_an_operation_gets_wrong_is_a_sentence(gimp: Gimp) -> None:
    state, error, layers = gimp.run(_call, name="scumble-test-broken")
    assert state == "execution-error"
    assert "Traceback" not in error
    assert error
    assert layers == ["Picture"]


def test_the_doctor_finds_what_gimp_has_registered(gimp: Gimp) -> None:
    assert GIMP.check(homes=[GIMP.given(gimp.home.profile)]).endswith(", and GIMP has registered it")
