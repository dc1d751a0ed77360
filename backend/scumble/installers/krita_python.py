"""Whether a Krita of the distribution finds its Python, and PyQt5 in it; without them it loads no plugin."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping

from scumble_client.errors import ScumbleError

SYSTEM_KRITA = "/usr/bin/krita"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def check_python(environment: Mapping[str, str]) -> None:
    """A Krita of the distribution takes its Python from the PATH; only the system's has PyQt5. Raises ScumbleError."""
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
