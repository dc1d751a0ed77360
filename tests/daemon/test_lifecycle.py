"""The daemon's life: one per user, idle exit, folders that can't be used, and nothing left behind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scumble_client import Client, ScumbleError
from scumble_client.paths import process_alive
from tests.support.daemon import Daemon, Folders, request, status, wait_for


def serve(folders: Folders, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scumble.daemon", *options],
        env=folders.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_second_one_leaves_at_once(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    second = serve(daemon.folders)
    assert (second.returncode, second.stderr) == (0, "A daemon is already running.\n")
    assert daemon.process.poll() is None


@pytest.mark.parametrize(
    "wanted",
    [
        ("--listen", "tcp://127.0.0.1:*"),
        ("--loopback",),
        ("--pool", "tcp://127.0.0.1:9", "--pool-key", "0" * 40),
    ],
)
def test_a_second_one_that_is_to_do_more_says_what_to_do(
    start_daemon: Callable[..., Daemon], wanted: tuple[str, ...]
) -> None:
    """“Already running” with exit code 0 left a studio's other machines before a closed door."""
    daemon = start_daemon()
    second = serve(daemon.folders, *wanted)
    assert second.returncode == 2
    assert len(second.stderr.splitlines()) == 1
    assert f"running already, and not with {' '.join(wanted)}" in second.stderr
    assert f"scumble stop && scumble serve {' '.join(wanted)}" in second.stderr
    assert daemon.process.poll() is None


def test_a_second_one_that_is_to_do_the_same_leaves_at_once(start_daemon: Callable[..., Daemon]) -> None:
    """Two editors that start the daemon at once, with options that were remembered."""
    daemon = start_daemon("--loopback", "--idle-exit", "10")
    for same in (("--device", "cpu", "--loopback", "--idle-exit", "10"), ("--loopback",), ("--spool-size", "2")):
        second = serve(daemon.folders, *same)
        assert (second.returncode, second.stderr) == (0, "A daemon is already running.\n")


def test_it_ends_when_nobody_comes(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon("--idle-exit", "0.002")
    daemon.process.communicate(timeout=60)
    assert daemon.process.returncode == 0
    assert not list(daemon.folders.runtime.glob("daemon.json"))


def test_it_does_not_end_while_it_works(start_daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    daemon = start_daemon("--idle-exit", "0.002")
    marker = tmp_path / "began"
    with Client("test", launch=False) as client:
        client.wait(client.submit(request("test-slow", seconds=0.5, marker=str(marker))), 60)
    daemon.process.communicate(timeout=60)
    assert daemon.process.returncode == 0


def test_the_worker_ends_with_a_killed_broker(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    with Client("test", launch=False) as client:
        client.wait(client.submit(request("identity")), 60)
        worker = status(client)["workers"][0]["pid"]
    daemon.kill()
    wait_for(lambda: not process_alive(worker))


def test_the_socket_s_folder_and_files_are_private(start_daemon: Callable[..., Daemon]) -> None:
    runtime = start_daemon().folders.runtime
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE((runtime / "daemon.json").stat().st_mode) == 0o600


def test_nothing_is_left_behind(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    with Client("test", launch=False) as client:
        job = client.submit(request("identity"))
        client.wait(job, 60)
        client.received(job)
        wait_for(lambda: status(client)["results"] == [])
    assert daemon.stop() == 0
    assert not [p for p in Path("/dev/shm").glob("scumble-*") if p.name.endswith(f"-{daemon.process.pid}")]
    assert list(daemon.folders.results.iterdir()) == []


def test_a_read_only_home_costs_comfort_only(folders: Folders, start_daemon: Callable[..., Daemon]) -> None:
    """The usual places for results and log can't be made: a file is where their folder would be."""
    for name in ("cache", "log", "config"):
        (folders.base / name).write_text("")
    start_daemon()
    with Client("test", launch=False) as client:
        client.wait(client.submit(request("test-slow")), 60)
        found = status(client)
        assert len(found["warnings"]) == 2
        assert client.welcome["warnings"] == found["warnings"]
        assert found["log"].startswith(str(folders.runtime))
        assert Path(found["log"]).exists()


def test_a_full_disk_for_the_spool_still_gives_the_result(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    with Client("test", launch=False) as client:
        client.wait(client.submit(request("identity")), 60)  # the worker is there
        # /dev/full says "no space left" to whoever writes: the spool becomes a place of that kind
        results = daemon.folders.results
        for left in results.iterdir():
            left.unlink()
        results.rmdir()
        results.symlink_to("/dev/full")
        job = client.submit(request("test-slow", 9))
        assert set(bytes(client.wait(job, 60).layers[0].pixels.data)) == {246}
        assert set(bytes(client.wait(client.fetch(job.id), 60).layers[0].pixels.data)) == {246}


def test_no_place_for_the_socket_is_one_clear_sentence(folders: Folders) -> None:
    (folders.runtime / "file").write_text("")
    folders.environment["SCUMBLE_RUNTIME_DIR"] = str(folders.runtime / "file" / "run")
    ended = serve(folders)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "SCUMBLE_RUNTIME_DIR" in ended.stderr


def test_a_path_too_long_for_a_socket_is_one_clear_sentence(folders: Folders) -> None:
    folders.environment["SCUMBLE_RUNTIME_DIR"] = str(folders.runtime / ("x" * 120))
    ended = serve(folders)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "short path" in ended.stderr


def test_the_client_passes_that_sentence_on(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", str(folders.runtime / ("x" * 120)))
    with Client("test") as client, pytest.raises(ScumbleError, match="can't open"):
        client.call("operations", timeout=60)


def test_the_broker_never_imports_torch(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    with Client("test", launch=False) as client:
        client.wait(client.submit(request("identity")), 60)
        client.call("operations")
        maps = Path(f"/proc/{daemon.process.pid}/maps").read_text()
        worker = Path(f"/proc/{status(client)['workers'][0]['pid']}/maps").read_text()
    assert "libtorch" in worker
    assert "libtorch" not in maps


def test_the_log_rotates(tmp_path: Path) -> None:
    code = f"""
import logging, pathlib
from scumble.daemon.folders import open_log
open_log(pathlib.Path({str(tmp_path / "scumble.log")!r}))
for i in range(100_000):
    logging.info("line %s %s", i, "x" * 60)
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
    sizes = [p.stat().st_size for p in tmp_path.glob("scumble.log*")]
    assert len(sizes) == 4
    assert max(sizes) <= 2_000_000


def test_what_goes_wrong_before_it_serves_ends_it(folders: Folders) -> None:
    """Nothing that was opened by then keeps it from ending."""
    keys = folders.base / "config" / "keys"
    keys.mkdir(parents=True)
    (keys / "server.key").write_text("x")
    (keys / "server.key").chmod(0o644)
    ended = serve(folders, "--pool", "tcp://127.0.0.1:9", "--pool-key", "0" * 40)
    assert ended.returncode == 2
    assert "Others can read" in ended.stderr


def test_it_costs_nothing_while_it_has_nothing_to_do(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    with Client("test", launch=False) as client:
        client.wait(client.submit(request("identity")), 60)

    def used() -> int:
        return sum(map(int, Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))

    before = used()
    time.sleep(2)  # what is used up in this time is what is tested
    assert used() - before < 20  # hundredths of a second
