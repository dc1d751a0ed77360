"""The connection file and the private folder."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scumble_client import ScumbleError
from scumble_client.launch import for_computing
from scumble_client.paths import (
    CONNECTION_FILE,
    ConnectionFile,
    check_endpoint,
    ensure_private,
    process_alive,
    runtime_dir,
)
from tests.support import needs


def connection(pid: int) -> ConnectionFile:
    return ConnectionFile(["ipc:///x"], pid, "1", 1, "token", "/log", 1.0)


def test_it_is_read_as_it_was_written_and_others_can_t_read_it(tmp_path: Path) -> None:
    path = connection(os.getpid()).write(tmp_path)
    assert ConnectionFile.read(tmp_path) == connection(os.getpid())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_dead_daemon_s_file_is_as_good_as_none(tmp_path: Path) -> None:
    connection(dead_pid()).write(tmp_path)
    assert ConnectionFile.read(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"endpoints": [], "pid": 1}', "\0\0", "[" * 100_000])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / CONNECTION_FILE).write_text(text)
    assert ConnectionFile.read(tmp_path) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"pid": 10**30},
        {"pid": "1"},
        {"pid": None},
        {"token": 5},
        {"log": None},
        {"endpoints": "ipc:///x", "token": 0},
        {"endpoints": [5]},
        {"endpoints": ["ipc:///a\0b"]},
        {"endpoints": 3},
        {"version": []},
    ],
    ids=str,
)
def test_so_is_one_with_something_else_in_a_place(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = connection(os.getpid()).write(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **wrong}))
    assert ConnectionFile.read(tmp_path) is None


def test_processes() -> None:
    assert process_alive(os.getpid())
    assert process_alive(1)
    assert not process_alive(dead_pid())
    assert not process_alive(0)
    assert not process_alive(-1)


def test_the_folder_is_made_private_and_an_open_one_is_closed(tmp_path: Path) -> None:
    folder = ensure_private(tmp_path / "a" / "b")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    assert stat.S_IMODE(ensure_private(folder).stat().st_mode) == 0o700


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(ScumbleError, match="belongs to another user") as raised:
        ensure_private(tmp_path)
    assert "SCUMBLE_RUNTIME_DIR" in raised.value.hint


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ScumbleError, match="link"):
        ensure_private(tmp_path / "link")


def test_a_folder_that_others_could_write_to_is_not_mended_but_refused(tmp_path: Path) -> None:
    """Nobody knows what they have put there."""
    folder = ensure_private(tmp_path / "open")
    folder.chmod(0o777)
    with pytest.raises(ScumbleError, match="other users"):
        ensure_private(folder)


@needs.root
@pytest.mark.parametrize("what", ["folder", "file", "socket", "socket's folder"])
def test_what_is_really_another_user_s(tmp_path: Path, what: str) -> None:
    folder, elsewhere = ensure_private(tmp_path / "run"), ensure_private(tmp_path / "sockets")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(elsewhere / "daemon.ipc"))
        file = ConnectionFile([f"ipc://{elsewhere / 'daemon.ipc'}"], os.getpid(), "1", 1).write(folder)
        foreign = {"folder": folder, "file": file, "socket": elsewhere / "daemon.ipc", "socket's folder": elsewhere}[
            what
        ]
        os.chown(foreign, 12345, 12345)
        with pytest.raises(ScumbleError, match="another user") as raised:
            check_endpoint(ConnectionFile.read(folder).endpoints[0])  # type: ignore[union-attr]
    assert raised.value.code == "unauthorized"
    assert "SCUMBLE_RUNTIME_DIR" in raised.value.hint


def test_ports_are_plain_numbers() -> None:
    check_endpoint("tcp://127.0.0.1:80")
    for port in ("²", "-1", "123456", ""):
        with pytest.raises(ScumbleError):
            check_endpoint(f"tcp://127.0.0.1:{port}")


def test_a_file_in_its_place_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScumbleError, match="cannot be used"):
        ensure_private(tmp_path / "file" / "run")


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SCUMBLE_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_dir() == tmp_path / "scumble"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    assert str(os.getuid()) in runtime_dir().name


def test_the_daemon_s_memory_comes_in_huge_pages_and_is_given_back_unless_its_user_chose_otherwise() -> None:
    ours = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=16777216"
    assert for_computing({"A": "b"}) == {"A": "b", "GLIBC_TUNABLES": ours, "OMP_WAIT_POLICY": "PASSIVE"}
    assert for_computing({"GLIBC_TUNABLES": "x=1"})["GLIBC_TUNABLES"] == f"x=1:{ours}"
    half = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}
    assert for_computing(half)["GLIBC_TUNABLES"] == "glibc.malloc.hugetlb=0:glibc.malloc.mmap_threshold=16777216"
    chosen = {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=1:glibc.malloc.hugetlb=0", "OMP_WAIT_POLICY": "ACTIVE"}
    assert for_computing(chosen) == chosen
