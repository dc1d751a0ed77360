"""`scumble install krita`: the plugin into Krita's resource folder, enabled, knowing how the daemon starts."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from scumble_client.errors import ScumbleError
from scumble_client.launch import LAUNCH_FILE

from . import kritarc
from .bundle import installed_version, put_together, source_of
from .krita_places import FLATPAK, Place, given
from .record import add_record, drop_record, forget_files, read_record, sandboxed_command

EDITOR = "krita"
NAME = "scumble"
OURS = (f"{NAME}.desktop", NAME)


_ACTION = """    <Action name="scumble_{name}">
      <text>Scumble: {title}</text>
      <toolTip>{help}</toolTip>
      <activationFlags>0</activationFlags>
      <shortcut/>
    </Action>
"""


@dataclass(frozen=True)
class Installed:
    """What is found in one place."""

    place: Place
    here: bool
    enabled: bool
    version: str
    """Of the plugin that is there; empty where none is, or where it is damaged."""

    missing: tuple[str, ...]
    """Files that should be there and are not."""


def source_folder() -> Path:
    """The plugin that comes with Scumble: in the installed package, or in the repository."""
    return source_of("krita_plugin")


def build(folder: Path, command: list[str] | None = None) -> None:
    """Put together all that Krita needs, in an empty folder: `scumble.desktop`, `scumble.action`, `scumble/`.

    `command` starts the daemon; by default this Python does.
    """
    source = source_folder()
    shutil.copy(source / f"{NAME}.desktop", folder)
    described = put_together(source / NAME, folder / NAME, command)
    entries = "".join(
        _ACTION.format(name=o["name"], title=escape(o["title"]), help=escape(o["help"]))
        for o in described
        if not o["hidden"]
    )
    actions = (source / f"{NAME}.action").read_text("utf-8")
    assert "    <!-- operations -->\n" in actions
    (folder / f"{NAME}.action").write_text(actions.replace("    <!-- operations -->\n", entries), "utf-8")


def install(places: list[Place]) -> None:
    """Install, or install anew; settings are kept, since they do not lie in the plugin's folder.

    Raises
    ------
    ScumbleError
        `missing_input` where there is no place, `internal` where it can't be written.
    """
    if not places:
        raise ScumbleError(
            "missing_input",
            "Krita was not found.",
            "Start Krita once; or say where: --resources FOLDER (Settings ▸ Manage Resources ▸ Open Resource Folder).",
        )
    for place in places:
        try:
            _install(place)
        except OSError as error:
            raise ScumbleError(
                "internal",
                f"Krita's folder can't be written: {error.strerror or error}.",
                f"Look at {place.resources}.",
            ) from error
    add_record(EDITOR, [place.resources for place in places])


def _install(place: Place) -> None:
    place.plugins.mkdir(parents=True, exist_ok=True)
    place.actions.mkdir(parents=True, exist_ok=True)
    # Built beside its place and moved there: a run that is interrupted leaves the old plugin, or none, but not half.
    with tempfile.TemporaryDirectory(prefix=".scumble-", dir=place.plugins) as made:
        build(Path(made), sandboxed_command(FLATPAK) if place.kind == "flatpak" else None)
        _remove_files(place)
        for name in OURS:
            os.replace(Path(made) / name, place.plugins / name)  # noqa: PTH105 (it may be a folder)
        os.replace(Path(made) / f"{NAME}.action", place.actions / f"{NAME}.action")  # noqa: PTH105
    if place.kind == "flatpak":  # its plugin looks into a configuration folder of its own
        place.config.mkdir(parents=True, exist_ok=True)
        shutil.copy(place.plugins / NAME / LAUNCH_FILE, place.config / LAUNCH_FILE)
    kritarc.enable(place.kritarc)


def uninstall(places: list[Place]) -> bool:
    """Remove plugin, action file and the line in kritarc; whether anything was there."""
    known = {Path(folder) for folder in read_record().get(EDITOR, [])}
    places = [*places, *(given(folder) for folder in known - {place.resources for place in places})]
    found = False
    for place in places:
        found = inspect(place).here or found
        try:
            _remove_files(place)
            kritarc.forget(place.kritarc)
            if place.kind == "flatpak":
                forget_files(place.config)
        except OSError as error:
            raise ScumbleError(
                "internal", f"The plugin can't be removed: {error.strerror or error}.", f"Look at {place.plugins}."
            ) from error
        for folder in (place.plugins, place.actions):
            with suppress(OSError):  # others' plugins stay
                folder.rmdir()
    drop_record(EDITOR)
    return found


def _remove_files(place: Place) -> None:
    folder = place.plugins / NAME
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    (place.plugins / f"{NAME}.desktop").unlink(missing_ok=True)
    (place.actions / f"{NAME}.action").unlink(missing_ok=True)


def write_zip(path: Path) -> None:
    """The archive for Tools ▸ Scripts ▸ Import Python Plugin from File. Raises ScumbleError."""
    try:
        with tempfile.TemporaryDirectory() as made:
            build(Path(made))
            part = path.with_name(path.name + ".part")
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(Path(made) / NAME, f"{NAME}/")  # Krita looks for the folder's own entry
                for file in sorted(p for p in Path(made).rglob("*") if p.is_file()):
                    archive.write(file, file.relative_to(made).as_posix())
            part.replace(path)
    except OSError as error:
        raise ScumbleError(
            "internal", f"The archive can't be written: {error.strerror or error}.", f"Look at {path.parent}."
        ) from error


def inspect(place: Place) -> Installed:
    """What is there."""
    folder = place.plugins / NAME
    here = folder.is_dir() or (place.plugins / f"{NAME}.desktop").exists()
    source = source_folder()
    wanted = [place.plugins / f"{NAME}.desktop", folder / "scumble_client" / "version.py", folder / LAUNCH_FILE]
    wanted += [folder / file.relative_to(source / NAME) for file in (source / NAME).rglob("*.py")]
    missing = tuple(sorted(str(file) for file in wanted if not file.is_file())) if here else ()
    return Installed(place, here, kritarc.is_enabled(place.kritarc), installed_version(folder), missing)
