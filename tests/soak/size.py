"""How large a soak is: small in CI, whole under `make soak`. Each prints its figures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import daemon as support

SOAK = bool(os.environ.get("SCUMBLE_SOAK"))


PATIENCE = 3600.0 if SOAK else 240.0
"""Seconds: they only end what would hang. A whole soak runs for hours beside other work, when everything is slow."""

soak_only = pytest.mark.skipif(not SOAK, reason="only under `make soak`: CI has its like in tests/daemon")


def size(small: int, whole: int) -> int:
    return whole if SOAK else small


def figures(name: str, **found: Any) -> None:
    """Print them, and append them to the file that SCUMBLE_SOAK names, if it is a path."""
    line = json.dumps({"soak": name, **found}, default=str)
    print(f"\n{line}")
    target = os.environ.get("SCUMBLE_SOAK", "")
    if os.sep in target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def resident(pid: int) -> int:
    """A process's resident memory in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def processes_of(runtime: Path) -> list[int]:
    """Processes of ours that have to do with a daemon's runtime folder: the daemon, its workers, its clients."""
    mark = f"SCUMBLE_RUNTIME_DIR={runtime}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue  # it has ended meanwhile, or is somebody else's
            if mark in environment and state != "Z":
                found.append(int(entry.name))
    return found


def wait_for(condition: Callable[[], Any]) -> Any:
    """Wait until a condition holds, and give its value."""
    return support.wait_for(condition, PATIENCE)
