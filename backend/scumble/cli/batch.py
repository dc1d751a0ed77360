"""`scumble batch`: one operation on a folder of pictures. It resumes where it stopped and leaves nothing out in silence."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from scumble.imaging.io.files import READABLE, is_writable_folder
from scumble.operations import find
from scumble_client.errors import ScumbleError

from . import inputs
from .console import (
    CANCELLED,
    DONE,
    FAILED,
    err,
    make_folder,
    out,
    print_json,
    progress_bar,
    say_error,
    say_note,
    unexpected,
)
from .engine import Order, choose
from .run import Writing, real, write

RECORD = ".scumble-batch.jsonl"
AHEAD = 3
"""Pictures that are sent before the first result is back, so that no worker waits for a disk."""
AHEAD_OF_POOL = 16
"""The same for a pool that may have many workers."""

TRIES = 2
"""How often a picture is begun before it is given up, where the daemon died over it."""

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "tiff": ".tif"}


@dataclass(frozen=True)
class Item:
    """One picture of the folder. `name` is its path in the folder; `target` the same in the output, with the suffix of its format."""

    name: str
    path: Path
    target: Path


@dataclass(frozen=True)
class LeftOut:
    """What of a folder is no input, and why."""

    path: Path
    reason: str


@dataclass
class Pending:
    """A picture whose result is waited for."""

    item: Item
    key: str
    given: inputs.Given
    order: Order
    ticket: Any
    tries: int = 1


@dataclass
class Tally:
    """How a batch went."""

    done: int = 0
    before: int = 0
    failed: int = 0
    left_out: int = 0


class Record:
    """What is done, as lines of JSON in the output folder: the picture's name, a digest of all that made it, its files."""

    def __init__(self, folder: Path) -> None:
        """Read what is there. Raises ScumbleError."""
        self._path = folder / RECORD
        self._done: dict[str, tuple[str, list[str]]] = {}
        try:
            text = self._path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            text = ""
        except OSError as error:
            raise ScumbleError(
                "internal", f"{self._path} can't be read: {error.strerror}.", "Remove it; then all is done again."
            ) from error
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._done[entry["name"]] = entry["key"], [str(file) for file in entry["files"]]
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a run that was killed
        self._torn = not text.endswith("\n") and bool(text)

    def has(self, name: str, key: str) -> bool:
        """Whether it was made in this way, and all that was made is still there."""
        known, files = self._done.get(name, ("", []))
        return known == key and all(Path(file).exists() for file in files)

    def add(self, name: str, key: str, files: list[str]) -> None:
        """Note it. Raises ScumbleError."""
        line = json.dumps({"name": name, "key": key, "files": [str(Path(f).absolute()) for f in files]}) + "\n"
        try:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write("\n" + line if self._torn else line)
        except OSError as error:
            raise ScumbleError(
                "internal",
                f"It is done, but could not be noted in {self._path}: {error.strerror}.",
                "Make room there; the next run does it again.",
            ) from error
        self._torn = False


