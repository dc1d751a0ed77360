"""Running another program: its lines as they come, an end to it and to all that it has started when that is wanted."""

import os
import queue
import subprocess
import threading
import time
from typing import IO, Callable, List, Mapping, Optional, Sequence

from ..system import processes

LOOK_SECONDS = 0.1

OnLine = Callable[[str], None]


class CancelError(Exception):
    """The artist does not want it any more."""


def run(
    command: Sequence[str],
    on_line: OnLine,
    cancelled: Callable[[], bool],
    environment: Optional[Mapping[str, str]] = None,
    seconds: Optional[float] = None,
) -> int:
    """Run a program to its end; its exit code. Its lines are handed on without their ends, also those that end in a return.

    Raises CancelError, OSError where it can't be started, and TimeoutError after `seconds`. In each case nothing of it runs on.
    """
    child = subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=None if environment is None else dict(environment),
        **processes.apart(),
    )
    assert child.stdout
    lines: "queue.Queue[Optional[str]]" = queue.Queue()
    reader = threading.Thread(target=_read, args=(child.stdout, lines), daemon=True)
    reader.start()
    end = None if seconds is None else time.monotonic() + seconds
    try:
        while True:
            if cancelled():
                raise CancelError
            if end is not None and time.monotonic() > end:
                raise TimeoutError(command[0])
            try:
                line = lines.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if child.poll() is not None and not reader.is_alive():
                    break
                continue
            if line is None:
                break
            on_line(line)
        return child.wait()
    finally:
        if child.poll() is None:
            processes.end_all(child)
        child.stdout.close()


def _read(stream: IO[bytes], lines: "queue.Queue[Optional[str]]") -> None:
    """Its lines, and None at the end."""
    rest = b""
    try:
        while True:
            block = os.read(stream.fileno(), 65536)
            if not block:
                break
            *whole, rest = (rest + block).replace(b"\r", b"\n").split(b"\n")
            for line in whole:
                if line.strip():
                    lines.put(line.decode("utf-8", "replace").rstrip())
    except (OSError, ValueError):
        pass  # it was closed
    if rest.strip():
        lines.put(rest.decode("utf-8", "replace").rstrip())
    lines.put(None)


def ask(
    command: Sequence[str], seconds: float = 20.0, environment: Optional[Mapping[str, str]] = None
) -> Optional[str]:
    """What a program prints; None where it can't be run, fails, or takes too long."""
    said: List[str] = []
    try:
        code = run(command, said.append, lambda: False, environment, seconds)
    except (OSError, TimeoutError, ValueError):
        return None
    return "\n".join(said) if code == 0 else None
