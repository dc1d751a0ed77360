"""A Krita of its own under Xvfb: installed into, started, driven, and ended, whatever happens."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.editors.display import REMOVED, SYSTEM_PATH, Display
from tests.editors.driven import Driven
from tests.editors.roots import build, inside

HERE = Path(__file__).parent
DRIVER = "scumbledriver"
PROGRAMS = ("Xvfb", "xdotool", "import", "setpriv")
START_SECONDS = 240.0


def krita_root() -> Path:
    """The folder with the Krita that the tests run; `/` for the machine's own."""
    found, reason = build("krita")
    if found is None:
        raise RuntimeError(reason)
    return found


def krita_command(*words: str) -> list[str]:
    """The command line that starts it."""
    return inside(krita_root(), ["krita", *words])


class Home:
    """Krita's folders: a profile, and the environment that leads there."""

    def __init__(self, base: Path, template: Path | None = None) -> None:
        self.base = base
        base.mkdir(parents=True, exist_ok=True)
        if template:
            shutil.copytree(template, base / "data")
        for name in ("config", "data/krita/pykrita", "cache"):
            (base / name).mkdir(parents=True, exist_ok=True)
        self.environment = {name: value for name, value in os.environ.items() if name not in REMOVED}
        self.environment |= {
            "HOME": str(base),
            "XDG_CONFIG_HOME": str(base / "config"),
            "XDG_DATA_HOME": str(base / "data"),
            "XDG_CACHE_HOME": str(base / "cache"),
            "LC_ALL": "C.UTF-8",
            # the embedded Python takes its prefix from the first python3 there
            "PATH": SYSTEM_PATH,
        }

    @property
    def resources(self) -> Path:
        return self.base / "data" / "krita"

    @property
    def kritarc(self) -> Path:
        return self.base / "config" / "kritarc"

    def install(self, environment: dict[str, str]) -> None:
        """The plugin, by `scumble install krita` itself."""
        subprocess.run(
            [sys.executable, "-m", "scumble.cli", "install", "krita"],
            env={**self.environment, **environment},
            check=True,
            capture_output=True,
            timeout=120,
        )

    def add_driver(self) -> None:
        pykrita = self.resources / "pykrita"
        shutil.copy(HERE / f"{DRIVER}.desktop", pykrita)
        shutil.copytree(HERE / DRIVER, pykrita / DRIVER, dirs_exist_ok=True)
        text = self.kritarc.read_text() if self.kritarc.exists() else "[python]\n"
        if f"enable_{DRIVER}" not in text:
            self.kritarc.write_text(text.replace("[python]\n", f"[python]\nenable_{DRIVER}=true\n"))


class Krita(Driven):
    """A running Krita with the driver in it."""

    def __init__(
        self, home: Home, display: Display, environment: dict[str, str] | None = None, failures: Path | None = None
    ) -> None:
        self.home = home
        self._folder = Path(tempfile.mkdtemp(prefix="scumble-krita-"))
        self._folder.chmod(0o700)
        path = self._folder / "driver.sock"
        surroundings = {
            **home.environment,
            **(environment or {}),
            "DISPLAY": display.name,
            "XDG_RUNTIME_DIR": str(self._folder),
            "SCUMBLE_DRIVER_SOCKET": str(path),
        }
        command = krita_command("--nosplash")
        super().__init__("Krita", command, surroundings, self._folder / "krita.log", path, failures, START_SECONDS)
        try:
            self.run("def main(k):\n    yield lambda: k.app.activeWindow() is not None")
        except BaseException:
            self.close()
            raise

    def lend(self, function: Callable[..., Any]) -> None:
        """Make a function of the test module known in Krita: scenarios get it by `k.module("harness" + its name)`."""
        source = textwrap.dedent(inspect.getsource(function))
        self.run(
            "def main(k, source, name):\n"
            "    space = {}\n"
            "    exec('from __future__ import annotations\\n' + source, space)\n"
            "    k.lent['harness' + name] = space[name]",
            source=source,
            name=function.__name__,
        )

    def quit(self) -> int:
        """As File ▸ Quit does; the exit code."""
        self.run(_quit)
        return self.process.wait(30)

    def leave(self) -> None:
        self.quit()

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _quit(k: Any) -> None:
    for document in k.app.documents():
        document.setModified(False)
    k.qt.QtCore.QTimer.singleShot(0, lambda: k.app.action("file_quit").trigger())
