"""Where the GIMPs of this user keep their plug-ins: natively installed, as a flatpak, several versions side by side."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scumble_client.system.folders import CONFIGURATION, user_folder
from scumble_client.system.kind import is_linux

from .editor import EditorHome

FLATPAK = "org.gimp.GIMP"
PLUG_INS = "plug-ins"
PROGRAMS = ("gimp-3", "gimp-console-3", "gimp", "gimp-3.0", "gimp-3.2")
_VERSION = re.compile(r"3\.\d+")


@dataclass(frozen=True)
class GimpHome(EditorHome):
    """One GIMP 3 of this user.

    `folder` is the one that GIMP shows under Edit ▸ Preferences ▸ Folders ▸ Plug-ins.
    """

    version: str = ""
    """Such as 3.0; empty where it is not known."""

    @property
    def pluginrc(self) -> Path:
        """The file where GIMP notes what its plug-ins have registered."""
        return self.folder.parent / "pluginrc"


def roots(environment: Mapping[str, str], home: Path, platform: str | None = None) -> list[tuple[str, Path]]:
    """The folders that hold one folder for each version of GIMP: (kind, folder), the native one first."""
    native = ("native", user_folder(CONFIGURATION, environment, home, platform) / "GIMP")
    return (
        [native, ("flatpak", home / ".var" / "app" / FLATPAK / "config" / "GIMP")] if is_linux(platform) else [native]
    )


def present(
    environment: Mapping[str, str] | None = None, home: Path | None = None, platform: str | None = None
) -> list[GimpHome]:
    """The GIMPs that there are: each version that ran once, and one on the PATH that never ran.

    `GIMP3_DIRECTORY` names the one folder that GIMP uses then.
    """
    environment = os.environ if environment is None else environment
    if environment.get("GIMP3_DIRECTORY"):
        return [GimpHome("given", Path(environment["GIMP3_DIRECTORY"]) / PLUG_INS)]
    found = []
    for kind, root in roots(environment, home or Path.home(), platform):
        versions = _versions(root)
        if not versions and kind == "native":
            versions = _on_path(environment)
        found += [GimpHome(kind, root / version / PLUG_INS, version) for version in versions]
    return found


def _versions(root: Path) -> list[str]:
    try:
        names = [entry.name for entry in root.iterdir() if entry.is_dir() and _VERSION.fullmatch(entry.name)]
    except OSError:
        return []
    return sorted(names, key=lambda name: int(name.split(".")[1]))


def _on_path(environment: Mapping[str, str]) -> list[str]:
    """The version of a GIMP 3 that is installed and never ran."""
    for program in PROGRAMS:
        path = shutil.which(program, path=environment.get("PATH", ""))
        if path is None:
            continue
        try:
            said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
        match = re.search(r"\b(3\.\d+)\.\d+", said)
        if match:
            return [match.group(1)]
    return []


def given(folder: Path) -> GimpHome:
    """A folder that somebody names: that of the plug-ins, or GIMP's own, which holds it."""
    inside = folder / PLUG_INS
    return GimpHome("given", inside if inside.is_dir() or (folder / "gimprc").is_file() else folder)