def batch(
    operation: str,
    folder: Path,
    out_folder: Path | None,
    composite_folder: Path | None,
    masks: Path | None,
    originals: Path | None,
    others: Mapping[str, Path | None],
    settings: list[str],
    mask_from: str | None,
    seed: int,
    local: bool,
    device: str,
    as_json: bool,
    pool: str | None = None,
    address: str | None = None,
    invert_mask: bool = False,
    writing: Writing | None = None,
    form: str | None = None,
) -> int:
    """Go through the folder; the exit code: 0 if every picture is done, 3 if any failed. Raises ScumbleError.

    With `originals`, the folder holds marked copies (role `marked`), and the picture itself is the file of the same path
    and stem there, whatever its format: DeepCreamPy's convention.
    """
    given = inputs.parameters(operation, settings, mask_from)
    roles = {
        "mask": masks,
        "marked": originals,
        **others,
    }  # what is the same for all pictures is refused once, not for each
    find(operation).check_roles(["image", *(role for role, path in roles.items() if path is not None)])
    targets = [f for f in (out_folder, composite_folder) if f is not None]
    if not targets:
        raise ScumbleError(
            "invalid_parameter", "There is nowhere to put the results.", "Give --out FOLDER or --composite FOLDER."
        )
    _check_places(folder, targets, masks, originals)
    for path in others.values():
        if path is not None and not path.exists():
            raise ScumbleError("missing_input", f"There is no file {path}.", "Check its name.")
    beside = [place for place in (masks, originals) if place is not None and place.is_dir()]
    items, left_out = scan(folder, [*targets, *beside], SUFFIXES[form] if form else None)
    if not items:
        raise ScumbleError(
            "missing_input", f"There are no pictures in {folder}.", f"Scumble reads {', '.join(READABLE)}."
        )
    for target in targets:
        make_folder(target)
        is_writable_folder(target)  # said before the work, not after each picture's
        mark(target)
    writing = writing or Writing()
    tally = Tally(left_out=len(left_out))
    record = Record(targets[0])
    places = [str(real(f)) for f in targets]
    recipe = [operation, sorted(given.items()), seed, places, sorted(others), invert_mask, form, vars(writing)]
    waiting: deque[Pending] = deque()
    failures: list[dict[str, str]] = []
    with choose(local, device, pool, address) as engine, progress_bar() as bar:
        task = bar.add_task(find(operation).title, total=len(items))

        def fail(item: Item, error: ScumbleError) -> None:
            tally.failed += 1
            failures.append({"name": item.name, **error.as_dict()})
            say_error(f"{item.name}: {error}")
            bar.advance(task)

        def again(lost: ScumbleError) -> None:
            """The daemon has died: another one begins all that is waited for; the first of that may have been what killed it."""
            for pending in list(waiting):
                if pending is waiting[0]:
                    pending.tries += 1
                if pending.tries > TRIES:
                    waiting.remove(pending)
                    fail(pending.item, lost)
            engine.restart()
            for pending in waiting:
                pending.ticket = engine.begin(pending.order)

        def finish_one() -> None:
            pending = waiting[0]
            item = pending.item
            try:
                made = engine.finish(pending.ticket, lambda _fraction, _message: None)
            except ScumbleError as error:
                if error.code == "unreachable":
                    again(error)
                    return
                waiting.popleft()
                fail(item, error)
                return
            except Exception as error:  # with --local: a defect costs its picture, not those that follow
                waiting.popleft()
                fail(item, unexpected(error, ["batch", operation, item.name]))
                return
            waiting.popleft()
            try:
                for note in made.notes:
                    say_note(f"{item.name}: {note}")
                out_path, whole_path = _place(out_folder, item), _place(composite_folder, item)
                files = write(made, pending.given, out_path, whole_path, False, writing)
                engine.received(pending.ticket)
                record.add(item.name, pending.key, [file["path"] for file in files])
                tally.done += 1
                bar.advance(task)
            except ScumbleError as error:
                fail(item, error)
            except Exception as error:
                fail(item, unexpected(error, ["batch", operation, item.name]))

        try:
            for item in items:
                key = _key(item, recipe, masks, originals, others)
                if record.has(item.name, key):
                    tally.before += 1
                    bar.advance(task)
                    continue
                bar.update(task, description=item.name)
                try:
                    mask = _mask_of(item, masks)
                    pictures: dict[str, Path | None] = {"image": item.path}
                    if originals is not None:
                        pictures = {"image": _original_of(item, originals), "marked": item.path}
                    read = inputs.read({**pictures, "mask": mask, **others}, operation, invert_mask)
                    order = Order(operation, read.layers, given, seed, "batch")
                    waiting.append(Pending(item, key, read, order, engine.begin(order)))
                except ScumbleError as error:
                    fail(item, error)
                except Exception as error:
                    fail(item, unexpected(error, ["batch", operation, item.name]))
                while len(waiting) >= (1 if local else AHEAD_OF_POOL if pool else AHEAD):
                    finish_one()
            while waiting:
                finish_one()
        except BaseException:
            for pending in waiting:
                engine.abandon(pending.ticket)
            raise
    _report(tally, left_out, failures, as_json)
    return FAILED if tally.failed else DONE


def _check_places(folder: Path, targets: list[Path], masks: Path | None, originals: Path | None) -> None:
    if not folder.is_dir():
        raise ScumbleError("missing_input", f"There is no folder {folder}.", "Check its name.")
    if any(real(target) == real(folder) for target in targets):
        raise ScumbleError(
            "invalid_parameter",
            f"The results would lie among the pictures in {folder}, or replace them.",
            "Choose another folder for them; one inside that folder will do.",
        )
    if len({real(target) for target in targets}) < len(targets):
        raise ScumbleError(
            "invalid_parameter", "Layers and composites can't share a folder.", "Choose one folder for each."
        )
    if originals is not None and not originals.is_dir():
        raise ScumbleError(
            "missing_input", f"There is no folder {originals}.", "Name the folder of the unpainted pictures."
        )
    if originals is not None and real(originals) in {real(folder), *(real(target) for target in targets)}:
        raise ScumbleError(
            "invalid_parameter",
            "The unpainted pictures need a folder of their own.",
            "Keep marked pictures, originals and results apart.",
        )
    if masks is not None and not masks.exists():
        raise ScumbleError("missing_input", f"There is no mask {masks}.", "Name a picture, or a folder of pictures.")


def mark(folder: Path) -> None:
    """Leave the record in a folder of results, by which later runs know it; raises nothing, as `is_writable_folder` has tried it."""
    (folder / RECORD).touch()


