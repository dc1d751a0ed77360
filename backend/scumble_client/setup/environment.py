"""Making a private environment and putting packages into it: with pip, or with uv where there is no pip."""

import os
import re
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from .commands import OnLine, ask, run
from .indexes import configuration_files, read_configuration, read_files
from .problem import SetupError
from .pythons import Python

RAW_PROGRESS, RESUMES = (24, 1), (25, 1)
"""Versions of pip: from which on it says bytes to programs, and goes on with a file where the line broke."""

_FOREIGN = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_DRY_RUN",
    "PIP_PYTHON",
    "PIP_REPORT",
    "PIP_QUIET",
    "PIP_NO_DEPS",
)
"""What would put packages elsewhere, or nowhere."""


class Tools:
    """What runs programs for the tasks, with one log and one wish to cancel. `tick` is called several times a second."""

    def __init__(self, log: OnLine, cancelled: Callable[[], bool]) -> None:
        self.log = log
        self.cancelled = cancelled

    def call(
        self,
        command: Sequence[str],
        on_line: Optional[OnLine] = None,
        environment: Optional[Mapping[str, str]] = None,
        seconds: Optional[float] = None,
        tick: Optional[Callable[[], None]] = None,
    ) -> int:
        """Run a program, its lines in the log; its exit code. Raises CancelError, OSError, TimeoutError."""
        self.log("$ " + " ".join(command))

        def heard(line: str) -> None:
            if not line.startswith("Progress "):
                self.log(line)
            if on_line:
                on_line(line)

        def asked() -> bool:
            if tick:
                tick()
            return self.cancelled()

        code = run(command, heard, asked, child_environment() if environment is None else environment, seconds)
        if code:
            self.log(f"(it ended with {code})")
        return code


def child_environment(**more: str) -> Dict[str, str]:
    """This process's environment, without what would lead another Python, or pip, astray."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") and name not in _FOREIGN}
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__"):
        kept.pop(name, None)
    return {
        **kept,
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONUTF8": "1",
        **more,
    }


class Environment:
    """A private environment: `make` it, then `install` into it."""

    def __init__(self, folder: Path, python: Path, tools: Tools) -> None:
        self.folder, self.python = folder, python
        self._tools = tools
        self._uv = ""
        self._pip: Tuple[int, ...] = (0,)

    @property
    def tool(self) -> str:
        """What installs: for sentences."""
        return "uv" if self._uv else "pip"

    def make(self, of: Python, uv: str) -> None:
        """Make it out of a Python, by the first means that works. Raises SetupError, CancelError."""
        ways: List[Callable[[], bool]] = []
        if of.venv:
            ways.append(lambda: self._call([of.program, "-I", "-m", "venv", "--clear", str(self.folder)]))
        if of.pip:
            ways.append(lambda: self._with_others_pip(of))
        if uv:
            ways.append(lambda: self._with_uv(of, uv))
        for way in ways:
            if way():
                break
        else:
            raise SetupError(
                "no_python",
                f"No environment can be made with {of.program}.",
                "Its pip and venv are missing or damaged; the log has what they said.",
            )
        if not self._uv:
            self._pip = self._pip_version()

    def _call(self, command: Sequence[str]) -> bool:
        try:
            return self._tools.call(command) == 0
        except OSError as error:
            self._tools.log(str(error))
            return False

    def _with_others_pip(self, of: Python) -> bool:
        made = self._call([of.program, "-I", "-m", "venv", "--clear", "--without-pip", str(self.folder)])
        return made and self._call([of.program, "-I", "-m", "pip", "--python", str(self.python), "install", "pip"])

    def _with_uv(self, of: Python, uv: str) -> bool:
        self._uv = uv
        return self._call([uv, "venv", "--no-project", "--allow-existing", "--python", of.program, str(self.folder)])

    def _pip_version(self) -> Tuple[int, ...]:
        said = ask([str(self.python), "-I", "-m", "pip", "--version"], 60.0, child_environment()) or ""
        found = re.search(r"pip (\d+)\.(\d+)", said)
        return (int(found.group(1)), int(found.group(2))) if found else (0,)

    def configuration(self) -> Dict[str, str]:
        """What pip was told by its files and variables; uv is told the same."""
        if self._uv:
            return read_files(configuration_files(os.environ, Path.home()), os.environ)
        said = ask([str(self.python), "-I", "-m", "pip", "config", "list"], 60.0, child_environment())
        return read_configuration(said or "")

    def renew_pip(self) -> None:
        """Have a pip that goes on where a line broke, if one can be had; any other does."""
        if not self._uv and self._pip < RESUMES:
            self._call([str(self.python), "-I", "-m", "pip", "install", "--upgrade", "--retries", "1", "pip"])
            self._pip = self._pip_version()

    def cache(self) -> Path:
        """Where fetched files are kept for the next time."""
        command = [self._uv, "cache", "dir"] if self._uv else [str(self.python), "-I", "-m", "pip", "cache", "dir"]
        said = ask(command, 60.0, child_environment())
        return Path(said.splitlines()[-1]) if said else self.folder

    def install(
        self,
        what: Sequence[str],
        constraints: Optional[Path],
        index: str,
        configuration: Mapping[str, str],
        on_line: OnLine,
        tick: Callable[[], None],
    ) -> int:
        """Install packages: only such as are built already. pip's or uv's exit code. Raises CancelError."""
        more = (
            {}
            if configuration.get("timeout") or configuration.get("default-timeout")
            else {"PIP_DEFAULT_TIMEOUT": "60"}
        )
        if self._uv:
            command = [
                self._uv,
                "pip",
                "install",
                "--python",
                str(self.python),
                "--index-strategy",
                "unsafe-best-match",
            ]
            more = _for_uv(configuration)
        else:
            command = [str(self.python), "-I", "-m", "pip", "install"]
            command += ["--progress-bar", "raw" if self._pip >= RAW_PROGRESS else "off"]
            if self._pip >= RESUMES:
                command += ["--resume-retries", "20"]
        command += ["--only-binary", ":all:"]
        if constraints is not None:
            command += ["-c", str(constraints)]
        if index:
            command += ["--extra-index-url", index]
        return self._tools.call([*command, *what], on_line, child_environment(**more), tick=tick)


def _for_uv(configuration: Mapping[str, str]) -> Dict[str, str]:
    """pip's places, in uv's own variables. What uv was told itself stays."""
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "cert": "SSL_CERT_FILE",
        "proxy": "ALL_PROXY",
    }
    made = {to: configuration[name] for name, to in names.items() if configuration.get(name) and to not in os.environ}
    if "UV_FIND_LINKS" in made:
        made["UV_FIND_LINKS"] = ",".join(made["UV_FIND_LINKS"].split())
    return {"UV_HTTP_TIMEOUT": "60", **made}
