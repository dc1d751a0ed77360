"""The daemon that an editor's tests talk to, with operations of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon import Daemon, Folders, ending


@contextmanager
def private_folders(base: Path, operations: str | None) -> Iterator[Folders]:
    """A daemon's folders, removed in the end, with whatever daemon was started there; None: Scumble's own operations."""
    folders = Folders(base)
    if operations is None:
        folders.environment.pop("SCUMBLE_OPERATIONS")
    else:
        folders.environment["SCUMBLE_OPERATIONS"] = operations
    with ending(folders):
        yield folders
    shutil.rmtree(folders.runtime, ignore_errors=True)


@contextmanager
def running_daemon(base: Path, operations: str) -> Iterator[Daemon]:
    """A daemon in folders of its own."""
    with private_folders(base, operations) as folders:
        daemon = Daemon(folders, "--device", "cpu")
        yield daemon
        daemon.stop()
