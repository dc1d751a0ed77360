"""A GIMP of its own, with or without windows: installed into, started, driven, and ended, whatever happens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.editors.display import REMOVED, SYSTEM_PATH, Display
from tests.editors.driven import Driven
from tests.editors.roots import inside

DRIVER = Path(__file__).parent / "driver.py"
START_SECONDS = 240.0
GIMPRC = '(config-version "3.0.4")\n(show-welcome-dialog no)\n(check-updates no)\n'
# What GIMP says whenever it runs without a display, and when a plug-in's process ends.
NOISE = re.compile(r"cannot open display|gimp_wire_read|gimp_flush|Broken pipe|unexpected EOF")


class Home:
    """GIMP's folders, and the environment that leads there. All that GIMP and the tests share lies in `base`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.base = Path(tempfile.mkdtemp(prefix="scumble-gimp-"))
        self.profile = self.base / "profile"
        (self.profile / "plug-ins").mkdir(parents=True)
        (self.profile / "gimprc").write_text(GIMPRC)
        (self.base / "run").mkdir(mode=0o700)
        shutil.copy(DRIVER, self.base)
        self.environment = {name: value for name, value in os.environ.items() if name not in REMOVED}
        self.environment |= {
            "HOME": str(self.base),
            "GIMP3_DIRECTORY": str(self.profile),
            "XDG_RUNTIME_DIR": str(self.base / "run"),
            "XDG_CACHE_HOME": "/var/cache/scumble",  # inside the root: the fonts are looked through once
            "XDG_CONFIG_HOME": str(self.base / "config"),
            "LC_ALL": "C.UTF-8",
            "PATH": SYSTEM_PATH,
            "NO_AT_BRIDGE": "1",
        }
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            self.environment.pop(name, None)

    @property
    def plugin(self) -> Path:
        return self.profile / "plug-ins" / "scumble"

    def install(self, environment: dict[str, str]) -> None:
        """The plug-in, by `scumble install gimp` itself."""
        subprocess.run(
            [sys.executable, "-m", "scumble.cli", "install", "gimp"],
            env={**self.environment, **environment},
            check=True,
            capture_output=True,
            timeout=120,
        )

    def remove(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)


class Gimp(Driven):
    """A running GIMP with the driver in it; with a display, one with windows."""

    seconds = 120.0

    def __init__(
        self,
        home: Home,
        environment: dict[str, str] | None = None,
        display: Display | None = None,
        failures: Path | None = None,
    ) -> None:
        self.home, self.display = home, display
        folder = Path(tempfile.mkdtemp(prefix="driver-", dir=home.base))
        path = folder / "driver.sock"
        surroundings = {**home.environment, **(environment or {}), "SCUMBLE_DRIVER_SOCKET": str(path)}
        program = ["gimp-console", "-i"]
        if display:
            program = ["gimp", "-n", "-s"]
            surroundings["DISPLAY"] = display.name
        batch = f"exec(open('{home.base / DRIVER.name}').read(), globals())"
        if not display:
            program.append("-c")  # messages to the log; with windows they come as an artist sees them
        command = [*program, "--batch-interpreter=python-fu-eval", "-b", batch, "--quit"]
        log = folder / "gimp.log"
        super().__init__("GIMP", inside(home.root, command), surroundings, log, path, failures, START_SECONDS)

    def said(self) -> str:
        """The end of what GIMP wrote, without its usual noise."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        own = self.home.base / "log" / "gimp.log"
        lines += own.read_text("utf-8", "replace").splitlines() if own.exists() else []
        return "\n".join(line for line in lines if not NOISE.search(line))[-4000:]

    def error_windows(self) -> list[str]:
        """The ids of the windows in which GIMP tells what went wrong."""
        found = self.xdotool(
            "search", "--onlyvisible", "--name", "^(GIMP Message|GIMP Error|GIMP Warning)", check=False
        )
        return found.split()

    def plugin_processes(self) -> list[int]:
        """The processes of our plug-in that this GIMP has started."""
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word == os.fsencode(self.home.plugin / "scumble.py") for word in words):
                found.append(int(folder.name))
        return found

    def leave(self) -> None:
        self._socket.sendall(b'{"quit": true}\n')
        self.process.wait(20)
