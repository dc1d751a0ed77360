"""A GIMP of its own, with or without windows: installed into, started, driven, and ended, whatever happens."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from tests.editors.krita.harness.session import REMOVED, SYSTEM_PATH, TOGETHER, Display, end

from .root import inside

DRIVER = Path(__file__).parent / "driver.py"
START_SECONDS = 90.0
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


class Gimp:
    """A running GIMP with the driver in it; with a display, one with windows."""

    def __init__(
        self,
        home: Home,
        environment: dict[str, str] | None = None,
        display: Display | None = None,
        failures: Path | None = None,
    ) -> None:
        self.home, self.failures, self.display = home, failures, display
        self._folder = Path(tempfile.mkdtemp(prefix="driver-", dir=home.base))
        self.log = self._folder / "gimp.log"
        path = self._folder / "driver.sock"
        self.environment = {**home.environment, **(environment or {}), "SCUMBLE_DRIVER_SOCKET": str(path)}
        program = ["gimp-console-3.0", "-i"]
        if display:
            program = ["gimp-3.0", "-n", "-s"]
            self.environment["DISPLAY"] = display.name
        batch = f"exec(open('{home.base / DRIVER.name}').read(), globals())"
        command = [*program, "-c", "--batch-interpreter=python-fu-eval", "-b", batch, "--quit"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*TOGETHER, *inside(home.root, command)],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._socket = socket.socket(socket.AF_UNIX)
        self._file: TextIO | None = None
        try:
            self._connect(path)
        except BaseException:
            self.close()
            raise

    def _connect(self, path: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.screenshot("not-started")
                    raise RuntimeError(f"GIMP did not start:\n{self.said()}") from None
                time.sleep(0.05)
        self._file = self._socket.makefile("r")

    def said(self) -> str:
        """The end of what GIMP wrote, without its usual noise."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        own = self.home.base / "log" / "gimp.log"
        lines += own.read_text("utf-8", "replace").splitlines() if own.exists() else []
        return "\n".join(line for line in lines if not NOISE.search(line))[-6000:]

    def run(self, scenario: Callable[..., Any] | str, timeout: float = 60.0, **arguments: Any) -> Any:
        """Run a scenario in GIMP and give its value; its failure fails the test."""
        self.begin(scenario, **arguments)
        return self.answer(timeout)

    def begin(self, scenario: Callable[..., Any] | str, **arguments: Any) -> None:
        file, code, first = "<scenario>", str(scenario), 2
        if callable(scenario):
            file = inspect.getsourcefile(scenario) or file
            lines, first = inspect.getsourcelines(scenario)
            code = textwrap.dedent("".join(lines)).replace(f"def {scenario.__name__}", "def main", 1)
        request = {
            "code": "from __future__ import annotations" + "\n" * (first - 1) + code,
            "file": file,
            "arguments": arguments,
        }
        self._socket.sendall(json.dumps(request).encode() + b"\n")

    def answer(self, timeout: float = 60.0) -> Any:
        self._socket.settimeout(timeout)
        try:
            assert self._file
            line = self._file.readline()
        except TimeoutError:
            self.screenshot("stuck")
            raise AssertionError(f"GIMP does not answer:\n{self.said()}") from None
        if not line:
            raise AssertionError(f"GIMP went away:\n{self.said()}")
        answer = json.loads(line)
        if not answer["ok"]:
            self.screenshot("failed")
            raise AssertionError(f"{answer['error']}\n{self.said()[-3000:]}")
        return answer["value"]

    def screenshot(self, name: str) -> Path | None:
        """A picture of the screen, kept with the failures; None where there is no screen."""
        if self.failures is None or self.display is None:
            return None
        self.failures.mkdir(parents=True, exist_ok=True)
        test = re.sub(r"[^\w]+", "-", os.environ.get("PYTEST_CURRENT_TEST", "gimp").split("::")[-1].split(" (")[0])
        path = self.failures / f"{test.strip('-')}-{name}.png"
        return path if self.picture(path) else None

    def picture(self, path: Path) -> bool:
        """A picture of the whole screen."""
        done = subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=False, timeout=30)
        return done.returncode == 0

    def xdotool(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, check=check, timeout=30
        )
        return done.stdout.strip()

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

    def close(self) -> None:
        try:
            if self.process.poll() is None and self._file is not None:
                self._socket.sendall(b'{"quit": true}\n')
                self.process.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            pass  # it is ended below
        finally:
            if self._file is not None:
                self._file.close()
            self._socket.close()
            end(self.process)

    def __enter__(self) -> Gimp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
