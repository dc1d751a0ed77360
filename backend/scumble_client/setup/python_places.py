"""Where Pythons lie on each system, what only looks like one there, and how an artist gets one: as tables."""

import os
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ..system.folders import DATA, user_folder
from ..system.kind import is_linux, is_macos, is_windows

HOW = (
    (("debian", "ubuntu"), "Install it: sudo apt install python3-venv python3-pip"),
    (("fedora", "rhel"), "Install it: sudo dnf install python3.12"),
    (("suse",), "Install it: sudo zypper install python312 python312-pip"),
    (("arch",), "Install it: sudo pacman -S python"),
)
"""Parts of what a Linux calls itself and its kin, and the sentence for it; the first that fits counts."""

HOW_ON_WINDOWS = "Install Python 3.12 from python.org (“Install Now” is enough: no administrator's rights are needed)."
HOW_ON_MACOS = "Install Python 3.12 from python.org, or with: brew install python@3.12"
HOW_ELSEWHERE = "Install Python 3.12 with its pip and venv by your system's means, or uv from docs.astral.sh/uv."

OS_RELEASE = ("/run/host/os-release", "/etc/os-release")
"""In a flatpak the first is the system's."""


def names(usual: Sequence[str], platform: Optional[str] = None) -> List[Tuple[str, Tuple[str, ...]]]:
    """Programs to look for on the PATH, the likeliest first, each with the arguments that make it start a Python 3."""
    own = [("py", ("-3",)), ("python", ())] if is_windows(platform) else []
    return [*own, *((name, ()) for name in usual)]


def patterns(environment: Mapping[str, str], platform: Optional[str], home: Path) -> List[str]:
    """Where Pythons lie that are on no PATH of a program that was started from the desktop; for `glob`."""
    if is_windows(platform):
        local = user_folder(DATA, environment, home, platform)
        programs = environment.get("PROGRAMW6432") or environment.get("PROGRAMFILES") or r"C:\Program Files"
        return [
            os.path.join(local, "Programs", "Python", "Python3*", "python.exe"),
            os.path.join(programs, "Python3*", "python.exe"),
            os.path.join(local, "Python", "pythoncore-3*", "python.exe"),  # the install manager's
        ]
    own = [str(home / ".pyenv/versions/3.*/bin/python3"), str(home / ".local/share/uv/python/*/bin/python3")]
    if is_macos(platform):
        return [
            "/opt/homebrew/bin/python3.[0-9]*[0-9]",
            "/usr/local/bin/python3.[0-9]*[0-9]",
            "/Library/Frameworks/Python.framework/Versions/3.*/bin/python3",
            *own,
        ]
    return [
        "/usr/bin/python3.[0-9]*[0-9]",
        "/usr/local/bin/python3.[0-9]*[0-9]",
        *own,
        "/home/linuxbrew/.linuxbrew/bin/python3",
    ]


def uv_folders(home: Path) -> List[str]:
    """Where uv lies that is on no such PATH."""
    return [str(home / ".local" / "bin"), str(home / ".cargo" / "bin"), "/opt/homebrew/bin"]


def is_stub(path: str, platform: Optional[str] = None) -> bool:
    """A program that is called like Python, and only opens a shop or an installer."""
    if is_windows(platform):
        return "windowsapps" in path.lower()
    return (
        is_macos(platform) and path == "/usr/bin/python3" and not os.path.isdir("/Library/Developer/CommandLineTools")
    )


def how_to_get(platform: Optional[str] = None, release: Optional[Mapping[str, str]] = None) -> str:
    """One sentence on how to get a Python that engines can be made with, on this system. `release`: what /etc/os-release says."""
    if is_windows(platform):
        return HOW_ON_WINDOWS
    if is_macos(platform):
        return HOW_ON_MACOS
    release = os_release(platform) if release is None else release
    kind = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}"
    return next((how for parts, how in HOW if any(part in kind for part in parts)), HOW_ELSEWHERE)


def os_release(platform: Optional[str] = None) -> Dict[str, str]:
    """What Linux says of itself; nothing elsewhere."""
    for path in OS_RELEASE if is_linux(platform) else ():
        try:
            lines = Path(path).read_text("utf-8").splitlines()
        except OSError:
            continue
        return {line.partition("=")[0]: line.partition("=")[2].strip('"') for line in lines if "=" in line}
    return {}
