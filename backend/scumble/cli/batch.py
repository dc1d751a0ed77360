"""`scumble batch`: one operation on a folder of pictures. It resumes where it stopped and leaves nothing out in silence."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble.imaging.io.files import READABLE
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
from .run import write

RECORD = ".scumble-batch.jsonl"
AHEAD = 3
"""Pictures that are sent before the first result is back, so that no worker waits for a disk."""
AHEAD_OF_POOL = 16
"""The same for a pool that may have many workers."""


@dataclass(frozen=True)
class Item:
    """One picture of the folder. `name` is its path in the folder; `target` the same in the output, as PNG or TIFF."""

    name: str
    path: Path
    target: Path


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
    items, left_out = scan(folder, [*targets, *beside])
    if not items:
        raise ScumbleError(
            "missing_input", f"There are no pictures in {folder}.", f"Scumble reads {', '.join(READABLE)}."
        )
    for target in targets:
        make_folder(target)
    tally = Tally(left_out=len(left_out))
    record = Record(targets[0])
    recipe = [operation, sorted(given.items()), seed, [str(f.resolve()) for f in targets], sorted(others)]
    waiting: deque[tuple[Item, str, Any, Any]] = deque()
    failures: list[dict[str, str]] = []
    with choose(local, device, pool, address) as engine, progress_bar() as bar:
        task = bar.add_task(find(operation).title, total=len(items))

        def fail(item: Item, error: ScumbleError) -> None:
            tally.failed += 1
            failures.append({"name": item.name, **error.as_dict()})
            say_error(f"{item.name}: {error}")
            bar.advance(task)

        def finish_one() -> None:
            item, key, ticket, image = waiting.popleft()
            try:
                made = engine.finish(ticket, lambda _fraction, _message: None)
                for note in made.notes:
                    say_note(f"{item.name}: {note}")
                files = write(made, image, _place(out_folder, item), _place(composite_folder, item), crop=False)
                engine.received(ticket)
                record.add(item.name, key, [file["path"] for file in files])
                tally.done += 1
                bar.advance(task)
            except ScumbleError as error:
                if error.code == "unreachable":
                    raise
                fail(item, error)
            except Exception as error:  # with --local: a defect costs its picture, not those that follow
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
                    layers = inputs.layers({**pictures, "mask": mask, **others}, operation)
                    ticket = engine.begin(Order(operation, layers, given, seed, "batch"))
                    waiting.append((item, key, ticket, layers["image"]))
                except ScumbleError as error:
                    fail(item, error)
                while len(waiting) >= (1 if local else AHEAD_OF_POOL if pool else AHEAD):
                    finish_one()
            while waiting:
                finish_one()
        except BaseException:
            for _, _, ticket, _ in waiting:
                engine.abandon(ticket)
            raise
    _report(tally, left_out, failures, as_json)
    return FAILED if tally.failed else DONE


def _check_places(folder: Path, targets: list[Path], masks: Path | None, originals: Path | None) -> None:
    if not folder.is_dir():
        raise ScumbleError("missing_input", f"There is no folder {folder}.", "Check its name.")
    if any(target.resolve() == folder.resolve() for target in targets):
        raise ScumbleError(
            "invalid_parameter",
            f"The results would lie among the pictures in {folder}, or replace them.",
            "Choose another folder for them; one inside that folder will do.",
        )
    if len({target.resolve() for target in targets}) < len(targets):
        raise ScumbleError(
            "invalid_parameter", "Layers and composites can't share a folder.", "Choose one folder for each."
        )
    if originals is not None and not originals.is_dir():
        raise ScumbleError(
            "missing_input", f"There is no folder {originals}.", "Name the folder of the unpainted pictures."
        )
    if originals is not None and originals.resolve() in {folder.resolve(), *(target.resolve() for target in targets)}:
        raise ScumbleError(
            "invalid_parameter",
            "The unpainted pictures need a folder of their own.",
            "Keep marked pictures, originals and results apart.",
        )
    if masks is not None and not masks.exists():
        raise ScumbleError("missing_input", f"There is no mask {masks}.", "Name a picture, or a folder of pictures.")


def scan(folder: Path, skip: list[Path]) -> tuple[list[Item], list[Path]]:
    """The folder's pictures, sub-folders included, in order of name; and the files that are none.

    Folders in `skip` that lie inside (of the output, of masks) are passed over, and so are hidden files that are no
    pictures, which systems leave behind.
    """
    root = folder.resolve()
    inside = [s.resolve() for s in skip if root in s.resolve().parents]
    files = sorted(p for p in folder.rglob("*") if p.is_file() or (p.is_symlink() and not p.exists()))
    files = [p for p in files if not any(p.absolute().resolve().is_relative_to(s) for s in inside)]
    pictures = [p for p in files if p.suffix.lower() in READABLE and not p.name.startswith(".")]
    stems = Counter(p.with_suffix("") for p in pictures)
    items: list[Item] = []
    taken: set[Path] = set()
    for path in pictures:
        relative = path.relative_to(folder)
        suffix = ".tif" if path.suffix.lower() in (".tif", ".tiff") else ".png"
        # photo.png and photo.jpg side by side must not become one file
        target = relative.with_suffix(suffix) if stems[path.with_suffix("")] == 1 else Path(f"{relative}{suffix}")
        while target in taken:
            target = target.with_name(f"_{target.name}")
        taken.add(target)
        items.append(Item(relative.as_posix(), path, target))
    others = set(files) - set(pictures)
    return items, sorted(p for p in others if p.suffix.lower() in READABLE or not p.name.startswith("."))


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
            facts.append([str(path.resolve()), info.st_size, info.st_mtime_ns])
        else:
            facts.append(None)
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _original_of(item: Item, originals: Path, must_exist: bool = True) -> Path | None:
    """The unpainted picture with the marked one's path and stem; that of the same format first."""
    whole = originals / item.name
    base = whole.with_suffix("")
    for candidate in (whole, *(base.with_name(base.name + suffix) for suffix in READABLE)):
        if candidate.exists():
            return candidate
    if must_exist:
        raise ScumbleError(
            "missing_input", f"There is no original for it in {originals}.", f"Put one there: {base.name}.png"
        )
    return None


def _mask_of(item: Item, masks: Path | None, must_exist: bool = True) -> Path | None:
    """One mask for all, or out of a folder the one with the picture's own path: a.jpg has a.png, or a.jpg.png."""
    if masks is None or not masks.is_dir():
        return masks
    whole = masks / item.name
    base = whole.with_suffix("")
    for stem in (whole, base):
        for suffix in READABLE:
            candidate = stem.with_name(stem.name + suffix)
            if candidate.exists():
                return candidate
    if must_exist:
        raise ScumbleError("missing_input", f"There is no mask for it in {masks}.", f"Put one there: {base.name}.png")
    return None


def _place(folder: Path | None, item: Item) -> Path | None:
    if folder is None:
        return None
    path = folder / item.target
    make_folder(path.parent)
    return path


def _report(tally: Tally, left_out: list[Path], failures: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        print_json({**vars(tally), "failures": failures, "not_pictures": [str(p) for p in left_out]})
        return
    for path in left_out:
        say_note(f"{path} is no picture that Scumble reads; it was left out.")
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
