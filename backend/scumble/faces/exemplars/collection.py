"""One collection of exemplar faces: a folder with one JPEG for each face, an index, and thumbnails.

    index.json              for each face: file, name of the picture it is from, digest, side, 49 points
    thumbnails-DIGEST.npy   (N, 32, 32, 3) bytes, in the index's order; the index names it
    DIGEST.jpg              the aligned frame, sRGB

Whoever reads takes no lock: a new index takes the old one's place at once, after all that it names is there. Whoever writes
holds a lock, and removes what the index no longer names only then; a reader that comes in between reads again.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from scumble_client.errors import ScumbleError
from scumble_client.system.private import close_folder

Bytes = NDArray[np.uint8]

SIDE = 512
"""Largest side, in pixels, of a stored face."""

POINTS = 49
THUMBNAIL = 32
"""Side of a thumbnail, in pixels."""

QUALITY = 92
"""Of a JPEG, without chroma subsampling: at the side of an iris it would show."""

INDEX = "index.json"
LOCK = ".lock"
FORM = 1
"""Number of the folder's form; a folder of another form is left alone, with a note."""

MOST_INDEX_BYTES = 2**26
_OTHER_FORM = "it was written by another version of Scumble"
_FILE = re.compile(r"[0-9a-f]{32}\.jpg")
_THUMBNAILS = re.compile(r"thumbnails-[0-9a-f]{32}\.npy")
_DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, eq=False)
class Exemplar:
    """One stored face, without its picture."""

    file: str
    """Name of its JPEG."""

    source: str
    """Name of the picture that it was found in, without folders."""

    digest: str
    """BLAKE2b (128 bits) of the aligned pixels before they became a JPEG."""

    side: int
    """Pixels."""

    points: NDArray[np.float32]
    """(49, 2): x and y in the unit square of the aligned frame."""


@dataclass(frozen=True, eq=False)
class NewFace:
    """A face to be stored."""

    source: str
    digest: str
    side: int
    points: NDArray[np.float32]
    """(49, 2) in the unit square of the frame."""

    thumbnail: Bytes
    """(32, 32, 3)."""

    jpeg: bytes
    """The aligned frame in sRGB."""


@dataclass(frozen=True, eq=False)
class Collection:
    """What a folder holds, as of one moment."""

    folder: Path
    faces: tuple[Exemplar, ...] = ()
    thumbnails: Bytes = field(default_factory=lambda: np.zeros((0, THUMBNAIL, THUMBNAIL, 3), np.uint8))
    """(N, 32, 32, 3): means over areas."""

    notes: tuple[str, ...] = ()
    """What was wrong, one sentence each, for the artist."""


def new_face(picture: Bytes, points: NDArray[Any], source: str) -> NewFace:
    """What is stored of an aligned picture (S, S, 3), S at most `SIDE`, and its points (49, 2) in the unit square.

    `source` may be a path; only the name is kept.
    """
    from scumble.faces.detection.photograph_cache import digest

    pixels = np.ascontiguousarray(picture, np.uint8)
    points = np.asarray(points, np.float32)
    side = int(pixels.shape[0])
    return NewFace(Path(source).name, digest(pixels), side, points, thumbnail(pixels), encoded(pixels))


def encoded(picture: Bytes, quality: int = QUALITY) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality, subsampling=0, optimize=True)
    return stream.getvalue()


def decoded(data: bytes, side: int) -> Bytes:
    """(side, side, 3). Raises ValueError where the bytes are not a JPEG of that side."""
    try:
        # the plugin itself: Image.open would compare with a limit that is global to the process
        image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        if image.size != (side, side):
            raise ValueError(f"it is {image.size[0]} × {image.size[1]} pixels instead of {side} × {side}")
        return np.array(image.convert("RGB"), np.uint8)
    except ValueError:
        raise
    except Exception as error:  # a decoder fed with damaged bytes raises whatever it meets first
        raise ValueError(str(error)) from error


def thumbnail(picture: Bytes) -> Bytes:
    """(32, 32, 3): the means over what each pixel covers, in whole or in part."""
    small = Image.fromarray(picture).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.array(small, np.uint8)


def read_collection(folder: Path) -> Collection:
    """What a folder holds now; nothing where there is none. What is damaged is left out, with a note.

    What was read is kept as long as the folder's index stays the same file.
    """
    version = _version(folder)
    return Collection(folder) if version is None else _read_once(folder, version)


def _version(folder: Path) -> tuple[int, int, int] | None:
    """Another one for each index that was written; None without one."""
    try:
        info = (folder / INDEX).stat()
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size, info.st_ino


