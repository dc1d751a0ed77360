"""The folder for what clients send: in memory where there is room, each daemon's own, and none left by killed ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from scumble.daemon.folders import prepare
from tests.support.daemon import Folders


@pytest.fixture
def without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system without /dev/shm, or with little room there."""
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))


def test_it_is_in_memory(folders: Folders) -> None:
    found = prepare()
    assert found.memory.parent.as_posix() == "/dev/shm"
    assert found.memory.is_dir()
    found.leave()
    assert not found.memory.exists()


def test_it_is_beside_the_socket_where_there_is_no_memory(folders: Folders, without_memory: None) -> None:
    found = prepare()
    assert found.memory.parent == folders.runtime
    found.leave()
    assert not found.memory.exists()


def test_another_daemon_s_stays_and_a_killed_one_s_goes(folders: Folders, without_memory: None) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    running, killed = (folders.runtime / f"buffers-{pid}" for pid in (os.getppid(), ended.pid))
    for folder in (running, killed):
        folder.mkdir()
        (folder / "layer").write_bytes(b"pixels")
    prepare().leave()
    assert (running / "layer").exists()
    assert not killed.exists()


def test_what_an_earlier_process_of_the_same_number_left_is_not_there(folders: Folders, without_memory: None) -> None:
    left = folders.runtime / f"buffers-{os.getpid()}" / "layer"
    left.parent.mkdir()
    left.write_bytes(b"pixels")
    found = prepare()
    assert list(found.memory.iterdir()) == []
    found.leave()
