"""Adding the user's own portraits: pictures are gone through, their faces found, cut out and stored, a few at a time."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scumble.faces.detection.search import FaceNetworks
from scumble.imaging.io.files import is_picture, read_picture
from scumble_client.errors import ScumbleError

from .collection import Bytes, NewFace, Writer, read_collection
from .cutting import CutOut, Reason, cut_out

ALIKE = 5.0
"""Mean difference of two thumbnails, in steps of 255, below which they show the same photograph, saved in two sizes, say.
Two photographs of one person, a breath apart, differ by more as soon as anything moves; two persons by 20 and more."""

STORED_EACH = 16
STORED_AFTER = 5.0
"""So many faces, or seconds, are found before they are stored together: each time the whole index is written anew."""

Progress = Callable[[int, int, str], None]
"""Called with the number of pictures that are done, how many there are, and the name of the next. It may raise to stop."""


@dataclass
class Summary:
    """What came of adding."""

    faces: int = 0
    """Stored."""

    pictures: int = 0
    """In which those were found."""

    known: int = 0
    """Faces that are there already."""

    refused: Counter[Reason] = field(default_factory=Counter)
    """Faces that are of no use, by reason."""

    empty: list[str] = field(default_factory=list)
    """Names of the pictures that show no face."""

    unreadable: list[str] = field(default_factory=list)
    """Names of the files that are no pictures that can be read."""

    looked_at: int = 0
    """Pictures that could be read."""


def files_in(paths: Sequence[Path]) -> list[Path]:
    """The files that are named and those in the folders that are named, at any depth, in order, each once.

    Hidden files and folders are left out, unless they are named themselves, and folders that lead back to themselves.

    Raises
    ------
    ScumbleError
        `missing_input` where a path leads nowhere, `bad_request` for a folder that may not be read.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if path.is_dir():
            for file in _walked(path, set()):
                found.setdefault(os.path.realpath(file), file)
        elif path.is_file():
            found.setdefault(os.path.realpath(path), path)
        else:
            raise ScumbleError(
                "missing_input", f"There is no “{path.name or path}”.", f"Check the name; it was looked for as {path}."
            )
    return list(found.values())


def _walked(folder: Path, above: set[str]) -> Iterator[Path]:
    place = os.path.realpath(folder)
    if place in above:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ScumbleError(
            "bad_request", f"The folder “{folder.name}” can't be read: {error.strerror or error}.", f"Check {folder}."
        ) from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walked(entry, above | {place})
        elif entry.is_file():
            yield entry


def add_portraits(
    paths: Sequence[Path], folder: Path, networks: FaceNetworks, progress: Progress | None = None
) -> Summary:
    """Store the faces of pictures in the collection of a folder.

    What was found so far is stored also where this is interrupted, by an exception of `progress` or by Ctrl-C.

    Raises
    ------
    ScumbleError
        `missing_input` where a path leads nowhere, or there is no file; `internal` where the disk is full or may not be
        written to: then what was stored before is all there.
    """
    files = files_in(paths)
    if not files:
        named = ", ".join(f"“{path.name}”" for path in paths)
        raise ScumbleError("missing_input", f"There is no picture in {named}.", "Name a folder with photographs.")
    work = _Adding(folder)
    try:
        for number, file in enumerate(files):
            if progress:
                progress(number, len(files), file.name)
            work.look_at(file, networks)
        if progress:
            progress(len(files), len(files), "")
    finally:
        work.store()
    return work.summary


class _Adding:
    """Faces on their way into a collection."""

    def __init__(self, folder: Path) -> None:
        self.summary = Summary()
        self._writer = Writer(folder)
        before = read_collection(folder)
        self._digests = {face.digest for face in before.faces}
        self._thumbnails: list[Bytes] = list(before.thumbnails)
        self._waiting: list[NewFace] = []
        self._stored_at = time.monotonic()

    def look_at(self, file: Path, networks: FaceNetworks) -> None:
        if not is_picture(file):
            self.summary.unreadable.append(file.name)
            return
        try:
            picture = read_picture(file).layer
        except ScumbleError:
            self.summary.unreadable.append(file.name)
            return
        self.summary.looked_at += 1
        self._take(cut_out(picture, file.name, networks), file.name)

    def _take(self, cut: CutOut, name: str) -> None:
        if not cut.found:
            self.summary.empty.append(name)
        self.summary.refused.update(cut.refused)
        fresh = [face for face in cut.faces if self._is_new(face)]
        self.summary.known += len(cut.faces) - len(fresh)
        self.summary.faces += len(fresh)
        self.summary.pictures += bool(fresh)
        self._waiting += fresh
        if len(self._waiting) >= STORED_EACH or time.monotonic() - self._stored_at > STORED_AFTER:
            self.store()

    def _is_new(self, face: NewFace) -> bool:
        """Whether it is not there yet; from then on it is."""
        if face.digest in self._digests or self._like(face.thumbnail):
            return False
        self._digests.add(face.digest)
        self._thumbnails.append(face.thumbnail)
        return True

    def _like(self, small: Bytes) -> bool:
        if not self._thumbnails:
            return False
        others = np.stack(self._thumbnails).astype(np.int16)
        differences = np.abs(others - small.astype(np.int16)).mean(axis=(1, 2, 3))
        return bool(differences.min() < ALIKE)

    def store(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            stored = self._writer.add(waiting)
            # another process may have added the same in between
            self.summary.faces -= len(waiting) - len(stored)
            self.summary.known += len(waiting) - len(stored)
        self._stored_at = time.monotonic()
