"""The library of exemplar faces: every collection on this machine, read as one that does not change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from scumble.weights import default_directory
from scumble_client.errors import ScumbleError

from .collection import POINTS, THUMBNAIL, Bytes, Collection, Exemplar, decoded, read_collection

PULLED = "face-library"
"""Entry of the weights' manifest, and its folder in the weights' store."""


class ExemplarLibrary:
    """Several collections read as one; what others add or remove later does not show in it.

    A face that is in two of them counts once. Pictures stay on the disk until they are asked for.

    Attributes
    ----------
    points
        (N, 49, 2) in the unit square of the aligned frame; read-only, as all arrays here.
    thumbnails
        (N, 32, 32, 3) bytes, means over areas.
    sides
        (N,): pixels of each picture's side.
    sources
        For each face, the name of the picture that it is from.
    digest
        Of everything: for caches, and for what a layer keeps of how it was made.
    notes
        What was damaged and left out, one sentence each, for the artist.
    """

    points: NDArray[np.float32]
    thumbnails: NDArray[np.uint8]
    sides: NDArray[np.int64]
    sources: tuple[str, ...]
    digest: str
    notes: tuple[str, ...]

    def __init__(self, collections: Sequence[Collection]) -> None:
        faces: list[Exemplar] = []
        thumbnails: list[Bytes] = []
        self._paths: list[Path] = []
        seen: set[str] = set()
        for collection in collections:
            for face, small in zip(collection.faces, collection.thumbnails, strict=True):
                if face.digest not in seen:
                    seen.add(face.digest)
                    faces.append(face)
                    thumbnails.append(small)
                    self._paths.append(collection.folder / face.file)
        self.points = np.array([face.points for face in faces], np.float32).reshape(-1, POINTS, 2)
        self.thumbnails = np.array(thumbnails, np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL, 3)
        self.sides = np.array([face.side for face in faces], np.int64)
        self.sources = tuple(face.source for face in faces)
        self.notes = tuple(note for collection in collections for note in collection.notes)
        self.digest = _digest(faces)
        for array in (self.points, self.thumbnails, self.sides):
            array.setflags(write=False)

    def collections_of(self, numbers: Iterable[int]) -> list[str]:
        """What to store with a layer that has something of these faces: the pulled collection with its licence and address, and that there
        are own portraits (whose names are nobody's business)."""
        from scumble.weights import load_manifest

        pulled, found = pulled_directory(), set()
        for number in numbers:
            found.add(self._paths[number].parent == pulled)
        names = []
        if False in found:
            names.append("own portraits")
        if True in found:
            entry = load_manifest()[PULLED]
            names.append(f"{PULLED} ({entry.licence}, {entry.url})")
        return names

    def __len__(self) -> int:
        return len(self._paths)

    def picture(self, number: int) -> NDArray[np.uint8]:
        """(S, S, 3): the aligned frame in sRGB, decoded from its file now.

        Raises
        ------
        ScumbleError
            `missing_input` where the file is damaged, or was removed since; `pictures` goes on without it.
        """
        path = self._paths[number]
        try:
            return decoded(path.read_bytes(), int(self.sides[number]))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ScumbleError(
                "missing_input",
                f"A face from “{self.sources[number]}” can't be read: {reason}.",
                "Add it again: scumble faces add FOLDER",
            ) from error

    def pictures(
        self, numbers: Iterable[int], note: Callable[[str], None] | None = None
    ) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Numbers and pictures of those that can be read; one note tells of the others (`Context.note`)."""
        unreadable = 0
        for number in numbers:
            try:
                picture = self.picture(number)
            except ScumbleError:
                unreadable += 1
                continue
            yield number, picture
        if unreadable and note is not None:
            note(
                "Some faces to copy from can't be read; the others were used. Add them again: scumble faces add FOLDER"
            )


def open_libraries() -> ExemplarLibrary:
    """The user's own portraits, then the collection that was pulled: what is on this machine. Empty where nothing is."""
    return ExemplarLibrary([read_collection(own_directory()), read_collection(pulled_directory())])


def own_directory() -> Path:
    """SCUMBLE_FACES, or `faces` in the user's data folder."""
    named = os.environ.get("SCUMBLE_FACES")
    return Path(named).expanduser() if named else platformdirs.user_data_path("scumble", appauthor=False) / "faces"


def pulled_directory() -> Path:
    """Where `scumble weights pull face-library` puts its collection."""
    return default_directory() / PULLED


def _digest(faces: Iterable[Exemplar]) -> str:
    state = hashlib.blake2b(digest_size=16)
    for face in faces:
        state.update(f"{face.digest} {face.side} ".encode())
        state.update(np.ascontiguousarray(face.points, "<f4").tobytes())
    return state.hexdigest()
