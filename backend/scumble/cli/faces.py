"""`scumble faces`: the user's own portraits and the pulled collection, as faces to copy from."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from scumble.faces.exemplars.collection import Collection, Exemplar, Writer, counted, read_collection
from scumble.faces.exemplars.library import PULLED, own_directory, pulled_directory
from scumble.weights import WeightStore
from scumble_client.errors import ScumbleError

from .console import out, print_json, progress_bar, say_note, size

if TYPE_CHECKING:
    from scumble.faces.exemplars.adding import Progress, Summary

NAME = 8
"""Digits of a face's digest that are its name, where no other begins with them."""

NAMED = 12
"""So many files are named in a sentence."""

WHY = {
    "small": "too small",
    "cut off": "cut off by the picture's edge",
    "turned": "turned too far to a side",
    "blurred": "out of focus",
}


def add(paths: list[Path], as_json: bool, porcelain: bool) -> None:
    """Find and store the faces of pictures. Raises ScumbleError, also where not one can be used."""
    try:
        with _porcelain_progress() if porcelain else _shown_progress() as progress:
            summary = _added(paths, progress)
    except ScumbleError as error:
        if porcelain:
            _line({"event": "error", "code": error.code, "message": error.message, "hint": error.hint})
        raise
    if porcelain:
        _line({"event": "done", **_facts(summary)})
    elif as_json:
        print_json(_facts(summary))
    else:
        out.print(sentence(summary))


def _added(paths: list[Path], progress: Progress) -> Summary:
    from scumble.faces.detection.weights import LANDMARKS, load
    from scumble.faces.exemplars.adding import add_portraits, files_in

    files_in(paths)  # a path that leads nowhere is said at once, and not after seconds of loading
    folder = own_directory()
    for note in read_collection(folder).notes:
        say_note(note)
    summary = add_portraits(paths, folder, load(WeightStore().path(LANDMARKS)), progress)
    if not summary.faces and not summary.known:
        raise ScumbleError("missing_input", *_nothing(paths, summary))
    return summary


def _nothing(paths: Sequence[Path], summary: Summary) -> tuple[str, str]:
    """Message and hint where no face was added."""
    where = ", ".join(f"“{path.name or path}”" for path in paths[:NAMED])
    hint = "Choose photographs that show faces from the front, at least 200 pixels from chin to hair."
    if not summary.looked_at:
        return f"There is no picture that can be read in {where}.", "Scumble reads PNG, JPEG, WebP and TIFF."
    if summary.refused:
        return f"No face in {where} can be used: {_refused(summary)}.", hint
    return f"No face was found in {where}.", hint


def sentence(summary: Summary) -> str:
    """What came of it, for people."""
    pieces = [f"{counted(summary.faces, 'face')} from {counted(summary.pictures, 'picture')}"]
    if summary.known:
        pieces.append(f"{counted(summary.known, 'face')} {_are(summary.known)} there already")
    if summary.empty:
        shows = "shows" if len(summary.empty) == 1 else "show"
        pieces.append(f"{counted(len(summary.empty), 'picture')} {shows} no face: {_names(summary.empty)}")
    if summary.refused:
        pieces.append(f"not used: {_refused(summary)}")
    if summary.unreadable:
        count = len(summary.unreadable)
        what = "is not a picture that can be read" if count == 1 else "are not pictures that can be read"
        pieces.append(f"{counted(count, 'file')} {what}: {_names(summary.unreadable)}")
    return "; ".join(pieces)


def _refused(summary: Summary) -> str:
    return ", ".join(f"{counted(count, 'face')} {WHY[why]}" for why, count in sorted(summary.refused.items()))


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _facts(summary: Summary) -> dict[str, Any]:
    return {**asdict(summary), "refused": dict(summary.refused), "sentence": sentence(summary)}


