"""A folder of files that the artist has already: what is known among them becomes available, and stays where it is, too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scumble.weights import WeightsEntry, WeightStore
from scumble_client.errors import ScumbleError

from .recognition import Recognized, is_candidate, recognize

DEPTH = 8
MOST_FILES = 20_000
"""Files that are looked for in a folder; whoever names a whole disk is told."""

CHUNK = 2**22

Report = Callable[[float, str], None]
"""Called with how far it is (0 to 1) and what is being done. It may raise to stop."""


@dataclass(frozen=True)
class Added:
    """What became of one file that was known, or nearly: the entry's name (empty: none), and a sentence."""

    file: str
    name: str
    sentence: str


def add_folder(folder: Path, store: WeightStore, report: Report) -> list[Added]:
    """Take over what is known in a folder and below it; a file may be named, too.

    Raises
    ------
    ScumbleError
        `invalid_parameter` where there is no such folder, or nothing to look at in it; `too_large` for one with too many files.
    """
    folder = folder.expanduser()
    files = [path for path, size in _files(folder, store.directory) if is_candidate(path, size, store.manifest)]
    if not files:
        raise ScumbleError(
            "invalid_parameter",
            f"There are no files of weights in {folder}.",
            "Choose the folder that they lie in: files like big-lama.pt, or the .index and .data files of a checkpoint.",
        )
    found: dict[str, Added] = {}
    for number, path in enumerate(files):
        report(number / len(files), f"Looking at {path.name}")
        known = recognize(path, store.manifest)
        if known.entry is not None and known.entry.name in found:
            continue
        try:
            one = _take(known, store, partial(report, (number + 0.5) / len(files)))
        except ScumbleError as error:
            if error.code == "internal":  # a full disk, a folder that can't be written: the next would fail as well
                raise
            one = Added(path.name, "", str(error))
        if one is not None:
            found[one.name or str(path)] = one
    report(1.0, "Done")
    return list(found.values())


def _files(folder: Path, store: Path) -> Iterator[tuple[Path, int]]:
    """The files below a folder, with their sizes; not what is hidden, nor the store's own."""
    if folder.is_file():
        yield folder, folder.stat().st_size
        return
    if not folder.is_dir():
        raise ScumbleError("invalid_parameter", f"There is no folder {folder}.", "Choose another.")
    count = 0
    for place, folders, names in os.walk(folder):
        here = Path(place)
        deep = len(here.relative_to(folder).parts) >= DEPTH
        folders[:] = [] if deep else sorted(f for f in folders if not f.startswith(".") and here / f != store)
        for name in sorted(names):
            count += 1
            if count > MOST_FILES:
                raise ScumbleError(
                    "too_large", f"There are more than {MOST_FILES:,} files in {folder}.", "Choose one further down."
                )
            try:
                if not name.startswith(".") and (here / name).is_file():
                    yield here / name, (here / name).stat().st_size
            except OSError:
                continue


def _take(known: Recognized, store: WeightStore, say: Callable[[str], None]) -> Added | None:
    """Put a file into the store, as it is or converted; None where there is nothing to say of it."""
    entry, path = known.entry, known.file
    if entry is None:
        return Added(path.name, "", known.sentence) if known.sentence else None
    terms = " For non-commercial use only." if entry.non_commercial else ""
    if store.status(entry.name).state == "present":
        return Added(path.name, entry.name, f"{entry.title} was here already.")
    say(f"Taking over {entry.title}")
    if known.how == "form":
        store.put(entry.name, lambda to: _convert(entry, path, to))
    else:
        store.put(entry.name, lambda to: _copy(path, to))
    return Added(path.name, entry.name, f"“{path.name}” is {entry.title}: ready to use.{terms}")


def _copy(path: Path, to: Path) -> None:
    with path.open("rb") as source, to.open("wb") as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())


def _convert(entry: WeightsEntry, path: Path, to: Path) -> None:
    """Write a published form as Scumble's own. Raises ScumbleError."""
    from scumble.faces.sketch import sc_fegan_weights
    from scumble.inpainting.weights import loading

    if entry.architecture == sc_fegan_weights.ARCHITECTURE:
        sc_fegan_weights.save(sc_fegan_weights.load(path), to)
    else:
        loading.convert(path).save(to)
