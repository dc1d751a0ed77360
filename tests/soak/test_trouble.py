"""What a machine does to a daemon: full disks, little memory, a home that can't be written, clocks that jump, sleep."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scumble_client import Client, Pixels, Request, ScumbleError
from tests.support import needs
from tests.support.daemon import ROOT, Daemon, Folders, request, status

from .size import PATIENCE, figures, processes_of, size, soak_only, wait_for


@contextlib.contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@needs.root
def test_a_full_disk(folders: Folders, tmp_path: Path) -> None:
    """Cache, log and configuration on a disk of 1 MB: results come all the same, and when there is room, they are kept."""
    with small_disk(folders.base / "cache", 1):
        daemon = Daemon(folders, "--device", "cpu")
        side = 400  # 640 kB: one result finds room, two do not
        with Client("test", launch=False) as client:
            jobs = []
            for value in range(4):
                sent = Pixels(bytes([value]) * (side * side * 4), side, side)
                jobs.append(client.submit(Request("test-slow", {"image": sent})))
                assert set(bytes(client.wait(jobs[-1], PATIENCE).layers[0].pixels.data)) == {255 - value}
            for value, job in enumerate(jobs):
                assert set(bytes(client.wait(client.fetch(job.id), PATIENCE).layers[0].pixels.data)) == {255 - value}
                client.received(job)
            wait_for(lambda: status(client)["results"] == [])
            last = client.submit(Request("test-slow", {"image": sent}))
            client.wait(last, PATIENCE)
        daemon.kill()
        daemon.start()
        with Client("test", launch=False) as client:
            client.wait(client.fetch(last.id), PATIENCE)
        daemon.stop()


@soak_only
@needs.root
def test_no_room_at_all_is_one_clear_sentence(folders: Folders) -> None:
    """Memory for layers and the disk are full: the job is told so, and the next one that fits is done."""
    with small_disk(folders.base / "cache", 1):
        daemon = Daemon(folders, "--device", "cpu")
        buffers = next(p for p in Path("/dev/shm").glob(f"scumble-*-{daemon.process.pid}"))
        side = 800
        with small_disk(buffers, 1), Client("test", launch=False) as client:
            with pytest.raises(ScumbleError) as raised:
                client.wait(
                    client.submit(Request("identity", {"image": Pixels(bytes(side**2 * 4), side, side)})), PATIENCE
                )
            assert raised.value.code == "out_of_memory"
            client.wait(client.submit(request("identity")), PATIENCE)
        daemon.stop()


def test_a_memory_limit(start_daemon: Callable[..., Daemon]) -> None:
    """The worker may have 1 GiB of address space more than it has: a large layer is refused, a small one is done."""
    start_daemon()
    with Client("test", launch=False) as client:
        client.wait(client.submit(request("test-slow")), PATIENCE)
        pid = status(client)["workers"][0]["pid"]
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + 48 * 1024**2
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
        side = 8192
        layer = Pixels(bytes(side * side), side, side, "gray")
        with pytest.raises(ScumbleError) as raised:
            client.wait(client.submit(Request("test-slow", {"image": layer})), PATIENCE)
        assert raised.value.code == "out_of_memory"
        client.wait(client.submit(request("test-slow")), PATIENCE)
        assert status(client)["workers"][0]["pid"] == pid


@soak_only
@needs.root
def test_a_read_only_home(folders: Folders) -> None:
    """Its results and log go to the runtime folder, and the artist is told."""
    place = folders.base / "home"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(place)], check=True)
    try:
        for name in ("CACHE", "LOG", "CONFIG"):
            folders.environment[f"SCUMBLE_{name}_DIR"] = str(place / name)
        daemon = Daemon(folders, "--device", "cpu")
        with Client("test", launch=False) as client:
            client.wait(client.submit(request("test-slow")), PATIENCE)
            assert len(client.welcome["warnings"]) == 2
            assert all("can't be kept" in warning for warning in client.welcome["warnings"])
        daemon.stop()
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_clocks_that_jump(folders: Folders, tmp_path: Path) -> None:
    """A day forth and two days back, while jobs wait and run: no deadline is by the wall clock."""
    jump, patch = tmp_path / "jump", tmp_path / "patch"
    patch.mkdir()
    jump.write_text("0")
    (patch / "sitecustomize.py").write_text(
        f"import os, time\nreal = time.time\ntime.time = lambda: real() + float(open({str(jump)!r}).read() or 0)\n"
    )
    folders.environment["PYTHONPATH"] += os.pathsep + str(patch)
    daemon = Daemon(folders, "--device", "cpu")
    marker, gate = tmp_path / "began", tmp_path / "gate"
    with Client("test", launch=False) as client:
        job = client.submit(request("test-gated", 3, marker=str(marker), gate=str(gate)))
        waiting = client.submit(request("test-slow", 4))
        wait_for(marker.exists)
        seen = []
        for offset in (86_400, -86_400):
            part = tmp_path / "part"
            part.write_text(str(offset))
            part.replace(jump)
            seen.append(wait_for(lambda: status(client)["jobs"])[0]["age"])
        assert seen[0] > 80_000 > 0 > seen[1]  # the daemon does see the wrong clock
        gate.write_text("1")
        client.wait(job, PATIENCE)
        client.wait(waiting, PATIENCE)
        found = {r["job"] for r in status(client)["results"]}
        assert found == {job.id, waiting.id}
    daemon.stop()
    daemon.start()  # results of the future, or of long ago, are results
    with Client("test", launch=False) as client:
        assert {r["job"] for r in status(client)["results"]} == found
    daemon.stop()


def test_many_daemons_at_once(folders: Folders) -> None:
    """One lives, the others leave with 0; and it is the one that clients find."""
    count = size(6, 30)
    command = [sys.executable, "-m", "scumble.daemon", "--device", "cpu"]
    started = [subprocess.Popen(command, env=folders.environment, stderr=subprocess.PIPE) for _ in range(count)]
    with Client("test", launch=False) as client:
        wait_for(lambda: sum(p.poll() is None for p in started) == 1)
        alive = next(p for p in started if p.poll() is None)
        assert all(p.returncode == 0 for p in started if p is not alive)
        wait_for(lambda: (folders.runtime / "daemon.json").exists())
        assert status(client)["pid"] == alive.pid
        client.wait(client.submit(request("identity")), PATIENCE)
        client.call("shutdown")
    for process in started:
        process.communicate(timeout=PATIENCE)
    wait_for(lambda: processes_of(folders.runtime) == [])


def test_a_laptop_that_sleeps(start_daemon: Callable[..., Daemon], folders: Folders, tmp_path: Path) -> None:
    """Daemon, worker and client stand still together, a minute under `make soak`; then everything goes on."""
    daemon = start_daemon()
    marker, gate = tmp_path / "began", tmp_path / "gate"
    code = (
        "import sys, json; from scumble_client import Client; from tests.support.daemon import request\n"
        "with Client('sleeper', launch=False) as c:\n"
        "    job = c.submit(request('test-gated', 9, marker=sys.argv[1], gate=sys.argv[2]))\n"
        "    later = c.submit(request('test-slow', 8))\n"
        "    out = [c.wait(j, 600).layers[0].pixels.data[0] for j in (job, later)]\n"
        "print(json.dumps(out))\n"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", code, str(marker), str(gate)],
        env=folders.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    wait_for(marker.exists)
    asleep = processes_of(folders.runtime)
    assert {client.pid, daemon.process.pid} < set(asleep)
    seconds = size(5, 60)
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)  # the time itself is what is tested
    for pid in asleep:
        os.kill(pid, signal.SIGCONT)
    gate.write_text("1")
    said, _ = client.communicate(timeout=PATIENCE)
    assert client.returncode == 0
    assert json.loads(said) == [9, 247]
    assert marker.stat().st_size == 1
    figures("sleep", seconds=seconds, processes=len(asleep))


@soak_only
def test_only_the_worker_sleeps(start_daemon: Callable[..., Daemon], tmp_path: Path) -> None:
    """The daemon answers all the same, and a job that is cancelled meanwhile ends by force."""
    start_daemon()
    marker = tmp_path / "began"
    with Client("test", launch=False) as client:
        job = client.submit(request("test-slow", seconds=600, marker=str(marker)))
        wait_for(lambda: marker.exists() and marker.read_text())
        os.kill(int(marker.read_text()), signal.SIGSTOP)
        status(client)
        client.cancel(job)
        with pytest.raises(ScumbleError, match="cancelled"):
            client.wait(job, PATIENCE)
        client.wait(client.submit(request("identity")), PATIENCE)
