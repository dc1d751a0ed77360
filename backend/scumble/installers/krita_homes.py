"""Where Krita keeps plugins and configuration on this machine: natively installed, as a flatpak, as an AppImage."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scumble_client.system.folders import CONFIGURATION, DATA, LOCAL_CONFIGURATION, named_scumble, user_folder
from scumble_client.system.kind import is_linux, is_macos, is_windows

from .editor import EditorHome

FLATPAK = "org.kde.krita"


@dataclass(frozen=True)
class KritaHome(EditorHome):
    """One Krita of this user. AppImages use the same folders as a native Krita.

    `folder` is the resource folder: the one that Settings ▸ Manage Resources ▸ Open Resource Folder opens.
    """

    kritarc: Path
    config: Path
    """Scumble's own configuration folder, as the plugin in that Krita sees it."""

    @property
    def plugins(self) -> Path:
        return self.folder / "pykrita"

    @property
    def actions(self) -> Path:
        return self.folder / "actions"


def candidates(environment: Mapping[str, str], home: Path, platform: str | None = None) -> list[KritaHome]:
    """Every home that a Krita of this system could have, the native one first."""
    config, local, data = (
        user_folder(use, environment, home, platform) for use in (CONFIGURATION, LOCAL_CONFIGURATION, DATA)
    )
    resources = config if is_windows(platform) else data  # there they are roaming, too
    native = _home("native", resources / "krita", local / "kritarc", config / named_scumble(platform))
    if not is_linux(platform):
        return [native]
    sandbox = home / ".var" / "app" / FLATPAK
    return [
        native,
        _home("flatpak", sandbox / "data" / "krita", sandbox / "config" / "kritarc", sandbox / "config" / "scumble"),
    ]


def _home(kind: str, resources: Path, kritarc: Path, config: Path) -> KritaHome:
    return KritaHome(kind, _moved(kritarc) or resources, kritarc, config)


def _moved(kritarc: Path) -> Path | None:
    """The resource folder that the artist has chosen in Krita's settings, if any."""
    try:
        lines = kritarc.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("["):
            return None  # the key stands before the first group
        key, _, value = line.partition("=")
        if key.strip() == "ResourceDirectory" and value.strip():
            return Path(value.strip())
    return None


def present(
    environment: Mapping[str, str] | None = None, home: Path | None = None, platform: str | None = None
) -> list[KritaHome]:
    """The homes of the Kritas that there are: those that ran once, and a native one that is on the PATH."""
    environment = os.environ if environment is None else environment
    found = []
    for one in candidates(environment, home or Path.home(), platform):
        used = one.kritarc.exists() or one.folder.is_dir()
        if one.kind == "flatpak":
            used = used or one.kritarc.parents[1].is_dir()
        elif not used:
            used = shutil.which("krita", path=environment.get("PATH")) is not None or _program(environment, platform)
        if used:
            found.append(one)
    return found


def _program(environment: Mapping[str, str], platform: str | None) -> bool:
    """Whether Krita lies where its installers put it."""
    if is_macos(platform):
        return Path("/Applications/krita.app").is_dir()
    if is_windows(platform):
        folder = environment.get("ProgramW6432") or environment.get("ProgramFiles")
        return bool(folder) and (Path(str(folder)) / "Krita (x64)").is_dir()
    return False


def given(resources: Path) -> KritaHome:
    """A resource folder that somebody names; the rest is as for the native Krita."""
    native = candidates(os.environ, Path.home())[0]
    return KritaHome("given", resources, native.kritarc, native.config)
