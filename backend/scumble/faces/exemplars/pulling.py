"""Building a collection out of a published archive of portraits, on this machine: `scumble weights pull face-library`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from scumble.faces.detection.search import FaceNetworks
from scumble.imaging.io.files import decode_picture
from scumble_client.errors import ScumbleError

from .archive import pictures_in
from .collection import QUALITY, NewFace, Writer, decoded, encoded
from .cutting import cut_out

MOST_BYTES = 40 * 10**6
"""Of all JPEGs of the collection together."""

LOWER = 6
LEAST_QUALITY = 50
"""Steps of a JPEG's quality while the faces take more, and where it ends: then the last faces are left out."""

Progress = Callable[[int, int | None], None]


def build(
    archive: Path,
    folder: Path,
    inner: Sequence[str],
    networks: FaceNetworks,
    progress: Progress | None = None,
    most: int = MOST_BYTES,
) -> int:
    """Put the faces of the archive's pictures in the place of whatever `folder` holds; how many there are.

    Parameters
    ----------
    inner
        Folders within the archive, below its outermost one.
    most
        Bytes that the JPEGs may take together.

    Raises
    ------
    ScumbleError
        `weights_missing` where the archive can't be used or shows no face, `internal` where the collection can't be
        stored. The folder is then as it was.
    """
    faces: list[NewFace] = []
    known: set[str] = set()
    for name, data in pictures_in(archive, inner, progress):
        try:
            picture = decode_picture(data, name).layer
        except ScumbleError:
            continue  # one damaged picture of two hundred is no loss
        for face in cut_out(picture, "-".join(Path(name).parts), networks).faces:
            if face.digest not in known:
                known.add(face.digest)
                faces.append(face)
    if not faces:
        raise ScumbleError(
            "weights_missing",
            "The archive of faces shows no face that can be used.",
            "It may have changed since this version of Scumble; please report it.",
        )
    Writer(folder, private=False).replace(fitting(faces, most))
    return len(faces)


def fitting(faces: Sequence[NewFace], most: int) -> list[NewFace]:
    """The faces, in as good a quality as takes at most so many bytes together."""
    quality, fitted = QUALITY, list(faces)
    while sum(len(face.jpeg) for face in fitted) > most and quality > LEAST_QUALITY:
        quality -= LOWER
        fitted = [replace(face, jpeg=encoded(decoded(face.jpeg, face.side), quality)) for face in faces]
    while sum(len(face.jpeg) for face in fitted) > most:
        fitted.pop()
    return fitted