@lru_cache(maxsize=4)
def _read_once(folder: Path, version: tuple[int, int, int]) -> Collection:
    return _read(folder)


def _read(folder: Path) -> Collection:
    faces: list[Exemplar] = []
    there: Container[str] = ()
    for attempt in range(5):
        try:
            before = _version(folder)
            index = _index(folder)
            if index is None:
                return Collection(folder)
            faces = [_exemplar(entry) for entry in index["faces"]]
            thumbnails = _thumbnails(folder, index, len(index["faces"]))
            there = _names(folder)
            if any(face.file not in there for face in faces) and _version(folder) != before and attempt < 4:
                continue  # removed since, and the index says so by now
        except FileNotFoundError:
            continue  # somebody has just written a new index, and removed what the old one names
        except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
            hint = "Add them again: scumble faces add FOLDER"
            return Collection(
                folder, notes=(f"The index of the faces in {folder} can't be read: {_reason(error)}. {hint}",)
            )
        break
    else:
        thumbnails, there = None, _names(folder)
    notes: list[str] = []
    kept = [number for number, face in enumerate(faces) if face.file in there]
    missing = len(faces) - len(kept)
    if missing:
        notes.append(f"{counted(missing, 'face')} in {folder} {'is' if missing == 1 else 'are'} damaged or gone.")
    if thumbnails is None:
        thumbnails, kept = _made_anew(folder, faces, kept)
        notes.append(f"The thumbnails in {folder} are damaged; they were made anew from the faces.")
    else:
        thumbnails = thumbnails[kept]
    return Collection(folder, tuple(faces[k] for k in kept), thumbnails, tuple(notes))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _index(folder: Path) -> dict[str, Any] | None:
    path = folder / INDEX
    try:
        if path.stat().st_size > MOST_INDEX_BYTES:
            raise ValueError("it is too large")
        index = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    if not isinstance(index, dict) or not isinstance(index.get("faces"), list):
        raise ValueError("it is no index of faces")
    if index.get("form") != FORM:
        raise ValueError(_OTHER_FORM)
    return index


_NOBODY = Exemplar("", "", "", 0, np.zeros((POINTS, 2), np.float32))
"""In the place of an entry that is no use: its file is never there."""


def _exemplar(entry: Any) -> Exemplar:
    try:
        file, digest, side = entry["file"], entry["digest"], entry["side"]
        points = np.asarray(entry["points"], np.float32)
        named = bool(_FILE.fullmatch(file) and _DIGEST.fullmatch(digest))
        whole = points.shape == (POINTS, 2) and bool(np.isfinite(points).all())
        if named and whole and type(side) is int and 0 < side <= SIDE:
            return Exemplar(file, str(entry["source"]), digest, side, points)
    except (ValueError, KeyError, TypeError):
        pass
    return _NOBODY


def _thumbnails(folder: Path, index: dict[str, Any], count: int) -> Bytes | None:
    """(count, 32, 32, 3); None where they are damaged."""
    name = index["thumbnails"]
    if not _THUMBNAILS.fullmatch(name):
        return None
    data = (folder / name).read_bytes()
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception:  # as for a damaged picture
        return None
    if found.dtype != np.uint8 or found.shape != (count, THUMBNAIL, THUMBNAIL, 3):
        return None
    return np.asarray(found)


def _made_anew(folder: Path, faces: Sequence[Exemplar], kept: Sequence[int]) -> tuple[Bytes, list[int]]:
    """Thumbnails of those whose pictures can be read, and their numbers."""
    made, numbers = [], []
    for number in kept:
        with contextlib.suppress(OSError, ValueError):
            made.append(thumbnail(decoded((folder / faces[number].file).read_bytes(), faces[number].side)))
            numbers.append(number)
    return np.array(made, np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL, 3), numbers


def _names(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries}
    except OSError:
        return set()


