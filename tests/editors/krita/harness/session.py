"""A Krita of its own under Xvfb: installed into, started, driven, and ended, whatever happens."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

HERE = Path(__file__).parent
DRIVER = "scumbledriver"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
PROGRAMS = ("krita", "Xvfb", "xdotool", "import", "setpriv")
START_SECONDS = 60.0
# The embedded Python takes its prefix from the first python3 on the PATH, so PATH is the system's.
REMOVED = ("DBUS_SESSION_BUS_ADDRESS", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "XDG_RUNTIME_DIR", "SCUMBLE_DAEMON")


# A test run that is killed takes its programs with it.
TOGETHER = ("setpriv", "--pdeathsig", "KILL", "--")


class Display:
    """An Xvfb."""

    def __init__(self, size: str = "1600x1000x24") -> None:
        for _ in range(3):
            self._start(size)
            geometry = ["xdotool", "getdisplaygeometry"]
            if subprocess.run(geometry, env={**os.environ, "DISPLAY": self.name}, capture_output=True).returncode == 0:
                return  # a server that ends at this moment may take the new one's socket with it
            self.close()
        raise RuntimeError("Xvfb does not start.")

    def _start(self, size: str) -> None:
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            [*TOGETHER, "Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
            pass_fds=[writer],
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as file:
            self.name = ":" + file.readline().strip()

    def close(self) -> None:
        end(self.process)


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


class Krita:
    """A running Krita with the driver in it."""

    def __init__(
        self, home: Home, display: Display, environment: dict[str, str] | None = None, failures: Path | None = None
    ) -> None:
        self.home, self.failures = home, failures
        self._folder = Path(tempfile.mkdtemp(prefix="scumble-krita-"))
        self._folder.chmod(0o700)
        self.log = self._folder / "krita.log"
        path = self._folder / "driver.sock"
        self.environment = {
            **home.environment,
            **(environment or {}),
            "DISPLAY": display.name,
            "XDG_RUNTIME_DIR": str(self._folder),
            "SCUMBLE_DRIVER_SOCKET": str(path),
        }
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*TOGETHER, "krita", "--nosplash"], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._socket = socket.socket(socket.AF_UNIX)
        self._file: TextIO | None = None
        try:
            self._connect(path)
            self.run("def main(k):\n    yield lambda: k.app.activeWindow() is not None")
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
                    raise RuntimeError(f"Krita did not start:\n{self.said()}") from None
                time.sleep(0.05)
        self._file = self._socket.makefile("r")

    def said(self) -> str:
        """The end of what Krita wrote."""
        return self.log.read_text("utf-8", "replace")[-4000:]

    def run(self, scenario: Callable[..., Any] | str, timeout: float = 40.0, **arguments: Any) -> Any:
        """Run a scenario in Krita and give its value. Its failure, and any exception in a slot, fails the test."""
        self.begin(scenario, timeout, **arguments)
        return self.answer(timeout)

    def begin(self, scenario: Callable[..., Any] | str, timeout: float = 40.0, **arguments: Any) -> None:
        file, code, first = "<scenario>", str(scenario), 2
        if callable(scenario):
            file = inspect.getsourcefile(scenario) or file
            lines, first = inspect.getsourcelines(scenario)
            code = textwrap.dedent("".join(lines)).replace(f"def {scenario.__name__}", "def main", 1)
        request = {
            # with the lines of the file, so that a traceback tells the truth
            "code": "from __future__ import annotations" + "\n" * (first - 1) + code,
            "file": file,
            "arguments": arguments,
            "timeout": timeout,
        }
        self._socket.sendall(json.dumps(request).encode() + b"\n")

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

    def answer(self, timeout: float = 40.0) -> Any:
        self._socket.settimeout(timeout + 10)
        try:
            assert self._file
            line = self._file.readline()
        except TimeoutError:
            self.screenshot("stuck")
            raise AssertionError(f"Krita does not answer:\n{self.said()}") from None
        if not line:
            self.process.wait(10)
            raise AssertionError(f"Krita went away with {self.process.returncode}:\n{self.said()}")
        answer = json.loads(line)
        if not answer["ok"]:
            self.screenshot("failed")
            raise AssertionError(answer["error"])
        assert not answer["unhandled"], "".join(answer["unhandled"])
        return answer["value"]

    def screenshot(self, name: str) -> Path | None:
        """A picture of the screen, kept with the failures; None where it can't be made."""
        if self.failures is None:
            return None
        self.failures.mkdir(parents=True, exist_ok=True)
        test = re.sub(r"[^\w]+", "-", os.environ.get("PYTEST_CURRENT_TEST", "krita").split("::")[-1].split(" (")[0])
        path = self.failures / f"{test.strip('-')}-{name}.png"
        done = subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=False, timeout=30)
        return path if done.returncode == 0 else None

    def xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self.environment, capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout.strip()

    def quit(self) -> int:
        """As File ▸ Quit does; the exit code."""
        self.run(_quit)
        return self.process.wait(30)

    def close(self) -> None:
        try:
            if self.process.poll() is None:
                self.quit()
        except (OSError, AssertionError, AttributeError, subprocess.TimeoutExpired):
            pass  # it is ended below
        finally:
            if self._file is not None:
                self._file.close()
            self._socket.close()
            end(self.process)
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Krita:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _quit(k: Any) -> None:
    from PyQt5.QtCore import QTimer

    for document in k.app.documents():
        document.setModified(False)
    QTimer.singleShot(0, lambda: k.app.action("file_quit").trigger())


def end(process: subprocess.Popen[Any]) -> None:
    """End a process of ours, by force if need be."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(10)


def absent(programs: Sequence[str] = PROGRAMS) -> list[str]:
    """Which programs the tests need and this machine lacks."""
    return [name for name in programs if shutil.which(name, path=SYSTEM_PATH) is None]
