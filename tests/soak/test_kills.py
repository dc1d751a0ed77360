"""SIGKILL at random moments: of the worker, the broker, a client. Nothing finished is lost, nothing is left running.

100 kills in 500 jobs under `make soak`; in CI a few.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from scumble_client import Client, ScumbleError
from scumble_client.paths import ConnectionFile
from tests.support.daemon import ROOT, Folders, status

from .size import PATIENCE, figures, processes_of, size, wait_for

JOBS = size(40, 500)
KILLS = size(6, 100)
EDITORS = 3
CLEAR = {"unreachable", "worker_died", "cancelled"}
"""What a job may end with when something of it was killed."""


class Editors:
    """Client processes that share the jobs; each writes to a file what it asked for and what became of it."""

    def __init__(self, folders: Folders, base: Path, jobs: int) -> None:
        self.folders, self.base = folders, base
        self.left = list(range(jobs))
        self.share = -(-jobs // EDITORS)
        self.running: list[tuple[subprocess.Popen[bytes], Path]] = []
        self.logs: list[Path] = []
        self.abandoned = 0

    def fill(self) -> None:
        """Start editors until there are enough, as long as there are jobs."""
        alive = []
        for process, log in self.running:
            if process.poll() is None:
                alive.append((process, log))
            elif process.returncode:
                begun = [e["number"] for e in entries(log) if e["kind"] == "submitted"]
                ended = {e["number"] for e in entries(log) if e["kind"] != "submitted"}
                self.abandoned += sum(number not in ended for number in begun)
                wanted = json.loads(log.with_suffix(".jobs").read_text())
                self.left += [number for number in wanted if number not in begun]
        self.running = alive
        while self.left and len(self.running) < EDITORS:
            mine, self.left = self.left[: self.share], self.left[self.share :]
            log = self.base / f"editor-{len(self.logs)}.log"
            log.write_text("")
            log.with_suffix(".jobs").write_text(json.dumps(mine))
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.soak.editor", str(log), json.dumps(mine)],
                env=self.folders.environment,
                cwd=ROOT,
            )
            self.logs.append(log)
            self.running.append((process, log))

    @property
    def ended(self) -> int:
        return self.abandoned + len([e for log in self.logs for e in entries(log) if e["kind"] != "submitted"])


def entries(log: Path) -> list[dict[str, Any]]:
    found = []
    for line in log.read_text().splitlines():
        with contextlib.suppress(ValueError):  # half a line, of one that was killed
            found.append(json.loads(line))
    return found


def test_kills(folders: Folders, tmp_path: Path) -> None:
    random_ = random.Random(5)
    editors = Editors(folders, tmp_path, JOBS)
    kills: Counter[str] = Counter()
    started = time.monotonic()
    editors.fill()
    while editors.left or editors.running:
        editors.fill()
        # spread over the jobs, each at a moment of its own
        due = sum(kills.values()) < KILLS and editors.ended >= sum(kills.values()) * JOBS * 0.9 / KILLS
        if due:
            time.sleep(random_.random() * 0.3)
            kind = ("worker", "broker", "client")[sum(kills.values()) % 3]
            if _kill(kind, editors, random_):
                kills[kind] += 1
        else:
            time.sleep(0.02)
        assert time.monotonic() - started < 3600 * 3
    ends = Counter(e.get("code", "done") for log in editors.logs for e in entries(log) if e["kind"] != "submitted")
    finished = [e for log in editors.logs for e in entries(log) if e["kind"] == "done" and not e["received"]]
    assert set(ends) <= {"done", *CLEAR}, ends
    assert sum(ends.values()) + editors.abandoned == JOBS
    with Client("after", launch=True) as client:  # and once more, so that all is read from the disk
        client.connect()
        pid = int(status(client)["pid"])
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: pid not in processes_of(folders.runtime))
    with Client("after", launch=True) as client:
        for entry in finished:
            back = client.wait(client.fetch(entry["job"]), PATIENCE).layers[0].pixels
            assert set(bytes(back.data)) == {255 - entry["number"] % 256}
        wait_for(lambda: status(client)["jobs"] == [])
        client.call("shutdown")
    wait_for(lambda: processes_of(folders.runtime) == [])
    figures(
        "kills",
        jobs=JOBS,
        kills=dict(kills),
        ends=dict(ends),
        of_killed_clients=editors.abandoned,
        fetched_again=len(finished),
        seconds=round(time.monotonic() - started),
    )
    assert sum(kills.values()) >= KILLS * 0.9
    assert [p.name for p in folders.runtime.iterdir() if p.suffix in (".ipc", ".json")] == []
    assert [p for p in Path("/dev/shm").glob("scumble-*") if p.name.endswith(f"-{pid}")] == []


def _kill(kind: str, editors: Editors, random_: random.Random) -> bool:
    connection = ConnectionFile.read(editors.folders.runtime)
    if kind == "client" and editors.running:
        random_.choice(editors.running)[0].kill()
        return True
    if connection is None:
        return False
    if kind == "broker":
        with contextlib.suppress(ProcessLookupError):
            os.kill(connection.pid, signal.SIGKILL)
        return True
    for pid in processes_of(editors.folders.runtime):
        with contextlib.suppress(OSError):
            if b"scumble.worker.process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                return True
    return False


def test_the_errors_are_known() -> None:
    for code in CLEAR:
        ScumbleError(code, "")
