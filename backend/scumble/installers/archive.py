"""Archives of the plugins, of which the same content gives the same bytes."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

from scumble_client.errors import ScumbleError

EARLIEST = 315532800
"""1980-01-01: an archive knows no earlier date."""

_RUNNABLE = {"scumble/scumble.py"}
"""What is executable in an archive, if it is there: GIMP's script."""


def write_archive(folder: Path, path: Path, when: int) -> None:
    """An archive of all that lies in `folder`: in the order of names, everything of one date (seconds since 1970).

    Folders have entries of their own: Krita looks for its plugin's. What is a wheel is packed already and is only stored.
    Raises ScumbleError `internal` where it can't be written.
    """
    try:
        part = path.with_name(path.name + ".part")
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            found = {one.relative_to(folder).as_posix() + "/" * one.is_dir(): one for one in folder.rglob("*")}
            for name, file in sorted(found.items()):
                entry = zipfile.ZipInfo(name, time.gmtime(max(when, EARLIEST))[:6])
                entry.create_system = 3
                kind, mode = (0o040000, 0o755) if file.is_dir() else (0o100000, 0o755 if name in _RUNNABLE else 0o644)
                entry.external_attr = (kind | mode) << 16 | (0x10 if file.is_dir() else 0)
                entry.compress_type = zipfile.ZIP_STORED if file.suffix == ".whl" else zipfile.ZIP_DEFLATED
                archive.writestr(entry, b"" if file.is_dir() else file.read_bytes())
        part.replace(path)
    except OSError as error:
        raise ScumbleError(
            "internal", f"The archive can't be written: {error.strerror or error}.", f"Look at {path.parent}."
        ) from error
