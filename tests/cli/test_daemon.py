"""`scumble serve`, `status` and `stop`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from scumble import __version__
from scumble_client import Client
from scumble_client.paths import ConnectionFile, process_alive
from tests.support.commands import Call, Scene, ended, spawn
from tests.support.daemon import Daemon, Folders, request, wait_for

SERVE = ("serve", "--device", "cpu")


def memory_of(pid: int) -> Path:
    """Where a daemon keeps what clients send."""
    return Path(f"/dev/shm/scumble-{os.getuid()}-{pid}")


class TestServe:
    def test_it_serves_in_the_foreground_until_ctrl_c(self, folders: Folders) -> None:
        process = spawn(folders.environment, *SERVE)
        wait_for(lambda: ConnectionFile.read(folders.runtime))
        with Client("test", launch=False) as client:
            assert client.call("status").body["pid"] == process.pid
        process.send_signal(signal.SIGINT)
        ran = ended(process)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        assert not (folders.runtime / "daemon.json").exists()

    def test_a_second_one_says_that_there_is_one(self, shared: Daemon) -> None:
        second = spawn(shared.folders.environment, *SERVE)
        ran = ended(second)
        assert (ran.code, ran.err) == (0, "A daemon is already running.\n")
        assert not memory_of(second.pid).exists()

    def test_its_options_are_listed(self, calling: Call) -> None:
        said = calling("serve", "--help").done().out
        assert all(option in said for option in ("--idle-exit", "--listen", "--loopback", "--device", "--spool-size"))

    @pytest.mark.parametrize("wrong", [("--nope",), ("--idle-exit", "soon"), ("--device",), ("extra",)])
    def test_wrong_options_are_one_line(self, alone: Call, wrong: tuple[str, ...]) -> None:
        ran = alone("serve", *wrong)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        assert "scumble serve --help" in ran.err

    def test_listening_without_keys_is_refused_in_one_line(self, alone: Call) -> None:
        ran = alone("serve", "--listen", "tcp://127.0.0.1:*")
        assert not memory_of(os.getpid()).exists()
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        assert "scumble keys allow" in ran.err


class TestStatus:
    def test_for_people(self, scumble: Call, shared: Daemon, client: Client) -> None:
        client.wait(client.submit(request("identity")), 60)
        said = scumble("status").done().out
        assert said.startswith(f"Scumble {__version__}, running for ")
        assert f"(pid {shared.process.pid})" in said
        assert f"log: {shared.folders.log}" in said
        assert "idle" in said
        assert "no jobs" in said
        assert "layers in memory: " in said

    def test_with_a_job_and_a_result_that_waits(self, scumble: Call, client: Client, tmp_path: Path) -> None:
        kept = client.submit(request("test-slow"))
        client.wait(kept, 60)
        marker = tmp_path / "began"
        job = client.submit(request("test-slow", seconds=600, marker=str(marker)))
        wait_for(marker.exists)
        said = scumble("status").done().out
        client.cancel(job)
        client.received(kept)
        (line,) = (
            line.split() for line in said.splitlines() if line.startswith(job.id[:8]) or f" {job.id[:8]} " in line
        )
        assert line[:3] == [job.id[:8], "test-slow", "test"]
        assert "running" in line
        assert f"{kept.id[:8]} test-slow of " in said

    def test_as_json(self, scumble: Call, shared: Daemon) -> None:
        found = scumble("status", "--json").done().json
        assert found["pid"] == shared.process.pid
        assert found["version"] == __version__
        assert {"workers", "jobs", "results", "buffers", "spool", "uptime", "endpoints", "log"} <= set(found)

    def test_none_runs_and_none_is_started(self, alone: Call, folders: Folders) -> None:
        line = alone("status").refused(3)
        assert "not running" in line
        assert list(folders.runtime.iterdir()) == []

    def test_none_runs_as_json(self, alone: Call, folders: Folders) -> None:
        ran = alone("status", "--json")
        assert ran.code == 3
        assert ran.json["error"]["code"] == "unreachable"
        assert "not running" in ran.json["error"]["message"]
        assert list(folders.runtime.iterdir()) == []


class TestStop:
    def test_it_returns_when_the_daemon_is_gone(self, alone: Call, start_daemon: Callable[..., Daemon]) -> None:
        daemon = start_daemon()
        # the test is the daemon's parent, so that its end must be looked for beside the command
        reaper = spawn(daemon.folders.environment, "stop")
        daemon.process.communicate(timeout=60)
        ran = ended(reaper).done()
        assert ran.out == "Stopped.\n"
        assert daemon.process.returncode == 0

    def test_one_that_a_command_has_started(self, alone: Call, folders: Folders, scene: Scene) -> None:
        ended(
            spawn(folders.environment, "run", "identity", "--image", scene.image, "--out", scene.path("a.png"))
        ).done()
        connection = ConnectionFile.read(folders.runtime)
        assert connection is not None
        assert alone("stop").done().out == "Stopped.\n"
        assert not process_alive(connection.pid)

    def test_none_runs(self, alone: Call) -> None:
        assert alone("stop").done().out == "The daemon is not running.\n"
