"""The manifest: which weights there are, where they come from, and under which terms."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scumble_client.errors import ScumbleError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PACKAGED = Path(__file__).parents[1] / "_weights" / "manifest.toml"
_IN_REPOSITORY = Path(__file__).parents[3] / "weights" / "manifest.toml"

MANIFEST_VARIABLE = "SCUMBLE_MANIFEST"
"""Names a manifest of one's own: a studio's, say, whose files lie on a server of its own."""

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_FOLDER = re.compile(rf"{_NAME.pattern}(/{_NAME.pattern})*")
_FILE = re.compile(r"[A-Za-z0-9]+([._-]+[A-Za-z0-9]+)*")
_RESERVED_SUFFIXES = (".part", ".lock", ".toml", ".json")
_DEVICE_NAMES = {"con", "prn", "aux", "nul", *(f"{kind}{n}" for kind in ("com", "lpt") for n in range(1, 10))}


@dataclass(frozen=True)
class WeightsEntry:
    """One entry of the manifest."""

    name: str
    """What the command line and operations call it: lower case, digits, `.`, `_`, `-`."""

    title: str
    architecture: str
    """The network that it fits."""

    file: str
    """Its name in the store, or that of its folder; a plain file name, so no entry can reach out of the store."""

    licence: str
    """As its source states it."""

    operations: tuple[str, ...] = ()
    """The operations that can use it."""

    url: str | None = None
    """http or https; none for an embedded file."""

    embedded: bool = False
    """Whether the file comes with Scumble and lies beside the manifest."""

    manual: bool = False
    """Whether `url` is a page, from which a person has to get the file and bring it into the form of `file`."""

    non_commercial: bool = False
    """Whether the licence forbids commercial use; then a download has to be confirmed."""

    built_from: tuple[str, ...] = ()
    """Folders of the archive at `url`, below its outermost one, of whose files this machine builds a folder of its own; digests
    and size are then the archive's."""

    size: int | None = None
    """Bytes, where the source states them."""

    about: int | None = None
    """Bytes, where others than the source state them: to be shown, not to be checked."""

    sha256: str | None = None
    sha256_prefix: str | None = None
    """The first digits, where the source states no more."""

    md5: str | None = None
    notes: str = ""

    def __post_init__(self) -> None:
        where = f"weights {self.name!r}"
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{where}: a name is lower case letters, digits and single . _ - between them")
        stem = self.file.split(".")[0].lower()
        if not _FILE.fullmatch(self.file) or self.file.lower().endswith(_RESERVED_SUFFIXES) or stem in _DEVICE_NAMES:
            raise ValueError(f"{where}: {self.file!r} is not a plain file name")
        if self.embedded == (self.url is not None):
            raise ValueError(f"{where}: has either a url or embedded = true")
        if self.manual and self.embedded:
            raise ValueError(f"{where}: an embedded file is not fetched by hand")
        if self.manual and not self.file.endswith(".safetensors"):
            raise ValueError(f"{where}: what is fetched by hand is converted to .safetensors")
        if self.built_from and (self.manual or self.embedded):
            raise ValueError(f"{where}: what is built here is built from a download")
        if any(not isinstance(folder, str) or not _FOLDER.fullmatch(folder) for folder in self.built_from):
            raise ValueError(f"{where}: built_from names folders, as in “one/two”")
        if self.url is not None:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{where}: {self.url!r} is not an http or https address")
        if self.size is not None and self.size <= 0:
            raise ValueError(f"{where}: a size of {self.size} bytes")
        for key, digits in (("sha256", 64), ("md5", 32)):
            digest = getattr(self, key)
            if digest is not None and not re.fullmatch(rf"[0-9a-f]{{{digits}}}", digest):
                raise ValueError(f"{where}: {key} is {digits} lower-case hexadecimal digits")
        if self.sha256_prefix is not None and not re.fullmatch(r"[0-9a-f]{6,64}", self.sha256_prefix):
            raise ValueError(f"{where}: sha256_prefix is 6 to 64 lower-case hexadecimal digits")

    @property
    def has_digest(self) -> bool:
        return bool(self.sha256 or self.sha256_prefix or self.md5)

    @property
    def shown_size(self) -> int | None:
        """Bytes, for people."""
        return self.size or self.about

    @property
    def terms(self) -> str:
        """The licence as a sentence to show before a download."""
        sentence = f"{self.title}: licence {self.licence}."
        return f"{sentence} For non-commercial use only." if self.non_commercial else sentence


