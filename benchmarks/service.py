"""A daemon of the benchmark's own, in folders of its own, so that the user's is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scumble_client import Client
from scumble_client.launch import for_computing
from scumble_client.paths import ConnectionFile

DEADLINE = 60.0


@contextmanager
def private_folders() -> Iterator[Path]:
    """Everything that Scumble writes goes to a temporary folder while this lasts; its runtime folder is the value."""
    before = dict(os.environ)
    # ipc addresses hold about 100 characters, so the folder's name is short
    with tempfile.TemporaryDirectory(prefix="scumble-bench-") as base:
        for name in ("RUNTIME", "CACHE", "LOG", "CONFIG"):
            os.environ[f"SCUMBLE_{name}_DIR"] = str(Path(base) / name.lower())
        os.environ.pop("SCUMBLE_DAEMON", None)
        try:
            yield Path(base) / "runtime"
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def daemon(*options: str) -> Iterator[Client]:
    """A client of a fresh daemon whose worker is ready; the daemon ends with the block."""
    with private_folders() as runtime:
        process = subprocess.Popen(
            [sys.executable, "-m", "scumble.daemon", "--device", "cpu", *options], env=for_computing(os.environ)
        )
        try:
            _wait(lambda: ConnectionFile.read(runtime) is not None, "the daemon does not start")
            with Client("benchmark", launch=False) as client:
                yield client
        finally:
            process.terminate()
            process.wait(30)


def worker_pid(client: Client) -> int:
    """Of the only worker, once it is idle."""
    found: list[int] = []

    def idle() -> bool:
        workers = client.call("status").body["workers"]
        found[:] = [w["pid"] for w in workers if w["state"] == "idle"]
        return bool(found)

    _wait(idle, "the worker does not start")
    return found[0]


def _wait(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(what)
        time.sleep(0.01)
