"""`scumble batch`: one operation on a folder of pictures. It resumes where it stopped and leaves nothing out in silence."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble_client.errors import ScumbleError

from ..files import READABLE
from ..operations import find
from . import inputs
from .console import CANCELLED, DONE, FAILED, err, out, print_json, progress_bar, say_error, say_note
from .engine import DaemonEngine, Engine, LocalEngine, Order
from .run import write

RECORD = ".scumble-batch.jsonl"
AHEAD = 3
"""Pictures that are sent before the first result is back, so that no worker waits for a disk."""


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
    """What is done, as lines of JSON in the output folder: the picture's name, and a digest of all that made it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / RECORD
        self._done: dict[str, str] = {}
        if self._path.exists():
            for line in self._path.read_text("utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    self._done[entry["name"]] = entry["key"]
                except (ValueError, KeyError, TypeError):
                    continue  # the last line of a run that was killed

    def has(self, name: str, key: str) -> bool:
        return self._done.get(name) == key

    def add(self, name: str, key: str) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, "key": key}) + "\n")


def batch(
    operation: str,
    folder: Path,
    out_folder: Path | None,
    composite_folder: Path | None,
    masks: Path | None,
    others: Mapping[str, Path | None],
    settings: list[str],
    mask_from: str | None,
    seed: int,
    local: bool,
    device: str,
    as_json: bool,
) -> int:
    """Go through the folder; the exit code: 0 if every picture is done, 3 if any failed. Raises ScumbleError."""
    given = inputs.parameters(operation, settings, mask_from)
    targets = [f for f in (out_folder, composite_folder) if f is not None]
    if not targets:
        raise ScumbleError(
            "invalid_parameter", "There is nowhere to put the results.", "Give --out FOLDER or --composite FOLDER."
        )
    items, left_out = scan(folder, [f.resolve() for f in targets])
    if not items:
        raise ScumbleError(
            "missing_input", f"There are no pictures in {folder}.", f"Scumble reads {', '.join(READABLE)}."
        )
    for target in targets:
        _make(target)
    tally = Tally(left_out=len(left_out))
    record = Record(targets[0])
    recipe = [operation, sorted(given.items()), seed, str(masks), sorted((k, str(v)) for k, v in others.items())]
    engine: Engine = LocalEngine(device) if local else DaemonEngine()
    waiting: deque[tuple[Item, str, Any, Any]] = deque()
    with engine, progress_bar() as bar:
        task = bar.add_task(find(operation).title, total=len(items))

        def fail(item: Item, error: ScumbleError) -> None:
            tally.failed += 1
            say_error(f"{item.name}: {error}")
            bar.advance(task)

        def finish_one() -> None:
            item, key, ticket, image = waiting.popleft()
            try:
                made = engine.finish(ticket, lambda _fraction, _message: None)
                for note in made.notes:
                    say_note(f"{item.name}: {note}")
                write(
                    made,
                    image,
                    _place(out_folder, item),
                    _place(composite_folder, item),
                    crop=False,
                )
                engine.received(ticket)
                record.add(item.name, key)
                tally.done += 1
                bar.advance(task)
            except ScumbleError as error:
                if error.code == "unreachable":
                    raise
                fail(item, error)

        for item in items:
            key = _key(item, recipe, masks)
            if record.has(item.name, key) and all(_place(t, item).exists() for t in targets if t):  # type: ignore[union-attr]
                tally.before += 1
                bar.advance(task)
                continue
            bar.update(task, description=item.name)
            try:
                mask = _mask_of(item, masks)
                layers = inputs.layers({"image": item.path, "mask": mask, **others})
                ticket = engine.begin(Order(operation, layers, given, seed, "batch"))
                waiting.append((item, key, ticket, layers["image"]))
            except ScumbleError as error:
                fail(item, error)
            while len(waiting) >= (1 if local else AHEAD):
                finish_one()
        while waiting:
            finish_one()
    _report(tally, left_out, as_json)
    return FAILED if tally.failed else DONE


def scan(folder: Path, skip: list[Path]) -> tuple[list[Item], list[Path]]:
    """The folder's pictures, sub-folders included, in order of name; and the files that are none.

    Folders in `skip` (the output may lie inside) are passed over. Raises ScumbleError for a folder that is not there.
    """
    if not folder.is_dir():
        raise ScumbleError("missing_input", f"There is no folder {folder}.", "Check its name.")
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    files = [p for p in files if not any(p.resolve().is_relative_to(s) for s in skip) and not p.name.startswith(".")]
    pictures = [p for p in files if p.suffix.lower() in READABLE]
    stems = Counter(p.with_suffix("") for p in pictures)
    items = []
    for path in pictures:
        relative = path.relative_to(folder)
        # photo.png and photo.jpg side by side must not become one file
        stem = relative.with_suffix("") if stems[path.with_suffix("")] == 1 else relative
        suffix = ".tif" if path.suffix.lower() in (".tif", ".tiff") else ".png"
        items.append(Item(relative.as_posix(), path, stem.with_name(stem.name + suffix)))
    return items, [p for p in files if p.suffix.lower() not in READABLE]


def _key(item: Item, recipe: list[Any], masks: Path | None) -> str:
    """Changes when the picture, its mask or what is asked for does."""
    facts: list[Any] = [recipe]
    mask = _mask_of(item, masks, must_exist=False)
    for path in (item.path, mask):
        if path is not None and path.exists():
            info = path.stat()
            facts.append([str(path), info.st_size, info.st_mtime_ns])
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _mask_of(item: Item, masks: Path | None, must_exist: bool = True) -> Path | None:
    """One mask for all, or out of a folder the one with the picture's own path (any suffix)."""
    if masks is None or masks.is_file():
        return masks
    base = masks / Path(item.name).with_suffix("")
    for suffix in READABLE:
        candidate = base.with_name(base.name + suffix)
        if candidate.exists():
            return candidate
    if must_exist:
        raise ScumbleError("missing_input", f"There is no mask for it in {masks}.", f"Put one there: {base.name}.png")
    return None


def _place(folder: Path | None, item: Item) -> Path | None:
    if folder is None:
        return None
    path = folder / item.target
    _make(path.parent)
    return path


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScumbleError(
            "invalid_parameter", f"The folder {folder} can't be made: {error.strerror}.", "Choose another one."
        ) from error


def _report(tally: Tally, left_out: list[Path], as_json: bool) -> None:
    if as_json:
        print_json({**vars(tally), "not_pictures": [str(p) for p in left_out]})
        return
    for path in left_out:
        say_note(f"{path.name} is no picture that Scumble reads; it was left out.")
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
