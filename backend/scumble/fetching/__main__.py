"""The process that fetches for the daemon: `python -m scumble.fetching get NAME | add --folder=FOLDER`.

On its standard output it writes lines of JSON: `{"done", "total", "message"}` while it works, then one with `end` or with `error`.
It ends when its standard input does, and may be ended at any time: what has arrived of a file is kept. Only while it adds a package to
the environment it takes a moment, in which it removes what is not whole.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scumble.weights import Progress, WeightsEntry, WeightStore, parts
from scumble_client.errors import ScumbleError
from scumble_client.system import processes

from .parts import bring

INTERVAL = 0.1
"""Seconds between two lines on progress."""

AGAIN = "press “Get It” once more"

log = logging.getLogger("scumble.fetching")


class Lines:
    """Writes them. Of progress only the newest, not too often; and that also where nothing more comes for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, Any] | None = None
        threading.Thread(target=self._tell, daemon=True).start()

    def progress(self, done: float, total: float | None, message: str) -> None:
        self._newest = {"done": done, "total": total, "message": message}

    def end(self, line: dict[str, Any]) -> None:
        """The last line."""
        with self._lock:
            self._write()
            self._newest = line
            self._write()

    def _tell(self) -> None:
        while True:
            time.sleep(INTERVAL)
            with self._lock:
                self._write()

    def _write(self) -> None:
        line, self._newest = self._newest, None
        if line is not None:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


class Parent:
    """The process that started us. When it ends, or does not want this any more, our standard input does."""

    def __init__(self) -> None:
        self._gone = threading.Event()
        self._patient = False
        processes.when_asked_to_end(lambda number: self._over())
        threading.Thread(target=self._watch, daemon=True).start()

    def is_gone(self) -> bool:
        return self._gone.is_set()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """While this lasts we do not just end; who works asks `is_gone`."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False
            if self._gone.is_set():
                os._exit(0)

    def _watch(self) -> None:
        while sys.stdin.buffer.read(1):
            pass
        self._over()

    def _over(self) -> None:
        self._gone.set()
        if not self._patient:
            os._exit(0)


def get(name: str, accepted: bool, lines: Lines, parent: Parent) -> dict[str, Any]:
    """Make sure that an entry's file is here, and what it needs. Raises ScumbleError, CancelError."""

    def build(archive: Path, folder: Path, entry: WeightsEntry, progress: Progress | None) -> None:
        from scumble.faces.detection.weights import LANDMARKS, load
        from scumble.faces.exemplars.pulling import build

        def report(done: int, total: int | None) -> None:
            lines.progress(done, total, "Finding the faces")

        build(archive, folder, entry.built_from, load(WeightStore().path(LANDMARKS)), report)

    store = WeightStore(builders={"face_exemplars": build}, again=AGAIN)
    entry = store.status(name).weights
    part = parts.missing(entry.file)
    if part is not None:  # first: without it the file is of no use
        with parent.patient():
            bring(part, parent.is_gone, lines.progress)
    if entry.manual or entry.embedded:
        return {"weights": [name], "files": []}  # the file was here: see `daemon.weights_desk.refused`
    # A file of the wrong size is no use; pulling goes by what is there, so it is got anew here.
    if store.status(name).state == "damaged" and store.accepted(name):
        store.verify(repair=True, names=[name], progress=lambda done, total: lines.progress(done, total, ""))
    store.pull(name, accepted, lambda done, total: lines.progress(done, total, ""))
    return {"weights": [name], "files": []}


def add(folder: str, lines: Lines) -> dict[str, Any]:
    """Take over what a folder has. Raises ScumbleError."""
    from .folder import add_folder

    found = add_folder(Path(folder), WeightStore(), lambda done, message: lines.progress(done, 1.0, message))
    files = [{"file": one.file, "weights": one.name, "message": one.sentence} for one in found]
    return {"weights": [one.name for one in found if one.name], "files": files}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scumble-fetching")
    kinds = parser.add_subparsers(dest="kind", required=True)
    getting = kinds.add_parser("get")
    getting.add_argument("name")
    getting.add_argument("--accepted", action="store_true")
    kinds.add_parser("add").add_argument("--folder", required=True)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    parent = Parent()
    processes.give_way()  # jobs come first
    lines = Lines()
    try:
        end = (
            get(options.name, options.accepted, lines, parent) if options.kind == "get" else add(options.folder, lines)
        )
        lines.end({"end": end})
    except ScumbleError as error:
        lines.end({"error": error.as_dict()})
    except Exception:
        log.exception("fetching failed")
        said = ScumbleError(
            "internal", "Scumble made a mistake while it fetched weights.", "Please report it, with the log file."
        )
        lines.end({"error": said.as_dict()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