@dataclass(frozen=True)
class Manifest:
    """All entries by name, and the folder where embedded files lie."""

    entries: Mapping[str, WeightsEntry]
    directory: Path = field(default_factory=Path)

    def __iter__(self) -> Iterator[WeightsEntry]:
        return iter(self.entries.values())

    def __getitem__(self, name: str) -> WeightsEntry:
        return self.entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def with_entries(self, other: Manifest) -> Manifest:
        """This one, with the entries of another in the place of those of the same name, and beside them.

        Raises ValueError where the other embeds something, or uses the file of an entry that it does not replace.
        """
        if any(entry.embedded for entry in other):
            raise ValueError(f"{other.directory}: only what comes with Scumble is embedded")
        entries = {**self.entries, **other.entries}
        if len({entry.file.lower() for entry in entries.values()}) < len(entries):
            raise ValueError(f"{other.directory}: a file of its manifest belongs to another entry")
        return Manifest(entries, self.directory)


def default_manifest_path() -> Path:
    """The manifest that comes with Scumble: in the installed package, or in the repository."""
    return _PACKAGED if _PACKAGED.is_file() else _IN_REPOSITORY


def load_manifest(path: Path | None = None) -> Manifest:
    """Read a manifest; the default is the one that comes with Scumble, with the entries of SCUMBLE_MANIFEST in the place of its own.

    Raises
    ------
    ValueError
        For anything that is not as it must be, naming the entry.
    ScumbleError
        `invalid_parameter`, where that is so in the manifest that SCUMBLE_MANIFEST names.
    """
    if path is not None:
        return parse_manifest(path.read_text(encoding="utf-8"), path.parent)
    packaged = load_manifest(default_manifest_path())
    named = os.environ.get(MANIFEST_VARIABLE)
    if not named:
        return packaged
    try:
        return packaged.with_entries(load_manifest(Path(named).expanduser()))
    except (OSError, ValueError) as error:
        reason = str(error).rstrip(".")
        message = f"The list of weights that {MANIFEST_VARIABLE} names can't be used: {reason}."
        raise ScumbleError("invalid_parameter", message, f"Mend {named}, or unset {MANIFEST_VARIABLE}.") from error


def parse_manifest(text: str, directory: Path) -> Manifest:
    """`text` is TOML with one `[[weights]]` table for each entry; `directory` is where embedded files lie."""
    tables = tomllib.loads(text).get("weights", [])
    if not isinstance(tables, list):
        raise ValueError("a manifest consists of [[weights]] tables")
    entries: dict[str, WeightsEntry] = {}
    files: set[str] = set()
    for table in tables:
        entry = _entry(table)
        # Some file systems ignore case, so names must differ by more than that.
        if entry.name in entries or entry.file.lower() in files:
            raise ValueError(f"weights {entry.name!r}: the name or the file occurs twice")
        entries[entry.name] = entry
        files.add(entry.file.lower())
    return Manifest(entries, directory)


def _entry(table: dict[str, Any]) -> WeightsEntry:
    name = table.get("name", "without a name")
    known = {spec.name: spec for spec in dataclasses.fields(WeightsEntry)}
    unknown = set(table) - set(known)
    if unknown:
        raise ValueError(f"weights {name!r}: unknown keys {', '.join(sorted(unknown))}")
    for key, spec in known.items():
        if key not in table and spec.default is dataclasses.MISSING:
            raise ValueError(f"weights {name!r}: {key} is missing")
    kinds: dict[str, type] = {
        "operations": list,
        "built_from": list,
        "embedded": bool,
        "manual": bool,
        "non_commercial": bool,
        "size": int,
        "about": int,
    }
    for key, value in table.items():
        if type(value) is not kinds.get(key, str):
            raise ValueError(f"weights {name!r}: {key} must be a {kinds.get(key, str).__name__}")
    values = dict(table)
    for key in ("operations", "built_from"):
        values[key] = tuple(values.get(key, ()))
    return WeightsEntry(**values)
