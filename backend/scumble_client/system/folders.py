"""The user's folders: where settings, large things, sockets, and what other programs keep belong on each system.

All functions take the environment, the home folder and the platform, each by default this process's own; none makes a folder.
"""

import os
import tempfile
from pathlib import Path
from typing import List, Mapping, Optional, Tuple

from .kind import is_macos, is_windows

DATA, CONFIGURATION, LOCAL_CONFIGURATION = "data", "configuration", "local configuration"
"""What a folder is for: large things; settings that may follow the user to other machines; those that belong to this one."""

_WINDOWS = {
    DATA: ("LOCALAPPDATA", ("AppData", "Local")),
    CONFIGURATION: ("APPDATA", ("AppData", "Roaming")),
    LOCAL_CONFIGURATION: ("LOCALAPPDATA", ("AppData", "Local")),
}
_MACOS = {
    DATA: ("", ("Library", "Application Support")),
    CONFIGURATION: ("", ("Library", "Application Support")),
    LOCAL_CONFIGURATION: ("", ("Library", "Preferences")),
}
_OTHERS = {
    DATA: ("XDG_DATA_HOME", (".local", "share")),
    CONFIGURATION: ("XDG_CONFIG_HOME", (".config",)),
    LOCAL_CONFIGURATION: ("XDG_CONFIG_HOME", (".config",)),
}


def user_folder(
    use: str,
    environment: Optional[Mapping[str, str]] = None,
    home: Optional[Path] = None,
    platform: Optional[str] = None,
) -> Path:
    """The folder in which programs have folders of their own for `use`: `DATA`, `CONFIGURATION` or `LOCAL_CONFIGURATION`."""
    environment = os.environ if environment is None else environment
    table = _WINDOWS if is_windows(platform) else _MACOS if is_macos(platform) else _OTHERS
    variable, below = table[use]
    named = environment.get(variable) if variable else None
    return Path(named) if named else (home or Path.home()).joinpath(*below)


def sockets_folder(environment: Optional[Mapping[str, str]] = None, platform: Optional[str] = None) -> Path:
    """Scumble's folder of sockets and of the connection file: the user's own, not shared between machines."""
    environment = os.environ if environment is None else environment
    if is_windows(platform):
        return user_folder(DATA, environment, platform=platform) / "Scumble" / "run"
    base = environment.get("XDG_RUNTIME_DIR")
    if base and os.path.isdir(base) and os.access(base, os.W_OK):
        return Path(base) / "scumble"
    return Path(tempfile.gettempdir()) / f"scumble-{os.getuid()}"


def flatpak_sockets(application: str, environment: Optional[Mapping[str, str]] = None) -> str:
    """The one folder that a flatpak and the world outside both see, for Scumble's sockets. Linux only."""
    environment = os.environ if environment is None else environment
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return f"{runtime}/app/{application}/scumble"


def named_scumble(platform: Optional[str] = None) -> str:
    """What Scumble's folder of settings is called there: with a capital where programs' folders have their names as shown."""
    return "Scumble" if is_windows(platform) or is_macos(platform) else "scumble"


def pip_files(environment: Mapping[str, str], home: Path, platform: Optional[str] = None) -> Tuple[Path, ...]:
    """Where pip's own configuration lies, the one that counts least first."""
    if environment.get("PIP_CONFIG_FILE"):
        return (Path(environment["PIP_CONFIG_FILE"]),)
    if is_windows(platform):
        return (
            Path(environment.get("PROGRAMDATA") or r"C:\ProgramData") / "pip" / "pip.ini",
            home / "pip" / "pip.ini",
            user_folder(CONFIGURATION, environment, home, platform) / "pip" / "pip.ini",
        )
    shared = (Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"))
    own = (
        home / ".pip" / "pip.conf",
        Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf",
    )
    if is_macos(platform):
        library = "Library/Application Support/pip/pip.conf"
        return (Path("/") / library, *own, home / library)
    return (*shared, *own)


def python_in(environment: Path, platform: Optional[str] = None) -> Path:
    """The Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if is_windows(platform) else "bin/python")


def packages_in(environment: Path) -> List[Path]:
    """Where a virtual environment's packages lie, whatever system it was made on."""
    return sorted([*environment.glob("lib/python3*/site-packages"), *environment.glob("Lib/site-packages")])
