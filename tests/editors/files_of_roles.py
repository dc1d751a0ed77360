"""Picture files for the roles of the operation `test-files`, in folders whose names must not come into a document."""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.support.editor_operations import FILES

FOLDERS = ("secret-home", "secret-temp", "secret-home/secret-inner", "secret-elsewhere")


def colour_of(role: str) -> list[int]:
    """What the role's file shows; each role's is another one."""
    return [40 + 30 * FILES.index(role), 200 - 25 * FILES.index(role), 17]


def paint(path: Path, role: str) -> Path:
    """A file of the role's colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), tuple(colour_of(role))).save(path)
    return path


@dataclass(frozen=True)
class FilesOfRoles:
    """Role → file, each in one of `FOLDERS` below `base`, but the last one beside the document."""

    base: Path
    document: Path
    """The folder that the document is saved in."""

    def make(self) -> dict[str, str]:
        self.document.mkdir(parents=True, exist_ok=True)
        made = {
            role: paint(self.base / FOLDERS[number % len(FOLDERS)] / f"{role}-file.png", role)
            for number, role in enumerate(FILES[:-1])
        }
        made[FILES[-1]] = paint(self.document / "beside" / f"{FILES[-1]}-file.png", FILES[-1])
        return {role: str(path) for role, path in made.items()}

    @property
    def expected(self) -> list[list[int]]:
        """What `test-files` gives for them."""
        return [[*colour_of(role), 255] for role in FILES]


def leaks(path: Path, base: Path) -> list[str]:
    """What a document's bytes tell of this machine's folders; in an archive, of each part of it."""
    parts = {"": path.read_bytes()}
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            parts |= {name: archive.read(name) for name in archive.namelist()}
    forbidden = [str(base), str(Path.home()) + os.sep, "/tmp/", "/home/", "\\Users\\", *FOLDERS]
    pattern = re.compile(b"|".join(re.escape(word.encode()) for word in forbidden))
    return [
        f"{name}: …{data[max(0, found.start() - 40) : found.end() + 40]!r}"
        for name, data in parts.items()
        for found in [pattern.search(data)]
        if found
    ]
