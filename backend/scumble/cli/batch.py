"""`scumble batch`: one operation on a folder of pictures. It resumes where it stopped and leaves nothing out in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scumble.imaging.io.files import READABLE, is_writable_folder
from scumble.operations import find
from scumble.scripting import Job, Layer
from scumble_client.errors import ScumbleError

from . import inputs
from .batch_folder import Item, LeftOut, Places
from .batch_record import RECORD, Record
from .batch_watch import Watch
from .console import (
    CANCELLED,
    DONE,
    FAILED,
    err,
    foreseen,
    make_folder,
    out,
    print_json,
    print_json_line,
    progress_bar,
    say_error,
    say_note,
    unexpected,
)
from .engine import choose
from .run import Writing, real, write

AHEAD = 3
"""Pictures that are sent before the first result is back, so that no worker waits for a disk."""
AHEAD_OF_POOL = 16
"""The same for a pool that may have many workers."""

TRIES = 2
"""How often a picture is begun before it is given up, where the daemon died over it."""


@dataclass(frozen=True)
class Wish:
    """What is to be done with each picture, and how."""

    operation: str
    settings: list[str]
    mask_from: str | None = None
    invert_mask: bool = False
    seed: int = 0
    writing: Writing = field(default_factory=Writing)
    in_process: bool = False
    device: str = "auto"
    pool: str | None = None
    address: str | None = None
    as_json: bool = False
    watch: bool = False
    """Go on, and take pictures as they come into the folder."""

    dry_run: bool = False
    """Only say what would be done; nothing is written, and no daemon started."""


@dataclass
class Tally:
    """How a batch went."""

    done: int = 0
    before: int = 0
    failed: int = 0
    left_out: int = 0


def batch(wish: Wish, places: Places) -> int:
    """Go through the folder; the exit code: 0 if every picture is done, 3 if any failed. Raises ScumbleError."""
    given = inputs.parameters(wish.operation, wish.settings, wish.mask_from)
    # what is the same for all pictures is refused once, not for each
    roles = {"mask": places.masks, "marked": places.originals, **places.others}
    find(wish.operation).check_roles(["image", *(role for role, path in roles.items() if path is not None)])
    if not places.targets:
        raise ScumbleError(
            "invalid_parameter", "There is nowhere to put the results.", "Give --out FOLDER or --composite FOLDER."
        )
    places.check()
    if wish.watch and wish.dry_run:
        raise ScumbleError("invalid_parameter", "--watch and --dry-run don't go together.", "Leave one of them out.")
    items, left_out = places.scan()
    if not items and not wish.watch:
        raise ScumbleError(
            "missing_input", f"There are no pictures in {places.folder}.", f"Scumble reads {', '.join(READABLE)}."
        )
    if wish.dry_run:
        return _foretell(wish, places, given, items, left_out)
    for target in places.targets:
        make_folder(target)
        is_writable_folder(target)  # said before the work, not after each picture's
        mark(target)
    run = Run(wish, places, given, Record(places.targets[0]))
    if wish.watch:
        return run.watch()
    return run.through(items, left_out)


class Run:
    """One call of the command."""

    def __init__(self, wish: Wish, places: Places, given: Mapping[str, str], record: Record) -> None:
        self.wish, self.places, self.given, self.record = wish, places, given, record
        self.recipe = recipe(wish, places, given)
        self.tally = Tally()
        self.failures: list[dict[str, str]] = []
        self.watched: Watch | None = None
        self._begun: dict[str, tuple[Item, str, Layer]] = {}
        self._count = 0

    def through(self, items: list[Item], left_out: list[LeftOut]) -> int:
        """All that is there now."""
        self.tally.left_out = len(left_out)
        self._work(iter(items), len(items))
        _report(self.tally, left_out, self.failures, self.wish.as_json)
        return FAILED if self.tally.failed else DONE

    def watch(self) -> int:
        """Until Ctrl-C: what is there, and what comes."""
        self.watched = Watch(self.places.scan, self._key, self._leave_out)
        if not self.wish.as_json:
            err.print(f"Watching {self.places.folder}. Stop it with Ctrl-C.")
        self._work(self.watched.items(), None)
        return DONE

    def _work(self, items: Iterator[Item | None], total: int | None) -> None:
        wish = self.wish
        engine = choose(wish.in_process, wish.device, wish.pool, wish.address)
        ahead = 1 if wish.in_process else AHEAD_OF_POOL if wish.pool else AHEAD
        with engine, progress_bar() as bar:
            self._bar, self._task = bar, bar.add_task(find(wish.operation).title, total=total)
            common = {
                role: inputs.read_one(role, path) for role, path in self.places.others.items() if path is not None
            }
            jobs = engine.map(
                wish.operation,
                self._orders(items),
                seed=wish.seed,
                ahead=ahead,
                tries=TRIES,
                parameters={**self.given, **common},
            )
            with closing(jobs):
                for job in jobs:
                    self._finish(job)

    def _orders(self, items: Iterator[Item | None]) -> Iterator[dict[str, Any] | None]:
        """What `map` is to do, read from the disk when there is room for it."""
        for item in items:
            if item is None:
                yield None
                continue
            key = self._key(item)
            if self.record.has(item.name, key):
                self.tally.before += 1
                self._over(item, key)
                continue
            self._bar.update(self._task, description=item.name)
            try:
                files = self.places.inputs_of(item)
                find(self.wish.operation).check_roles([*files, *self._others()])
                layers = {role: inputs.read_one(role, path, self.wish.invert_mask) for role, path in files.items()}
            except ScumbleError as error:
                if self.watched and not item.path.exists():
                    continue  # it was taken away again
                if not (self.watched and self.watched.may_be_unfinished(item)):
                    self._fail(item, key, error)
                continue
            except Exception as error:
                self._fail(item, key, self._unexpected(error, item))
                continue
            self._count += 1
            name = f"{self._count} {item.name}"  # it may change, and be begun again, before it is done
            self._begun[name] = item, key, layers["image"]
            yield {**layers, "name": name}

    def _finish(self, job: Job) -> None:
        item, key, image = self._begun.pop(job.name)
        if job.error is not None:
            self._fail(item, key, foreseen(job.error, self._doing(item)))
            return
        try:
            for note in job.notes:
                say_note(f"{item.name}: {note}")
            item = self._with_a_free_target(item)
            layer_path, whole_path = self._place(self.places.out, item), self._place(self.places.composite, item)
            written = write(job.layers, image, layer_path, whole_path, False, self.wish.writing)
            files = [file["path"] for file in written]
            self.record.add(item.name, key, files)
        except ScumbleError as error:
            self._fail(item, key, error)
        except Exception as error:
            self._fail(item, key, self._unexpected(error, item))
        else:
            self.tally.done += 1
            if self.watched and self.wish.as_json:
                print_json_line({"name": item.name, "files": files, "seconds": job.seconds, "notes": job.notes})
            elif self.watched:
                out.print(f"{item.name} → {', '.join(files)}")
            self._over(item, key)

    def _with_a_free_target(self, item: Item) -> Item:
        """What was made of another picture stays: photo.jpg may come when photo.png was taken away."""
        while any(self.record.made_of_another(path, item.name) for path in self.places.results_of(item)):
            longer = Path(f"{item.name}{item.target.suffix}")
            target = longer if item.target != longer else item.target.with_name(f"_{item.target.name}")
            item = replace(item, target=target)
        return item

    def _place(self, folder: Path | None, item: Item) -> Path | None:
        if folder is None:
            return None
        path = folder / item.target
        make_folder(path.parent)
        return path

    def _fail(self, item: Item, key: str, error: ScumbleError) -> None:
        self.tally.failed += 1
        if self.watched and self.wish.as_json:
            print_json_line({"name": item.name, "error": error.as_dict()})
        elif not self.watched:
            self.failures.append({"name": item.name, **error.as_dict()})
        say_error(f"{item.name}: {error}")
        self._over(item, key)

    def _over(self, item: Item, key: str) -> None:
        if self.watched:
            self.watched.finished(item, key)
        self._bar.advance(self._task)

    def _leave_out(self, one: LeftOut) -> None:
        self.tally.left_out += 1
        say_note(f"{one.path} {one.reason}; it is left out.")

    def _key(self, item: Item) -> str:
        return self.places.key(item, self.recipe)

    def _others(self) -> list[str]:
        return [role for role, path in self.places.others.items() if path is not None]

    def _doing(self, item: Item) -> list[str]:
        return ["batch", self.wish.operation, item.name]

    def _unexpected(self, error: Exception, item: Item) -> ScumbleError:
        return unexpected(error, self._doing(item))


def recipe(wish: Wish, places: Places, given: Mapping[str, str]) -> list[Any]:
    """All that decides what comes of a picture, but for its files."""
    targets = [str(real(place)) for place in places.targets]
    how = vars(wish.writing)
    return [
        wish.operation,
        sorted(given.items()),
        wish.seed,
        targets,
        sorted(places.others),
        wish.invert_mask,
        places.form,
        how,
    ]


def mark(folder: Path) -> None:
    """Leave the record in a folder of results, by which later runs know it; raises nothing, as `is_writable_folder` has tried it."""
    (folder / RECORD).touch()


def _foretell(wish: Wish, places: Places, given: Mapping[str, str], items: list[Item], left_out: list[LeftOut]) -> int:
    """Say what would be done with each picture; 3 where that is known to fail."""
    for target in places.targets:
        if target.exists() and not target.is_dir():
            raise ScumbleError("invalid_parameter", f"{target} is a file, not a folder.", "Choose another one.")
    record, what = Record(places.targets[0]), recipe(wish, places, given)
    told: list[dict[str, Any]] = []
    for item in items:
        one: dict[str, Any] = {"name": item.name, "files": [str(path) for path in places.results_of(item)]}
        try:
            files = places.inputs_of(item)
            others = [role for role, path in places.others.items() if path is not None]
            find(wish.operation).check_roles([*files, *others])
            for path in files.values():
                Layer.open(path)
            done = record.has(item.name, places.key(item, what))
            one["state"] = "done before" if done else "to do"
        except ScumbleError as error:
            one |= {"state": "would fail", "error": error.as_dict()}
            one["sentence"] = str(error)
        told.append(one)
    failing = [one for one in told if one["state"] == "would fail"]
    if wish.as_json:
        reasons = {str(one.path): one.reason for one in left_out}
        print_json(
            {"pictures": [{k: v for k, v in one.items() if k != "sentence"} for one in told], "reasons": reasons}
        )
        return FAILED if failing else DONE
    for other in left_out:
        say_note(f"{other.path} {other.reason}; it would be left out.")
    for entry in told:
        if entry["state"] == "would fail":
            say_error(f"{entry['name']}: {entry['sentence']}")
        elif entry["state"] == "done before":
            out.print(f"{entry['name']}: done before")
        else:
            out.print(f"{entry['name']} → {', '.join(entry['files'])}")
    to_do = sum(one["state"] == "to do" for one in told)
    parts = [f"{to_do} to do", f"{len(told) - to_do - len(failing)} done before", f"{len(failing)} would fail"]
    out.print(", ".join([*parts, f"{len(left_out)} left out"]))
    return FAILED if failing else DONE


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