def scan(folder: Path, skip: list[Path], suffix: str | None = None) -> tuple[list[Item], list[LeftOut]]:
    """The folder's pictures, sub-folders included, in order of name; and what is left out, with the reason.

    Passed over in silence are the folders of `skip` that lie inside (of the output, of masks), hidden folders, and hidden files that
    are no pictures, which systems leave behind. `suffix` is that of the results; by default PNG's, and TIFF's for TIFF.
    """
    root = real(folder)
    inside = {real(s) for s in skip if root in real(s).parents}
    pictures: list[Path] = []
    left_out: list[LeftOut] = []

    def unreadable(error: OSError) -> None:
        left_out.append(LeftOut(Path(error.filename or folder), f"can't be read ({error.strerror})"))

    for place, folders, files in os.walk(folder, onerror=unreadable):
        here = Path(place)
        for name in sorted(folders):
            path = here / name
            if name.startswith(".") or real(path) in inside:
                folders.remove(name)
            elif path.is_symlink():
                folders.remove(name)
                left_out.append(LeftOut(path, "is a link to a folder"))
            elif (path / RECORD).exists():
                folders.remove(name)
                left_out.append(LeftOut(path, "holds results of an earlier run"))
        for name in files:
            path = here / name
            if name.startswith("."):
                if path.suffix.lower() in READABLE:
                    left_out.append(LeftOut(path, "is hidden"))
            elif path.suffix.lower() in READABLE:
                pictures.append(path)
            else:
                left_out.append(LeftOut(path, "is no picture that Scumble reads"))
    pictures.sort()
    stems = Counter(p.with_suffix("") for p in pictures)
    items: list[Item] = []
    taken: set[str] = set()
    for path in pictures:
        relative = path.relative_to(folder)
        wanted = suffix or (".tif" if path.suffix.lower() in (".tif", ".tiff") else ".png")
        # photo.png and photo.jpg side by side must not become one file, nor A.png and a.png on a system that takes them for one
        target = relative.with_suffix(wanted) if stems[path.with_suffix("")] == 1 else Path(f"{relative}{wanted}")
        while target.as_posix().casefold() in taken:
            target = target.with_name(f"_{target.name}")
        taken.add(target.as_posix().casefold())
        items.append(Item(relative.as_posix(), path, target))
    return items, sorted(left_out, key=lambda one: one.path)


def _key(
    item: Item, recipe: list[Any], masks: Path | None, originals: Path | None, others: Mapping[str, Path | None]
) -> str:
    """Changes when the picture, its mask, another input or what is asked for does."""
    facts: list[Any] = [recipe]
    mask = _mask_of(item, masks, must_exist=False)
    original = [] if originals is None else [_original_of(item, originals, must_exist=False)]
    for path in (item.path, mask, *original, *(others[role] for role in sorted(others))):
        if path is not None and path.exists():
            info = path.stat()
            facts.append([str(real(path)), info.st_size, info.st_mtime_ns])
        else:
            facts.append(None)
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _original_of(item: Item, originals: Path, must_exist: bool = True) -> Path | None:
    """The unpainted picture with the marked one's path and stem; that of the same format first."""
    whole = originals / item.name
    base = whole.with_suffix("")
    found = _first_of(whole, *(base.with_name(base.name + suffix) for suffix in READABLE))
    if found is None and must_exist:
        raise ScumbleError(
            "missing_input", f"There is no original for it in {originals}.", f"Put one there: {base.name}.png"
        )
    return found


def _mask_of(item: Item, masks: Path | None, must_exist: bool = True) -> Path | None:
    """One mask for all, or out of a folder the one with the picture's own path: a.jpg has a.png, or a.jpg.png."""
    if masks is None or not masks.is_dir():
        return masks
    whole = masks / item.name
    base = whole.with_suffix("")
    found = _first_of(*(stem.with_name(stem.name + suffix) for stem in (whole, base) for suffix in READABLE))
    if found is None and must_exist:
        raise ScumbleError("missing_input", f"There is no mask for it in {masks}.", f"Put one there: {base.name}.png")
    return found


def _first_of(*candidates: Path) -> Path | None:
    """The first that is there; where none is, the first that is there with other letters large or small."""
    for candidate in candidates:
        if candidate.exists():
            return candidate
    names = _names(candidates[0].parent)
    return next((names[c.name.casefold()] for c in candidates if c.name.casefold() in names), None)


@lru_cache(maxsize=64)
def _names(folder: Path) -> dict[str, Path]:
    """A folder's files by their names in small letters."""
    try:
        return {path.name.casefold(): path for path in sorted(folder.iterdir(), reverse=True)}
    except OSError:
        return {}


def _place(folder: Path | None, item: Item) -> Path | None:
    if folder is None:
        return None
    path = folder / item.target
    make_folder(path.parent)
    return path


def _report(tally: Tally, left_out: list[LeftOut], failures: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        named = {str(one.path): one.reason for one in left_out}
        print_json({**vars(tally), "failures": failures, "not_pictures": list(named), "reasons": named})
        return
    for one in left_out:
        say_note(f"{one.path} {one.reason}; it was left out.")
    parts = [f"{tally.done} done", f"{tally.failed} failed"]
    if tally.before:
        parts.insert(1, f"{tally.before} done before")
    if tally.left_out:
        parts.append(f"{tally.left_out} left out")
    out.print(", ".join(parts))


def interrupted() -> int:
    """What to say after Ctrl-C."""
    err.print("Stopped. Run the same command again to go on.")
    return CANCELLED
