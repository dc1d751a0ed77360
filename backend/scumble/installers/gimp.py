"""`scumble install gimp`: the plug-in into each GIMP 3's folder of plug-ins, knowing how the daemon starts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from scumble_client.errors import ScumbleError
from scumble_client.system.private import is_program

from .editor import NAME, Editor
from .gimp_homes import FLATPAK, GimpHome, given, present

SCRIPT = f"{NAME}.py"
"""GIMP runs only what is called like its folder, and is executable; anything else it ignores in silence."""


class Gimp(Editor[GimpHome]):
    """GIMP 3, every version of it."""

    name = "gimp"
    title = "GIMP"
    plugin = "plug-in"
    flatpak = FLATPAK
    source = "gimp_plugin"
    absent = (
        "GIMP 3 was not found.",
        "Start GIMP 3 once; or say where: --resources FOLDER (Edit ▸ Preferences ▸ Folders ▸ Plug-ins).",
    )
    afterwards = "Start GIMP again. Then: Filters ▸ Scumble."

    def present(self, environment: Mapping[str, str] | None = None) -> list[GimpHome]:
        return present(environment)

    def given(self, folder: Path) -> GimpHome:
        return given(folder)

    def install(self, homes: list[GimpHome]) -> None:
        for home in homes:
            if home.version and not home.folder.parent.is_dir():
                # a folder that is there already keeps GIMP from taking over the settings of an older one
                raise ScumbleError(
                    "missing_input",
                    f"GIMP {home.version} has never been started.",
                    "Start GIMP once first; then install the plug-in.",
                )
        super().install(homes)

    def targets(self, home: GimpHome) -> dict[str, Path]:
        return {NAME: home.plugins / NAME}

    def build(self, folder: Path, command: list[str] | None = None) -> None:
        super().build(folder, command)
        # An archive or a Windows disk on the way here may have lost this; and GIMP asks again only for a new date.
        (folder / NAME / SCRIPT).chmod(0o755)
        os.utime(folder / NAME / SCRIPT)

    def check_use(self, homes: list[GimpHome], environment: Mapping[str, str]) -> str:
        for home in homes:
            script = home.plugins / NAME / SCRIPT
            if not is_program(script):
                raise ScumbleError(
                    "internal", f"GIMP ignores the plug-in, since {script} is not executable.", self.again
                )
        registered = [_registered(home) for home in homes]
        return ", and GIMP has registered it" if all(registered) else "; GIMP will register it at its next start"


def _registered(home: GimpHome) -> bool:
    """Whether GIMP knows the plug-in; False where it has not been started since. ScumbleError where it refused it."""
    script = home.plugins / NAME / SCRIPT
    try:
        text = home.pluginrc.read_text("utf-8", "replace")
        asked_since = home.pluginrc.stat().st_mtime >= script.stat().st_mtime
    except OSError:
        return False
    # (plug-in-def "…/plug-ins/scumble/scumble.py" 1700000000 …: its procedures follow
    entry = re.search(r'\(plug-in-def "[^"]*[/\\]scumble[/\\]scumble\.py"(.*?)(?=\n\(plug-in-def |\Z)', text, re.DOTALL)
    if entry and '(proc-def "scumble-' in entry.group(1):
        return True
    if not asked_since:
        return False
    raise ScumbleError(
        "internal",
        "GIMP has seen the plug-in and could not register it.",
        "Start GIMP from a terminal and read what it says about scumble.py: mostly its Python lacks “gi”.",
    )


GIMP = Gimp()
