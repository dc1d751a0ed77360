"""An editor with a driver in it, which runs functions of the tests inside and gives their values back, over a socket."""

from __future__ import annotations

import inspect
import json
import os
import re
import socket
import subprocess
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from typing_extensions import Self

from .display import TOGETHER, end


class Driven:
    """A running editor. Subclasses start it, and say how it is left.

    Parameters
    ----------
    name
        Of the editor, for messages.
    log
        The file that its output goes to.
    path
        Of the driver's socket.
    failures
        Folder for pictures of the screen when something went wrong; None for no pictures.
    """

    seconds: float = 120.0
    """How long a scenario may take where it does not say so: so long that only one that hangs takes longer."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        path: Path,
        failures: Path | None,
        start_seconds: float,
    ) -> None:
        self.name, self.log, self.failures = name, log, failures
        self.environment = dict(environment)
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [*TOGETHER, *command], env=self.environment, stdout=file, stderr=file, start_new_session=True
            )
        self._socket = socket.socket(socket.AF_UNIX)
        self._file: TextIO | None = None
        try:
            self._connect(path, time.monotonic() + start_seconds)
        except BaseException:
            self.close()
            raise

    def _connect(self, path: Path, deadline: float) -> None:
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.screenshot("not-started")
                    raise RuntimeError(f"{self.name} did not start:\n{self.said()}") from None
                time.sleep(0.05)
        self._file = self._socket.makefile("r")

    def said(self) -> str:
        """The end of what the editor wrote."""
        return self.log.read_text("utf-8", "replace")[-4000:]

    def run(self, scenario: Callable[..., Any] | str, timeout: float | None = None, **arguments: Any) -> Any:
        """Run a scenario in the editor and give its value; its failure fails the test."""
        self.begin(scenario, timeout, **arguments)
        return self.answer(timeout)

    def begin(self, scenario: Callable[..., Any] | str, timeout: float | None = None, **arguments: Any) -> None:
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
            "timeout": timeout or self.seconds,
        }
        self._socket.sendall(json.dumps(request).encode() + b"\n")

    def answer(self, timeout: float | None = None) -> Any:
        self._socket.settimeout((timeout or self.seconds) + 10)
        try:
            assert self._file
            line = self._file.readline()
        except TimeoutError:
            self.screenshot("stuck")
            raise AssertionError(f"{self.name} does not answer:\n{self.said()}") from None
        if not line:
            self.process.wait(10)
            raise AssertionError(f"{self.name} went away with {self.process.returncode}:\n{self.said()}")
        answer = json.loads(line)
        if not answer["ok"]:
            self.screenshot("failed")
            raise AssertionError(f"{answer['error']}\n{self.said()}")
        assert not answer.get("unhandled"), "".join(answer["unhandled"])
        return answer["value"]

    def screenshot(self, name: str) -> Path | None:
        """A picture of the screen, kept with the failures; None where it can't be made."""
        if self.failures is None or "DISPLAY" not in self.environment:
            return None
        self.failures.mkdir(parents=True, exist_ok=True)
        test = re.sub(r"[^\w]+", "-", os.environ.get("PYTEST_CURRENT_TEST", self.name).split("::")[-1].split(" (")[0])
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

    def leave(self) -> None:
        """Ask the editor to quit, and wait for it."""
        raise NotImplementedError

    def close(self) -> None:
        """End the editor, by force if need be."""
        try:
            if self.process.poll() is None:
                self.leave()
        except (OSError, AssertionError, AttributeError, subprocess.TimeoutExpired):
            pass  # it is ended below
        finally:
            if self._file is not None:
                self._file.close()
            self._socket.close()
            end(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
