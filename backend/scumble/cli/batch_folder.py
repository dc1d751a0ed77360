"""What a batch works on: the pictures of a folder, what belongs to each, and where its results go."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from scumble.imaging.io.files import READABLE
from scumble_client.errors import ScumbleError

from .batch_record import RECORD
from .run import real

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


@dataclass(frozen=True)
class Places:
    """Where everything lies.

    With `originals`, the folder holds marked copies (role `marked`), and the picture itself is the file of the same path and stem there,
    whatever its format: DeepCreamPy's convention.
    """

    folder: Path
    out: Path | None
    composite: Path | None
    masks: Path | None = None
    originals: Path | None = None
    others: Mapping[str, Path | None] = field(default_factory=dict)
    """Pictures that are the same for all, by role."""

    form: str | None = None
    """Of the results: a key of `SUFFIXES`; None for PNG, and TIFF for TIFF."""

    @property
    def targets(self) -> list[Path]:
        """The folders of results."""
        return [place for place in (self.out, self.composite) if place is not None]

    def check(self) -> None:
        """Raises ScumbleError for places that can't be, or don't go together. Nothing is made or changed."""
        _check(self.folder, self.targets, self.masks, self.originals)
        for path in self.others.values():
            if path is not None and not path.exists():
                raise ScumbleError("missing_input", f"There is no file {path}.", "Check its name.")

    def scan(self) -> tuple[list[Item], list[LeftOut]]:
        """The pictures that are there now, and what is left out."""
        _names.cache_clear()
        beside = [place for place in (self.masks, self.originals) if place is not None and place.is_dir()]
        return scan(self.folder, [*self.targets, *beside], SUFFIXES[self.form] if self.form else None)

    def inputs_of(self, item: Item) -> dict[str, Path]:
        """The files of one picture, by role, but for what is the same for all. Raises ScumbleError for one that is missing."""
        found: dict[str, Path | None] = {"image": item.path}
        if self.originals is not None:
            found = {"image": _original_of(item, self.originals), "marked": item.path}
        found["mask"] = _mask_of(item, self.masks)
        return {role: path for role, path in found.items() if path is not None}

    def key(self, item: Item, recipe: list[Any]) -> str:
        """Changes when the picture, its mask, another input or what is asked for does."""
        return _key(item, recipe, self.masks, self.originals, self.others)

    def results_of(self, item: Item) -> list[Path]:
        """Where its layer and its composite go."""
        return [place / item.target for place in self.targets]


def _check(folder: Path, targets: list[Path], masks: Path | None, originals: Path | None) -> None:
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
