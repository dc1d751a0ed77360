"""`scumble install gimp`: the plug-in into each GIMP 3's folder of plug-ins, knowing how the daemon starts."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scumble_client.editor.catalogue import CATALOGUE_FILE
from scumble_client.errors import ScumbleError
from scumble_client.launch import LAUNCH_FILE

from .bundle import installed_version, put_together, source_of
from .gimp_places import FLATPAK, Place
from .record import add_record, drop_record, read_record, sandboxed_command

EDITOR = "gimp"
NAME = "scumble"
SCRIPT = f"{NAME}.py"
"""GIMP runs only what is called like its folder, and is executable; anything else it ignores in silence."""

_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


@dataclass(frozen=True)
class Installed:
    """What is found in one place."""

    place: Place
    here: bool
    executable: bool
    version: str
    """Of the plug-in that is there; empty where none is, or where it is damaged."""

    missing: tuple[str, ...]
    """Files that should be there and are not."""


def source_folder() -> Path:
    """The plug-in that comes with Scumble: in the installed package, or in the repository."""
    return source_of("gimp_plugin")


def build(folder: Path, command: list[str] | None = None) -> None:
    """Put the plug-in together in a new folder. `command` starts the daemon; by default this Python does."""
    put_together(source_folder() / NAME, folder, command)
    # An archive or a Windows disk on the way here may have lost this; and GIMP asks again only for a new date.
    (folder / SCRIPT).chmod(0o755)
    os.utime(folder / SCRIPT)


def install(places: list[Place]) -> None:
    """Install, or install anew; settings are kept, since they do not lie in the plug-in's folder.

    Raises
    ------
    ScumbleError
        `missing_input` where there is no place, `internal` where it can't be written.
    """
    if not places:
        raise ScumbleError(
            "missing_input",
            "GIMP 3 was not found.",
            "Start GIMP 3 once; or say where: --resources FOLDER (Edit ▸ Preferences ▸ Folders ▸ Plug-ins).",
        )
    for place in places:
        try:
            _install(place)
        except OSError as error:
            raise ScumbleError(
                "internal", f"GIMP's folder can't be written: {error.strerror or error}.", f"Look at {place.plugins}."
            ) from error
    add_record(EDITOR, [place.plugins for place in places])


def _install(place: Place) -> None:
    place.plugins.mkdir(parents=True, exist_ok=True)
    # Built beside its place and moved there: a run that is interrupted leaves the old plug-in, or none, but not half.
    # (GIMP looks into each folder for a script of its name; this one has none.)
    with tempfile.TemporaryDirectory(prefix=".scumble-", dir=place.plugins) as made:
        build(Path(made) / NAME, sandboxed_command(FLATPAK) if place.kind == "flatpak" else None)
        _remove_files(place)
        (Path(made) / NAME).rename(place.plugins / NAME)


def uninstall(places: list[Place]) -> bool:
    """Remove the plug-in everywhere; whether anything was there."""
    known = {Path(folder) for folder in read_record().get(EDITOR, [])}
    places = [*places, *(Place("given", folder) for folder in known - {place.plugins for place in places})]
    found = False
    for place in places:
        found = inspect(place).here or found
        try:
            _remove_files(place)
        except OSError as error:
            raise ScumbleError(
                "internal", f"The plug-in can't be removed: {error.strerror or error}.", f"Look at {place.plugins}."
            ) from error
        with suppress(OSError):  # others' plug-ins stay
            place.plugins.rmdir()
    drop_record(EDITOR)
    return found


def _remove_files(place: Place) -> None:
    folder = place.plugins / NAME
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def inspect(place: Place) -> Installed:
    """What is there."""
    folder = place.plugins / NAME
    here = folder.is_dir()
    source = source_folder() / NAME
    wanted = [folder / "scumble_client" / "version.py", folder / LAUNCH_FILE, folder / CATALOGUE_FILE]
    wanted += [folder / file.relative_to(source) for file in source.rglob("*.py")]
    missing = tuple(sorted(str(file) for file in wanted if not file.is_file())) if here else ()
    executable = os.name != "posix" or (
        (folder / SCRIPT).is_file() and (folder / SCRIPT).stat().st_mode & _EXECUTABLE == _EXECUTABLE
    )
    return Installed(place, here, executable, installed_version(folder), missing)