class Writer:
    """Changes one folder. Of two processes that do, one waits for the other.

    Parameters
    ----------
    folder
        Made where it is not there.
    private
        Whether nobody but this user may look into it.
    """

    def __init__(self, folder: Path, private: bool = True) -> None:
        self.folder = folder
        self._private = private

    def add(self, new: Iterable[NewFace]) -> list[NewFace]:
        """Store faces behind those that are there; those whose digest is there already are left out.

        Returns
        -------
        list of NewFace
            Those that were stored.

        Raises
        ------
        ScumbleError
            `internal` where the disk is full or may not be written to; then the folder is as it was.
        """
        with self._writing():
            before = read_collection(self.folder)
            known = {face.digest for face in before.faces}
            fresh: list[NewFace] = []
            for face in new:
                if face.digest not in known:
                    known.add(face.digest)
                    fresh.append(face)
            if fresh:
                self._write(before.faces, before.thumbnails, fresh)
            return fresh

    def replace(self, new: Sequence[NewFace]) -> None:
        """Store these in the place of all that are there. Raises as `add` does."""
        with self._writing():
            self._write((), Collection(self.folder).thumbnails, new)

    def remove(self, digests: Iterable[str] | None = None) -> int:
        """Remove the faces with these digests, or all, with all that may be left of earlier ones; how many were removed.

        Raises as `add` does.
        """
        if not self.folder.is_dir():
            return 0
        with self._writing():
            before = read_collection(self.folder)
            gone = set(digests) if digests is not None else {face.digest for face in before.faces}
            kept = [number for number, face in enumerate(before.faces) if face.digest not in gone]
            self._write([before.faces[k] for k in kept], before.thumbnails[kept], ())
            return len(before.faces) - len(kept)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700 if self._private else 0o777, parents=True, exist_ok=True)
            if self._private:
                close_folder(self.folder)
            with FileLock(self.folder / LOCK):
                self._refuse_another_form()
                yield
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def _refuse_another_form(self) -> None:
        """What a later version stored is not overwritten; an index that is merely damaged is begun anew."""
        try:
            _index(self.folder)
        except (ValueError, RecursionError) as error:
            if str(error) == _OTHER_FORM:
                hint = "Use that version, or let SCUMBLE_FACES name another folder."
                raise ScumbleError(
                    "version_mismatch", f"The faces in {self.folder} were stored by another version of Scumble.", hint
                ) from error

    def _write(self, old: Sequence[Exemplar], thumbnails: Bytes, new: Sequence[NewFace]) -> None:
        written: list[Path] = []
        try:
            added = []
            for face in new:
                name = f"{face.digest}.jpg"
                self._put(name, face.jpeg, written)
                added.append(Exemplar(name, face.source, face.digest, face.side, face.points))
            faces = [*old, *added]
            small = [face.thumbnail for face in new]
            together = np.concatenate([thumbnails, np.array(small, np.uint8).reshape(-1, *thumbnails.shape[1:])])
            table = self._put_thumbnails(together, written)
            index = {"form": FORM, "thumbnails": table, "faces": [_entry(face) for face in faces]}
            self._put(INDEX, json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode(), [])
        except BaseException:
            for path in written:
                with contextlib.suppress(OSError):
                    path.unlink()
            raise
        self._clean({INDEX, table, *(face.file for face in faces)})

    def _put_thumbnails(self, thumbnails: Bytes, written: list[Path]) -> str:
        from scumble.faces.detection.photograph_cache import digest

        stream = io.BytesIO()
        np.save(stream, thumbnails, allow_pickle=False)
        name = f"thumbnails-{digest(thumbnails)}.npy"
        self._put(name, stream.getvalue(), written)
        return name

    def _put(self, name: str, data: bytes, written: list[Path]) -> None:
        """Write a file at once or not at all; those that are new are noted in `written`."""
        path = self.folder / name
        part = self.folder / f"{name}.part"
        fresh = not path.exists()
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                if name == INDEX:  # all else can be told to be damaged; without this file nothing is known
                    os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        if fresh:
            written.append(path)

    def _clean(self, named: set[str]) -> None:
        """Remove what the index does not name: faces that were removed, and what a killed process left."""
        for name in _names(self.folder) - named:
            stem = name.removesuffix(".part")
            if name != stem or _FILE.fullmatch(stem) or _THUMBNAILS.fullmatch(stem):
                with contextlib.suppress(OSError):
                    (self.folder / name).unlink()


def cannot_write(folder: Path, error: OSError) -> ScumbleError:
    """What to say where faces could not be stored."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ScumbleError(
            "internal",
            "The disk is full: the faces do not fit; those from before are all there.",
            f"Free some space on the disk of {folder}, then try again.",
        )
    return ScumbleError(
        "internal",
        f"The faces could not be stored: {error.strerror or error}.",
        f"Allow yourself to write to {folder}.",
    )


def _entry(face: Exemplar) -> dict[str, Any]:
    points = [[round(float(x), 5), round(float(y), 5)] for x, y in face.points]
    return {
        "file": face.file,
        "source": face.source,
        "digest": face.digest,
        "side": face.side,
        "points": points,
    }


def counted(count: int, what: str) -> str:
    """“1 face”, “2 faces”."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
