"""What `scumble doctor` says about Krita: whether the plugin is whole, new, enabled, and can be loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from scumble_client.errors import ScumbleError
from scumble_client.version import __version__

from .krita import Installed, inspect
from .krita_places import Place, present

SYSTEM_KRITA = "/usr/bin/krita"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
AGAIN = "Install it again: scumble install krita"


def check(environment: Mapping[str, str] | None = None, places: list[Place] | None = None) -> str:
    """One sentence where all is well, or where there is no Krita; else ScumbleError with what to do."""
    environment = os.environ if environment is None else environment
    places = present(environment) if places is None else places
    if not places:
        return "not on this machine"
    found = [inspect(place) for place in places]
    here = [one for one in found if one.here]
    if not here:
        return "found, without the plugin; to have it: scumble install krita"
    for one in here:
        _check_files(one)
    _check_python(environment)
    return "the plugin is in " + ", ".join(str(one.place.plugins) for one in here)


def _check_files(one: Installed) -> None:
    if one.missing:
        raise ScumbleError("internal", f"The plugin is not whole: {one.missing[0]} is missing.", AGAIN)
    if one.version != __version__:
        raise ScumbleError("version_mismatch", f"The plugin is version {one.version}, this is {__version__}.", AGAIN)
    if not one.enabled:
        raise ScumbleError(
            "internal",
            "The plugin is there, but Krita does not load it.",
            "In Krita: Settings ▸ Configure Krita ▸ Python Plugin Manager: tick Scumble; then start Krita again.",
        )


def _check_python(environment: Mapping[str, str]) -> None:
    """A Krita of the distribution takes its Python from the PATH; only the system's has PyQt5."""
    if not sys.platform.startswith("linux") or shutil.which("krita", path=environment.get("PATH")) != SYSTEM_KRITA:
        return
    if not _has_pyqt(SYSTEM_PATH, environment):
        raise ScumbleError(
            "internal",
            "Krita has no Python plugins, since PyQt5 is not installed.",
            "Install it: sudo apt install python3-pyqt5 python3-sip",
        )
    if not _has_pyqt(environment.get("PATH", ""), environment):
        python = shutil.which("python3", path=environment.get("PATH"))
        raise ScumbleError(
            "internal",
            f"Started from here, Krita's Python would not find PyQt5: {python} comes first on the PATH.",
            f"Start Krita from the desktop's menu, or with: PATH={SYSTEM_PATH} krita",
        )


def _has_pyqt(path: str, environment: Mapping[str, str]) -> bool:
    python = shutil.which("python3", path=path)
    if python is None:
        return False
    clean = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-c", "import PyQt5.QtCore, PyQt5.sip"], env=clean, capture_output=True, timeout=30, check=False
    )
    return done.returncode == 0