def _line(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


@contextmanager
def _shown_progress() -> Iterator[Progress]:
    with progress_bar() as bar:
        task = bar.add_task("Looking for faces", total=None)
        yield lambda done, total, name: bar.update(task, completed=done, total=total, description=name or "Done")


@contextmanager
def _porcelain_progress() -> Iterator[Progress]:
    yield lambda done, total, name: _line({"event": "progress", "done": done, "total": total, "name": name})


def list_faces(as_json: bool) -> None:
    """The user's own faces one by one, and the pulled collection as a whole."""
    own, pulled = read_collection(own_directory()), read_collection(pulled_directory())
    for note in (*own.notes, *pulled.notes):
        say_note(note)
    names = _short_names(own.faces)
    if as_json:
        print_json(
            {
                "own": [
                    {
                        "name": names[face.digest],
                        "side": face.side,
                        "source": face.source,
                        "path": str(own.folder / face.file),
                    }
                    for face in own.faces
                ],
                "pulled": {"faces": len(pulled.faces), "bytes": _bytes(pulled), "path": str(pulled.folder)},
            }
        )
        return
    if own.faces:
        table = Table("name", "size", "from", box=None)
        for face in own.faces:
            table.add_row(names[face.digest], f"{face.side} × {face.side}", face.source)
        out.print(table)
    else:
        out.print("There are no faces of your own. Add some: scumble faces add FOLDER")
    if pulled.faces:
        out.print(f"{PULLED}: {counted(len(pulled.faces), 'face')}, {size(_bytes(pulled))}")
    else:
        out.print(f"{PULLED}: not here. Get it with: scumble weights pull {PULLED}")


def _bytes(collection: Collection) -> int:
    total = 0
    for face in collection.faces:
        try:
            total += (collection.folder / face.file).stat().st_size
        except OSError:
            continue
    return total


def _short_names(faces: Sequence[Exemplar]) -> dict[str, str]:
    """Digests and the names that stand for them: so many of the first digits that they are different."""
    length = NAME
    while len({face.digest[:length] for face in faces}) < len(faces):
        length += 1
    return {face.digest: face.digest[:length] for face in faces}


def remove(names: list[str], everything: bool, dry_run: bool = False) -> None:
    """Remove faces. An unknown name is said before anything is removed. Raises ScumbleError."""
    if bool(names) == everything:
        raise ScumbleError(
            "invalid_parameter", "What should be removed?", "Name faces as `scumble faces list` does, or say --all."
        )
    own = read_collection(own_directory())
    chosen = {digest for name in names if name != PULLED for digest in _meant(name, own)}
    if dry_run:
        leaving = [face for face in own.faces if everything or face.digest in chosen]
        short = _short_names(own.faces)
        for face in leaving:
            out.print(f"Would remove {short[face.digest]}, from {face.source}.")
        if PULLED in names:
            out.print(f"Would remove {PULLED}, if it is here.")
        out.print(f"{counted(len(leaving), 'face')} would be removed")
        return
    if PULLED in names:
        if not WeightStore().remove_folder(PULLED):
            raise ScumbleError(
                "invalid_parameter", f"{PULLED} is not here.", "See what there is with: scumble faces list"
            )
        out.print(f"{PULLED} was removed.")
    if chosen or everything:
        removed = Writer(own_directory()).remove(None if everything else chosen)
        out.print(f"{counted(removed, 'face')} removed")


def _meant(name: str, own: Collection) -> list[str]:
    """Digests of the faces that a name stands for."""
    found = [face.digest for face in own.faces if face.source == name]
    if not found and len(name) >= NAME:
        found = [face.digest for face in own.faces if face.digest.startswith(name)]
        found = found if len(found) == 1 else []
    if found:
        return found
    known = [*_short_names(own.faces).values(), *(face.source for face in own.faces)]
    close = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean {close[0]}?" if close else "See what there is with: scumble faces list"
    raise ScumbleError("invalid_parameter", f"There is no face of yours called “{name}”.", hint)
