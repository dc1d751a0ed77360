"""Whether a Krita of the distribution finds its Python, and its PyQt in it; without them it loads no plugin."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from scumble_client.errors import ScumbleError
from scumble_client.system.kind import is_linux

SYSTEM_KRITA = "/usr/bin/krita"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def check_python(environment: Mapping[str, str]) -> None:
    """A Krita of the distribution takes its Python from the PATH; only the system's has PyQt. Raises ScumbleError."""
    if not is_linux() or shutil.which("krita", path=environment.get("PATH")) != SYSTEM_KRITA:
        return
    pyqt = _pyqt()
    if not _has(pyqt, SYSTEM_PATH, environment):
        raise ScumbleError(
            "internal",
            f"Krita has no Python plugins, since {pyqt} is not installed.",
            f"Install it: sudo apt install python3-{pyqt.lower()} python3-{pyqt.lower()}.sip",
        )
    if not _has(pyqt, environment.get("PATH", ""), environment):
        python = shutil.which("python3", path=environment.get("PATH"))
        raise ScumbleError(
            "internal",
            f"Started from here, Krita's Python would not find {pyqt}: {python} comes first on the PATH.",
            f"Start Krita from the desktop's menu, or with: PATH={SYSTEM_PATH} krita",
        )


def _pyqt() -> str:
    """The PyQt that goes with the Qt that Krita is linked to. (It can't be asked for its version without a display.)"""
    try:
        return "PyQt6" if b"libQt6" in Path(SYSTEM_KRITA).read_bytes() else "PyQt5"
    except OSError:
        return "PyQt5"


def _has(pyqt: str, path: str, environment: Mapping[str, str]) -> bool:
    python = shutil.which("python3", path=path)
    if python is None:
        return False
    clean = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-c", f"import {pyqt}.QtCore, {pyqt}.sip"], env=clean, capture_output=True, timeout=30, check=False
    )
    return done.returncode == 0
