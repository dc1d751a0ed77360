"""Making a private environment and putting packages into it: with pip, or with uv where there is no pip."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ..system.folders import pip_files
from .commands import OnLine, ask, run
from .indexes import read_configuration, read_files
from .problem import SetupError
from .pythons import Python, search

OTHERS, RAW_PROGRESS, RESUMES = (22, 3), (24, 1), (25, 1)
"""Versions of pip: from which on it serves other environments, says bytes to programs, goes on with a file where the line broke."""

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
        self._pip: List[str] = []
        self._version: Tuple[int, ...] = (0,)

    @property
    def tool(self) -> str:
        """What installs: for sentences."""
        return "uv" if self._uv else "pip"

    def make(self, of: Python, uv: str) -> None:
        """Make it out of a Python, by the first means that works. Raises SetupError, CancelError.

        A new pip of that Python's own serves from outside; an old one brings a new one; else the one that Python has in store
        does, which takes longest; uv is for a Python that has none of them.
        """
        ways: List[Callable[[], bool]] = []
        if of.pip:
            ways.append(lambda: self._with_others_pip(of))
        if of.venv:
            ways.append(lambda: self._with_own_pip(of))
        if uv:
            ways.append(lambda: self._with_uv(of, uv))
        for way in ways:
            if way():
                return
        raise SetupError(
            "no_python",
            f"No environment can be made with {of.program}.",
            "Its pip and venv are missing or damaged; the log has what they said.",
        )

    def attach(self, base: str) -> None:
        """Find what installs into an environment that is there already. Raises SetupError.

        Its own pip; else that of the Python it was made of (`base`), or of another one on this machine; else uv.
        """
        if self._own() or self._served_by(base):
            return
        found = search()
        if (found.best is not None and self._served_by(found.best.program)) or found.uv:
            self._uv = "" if self._pip else found.uv
            return
        raise SetupError(
            "no_python",
            "Nothing on this machine can add packages to Scumble's engine: its Python's pip is gone.",
            "Repair the engine: the docker's or dialog's menu of the engine does that.",
        )

    def _served_by(self, program: str) -> bool:
        """Whether the pip of that Python installs into this environment from outside."""
        others = [program, "-I", "-m", "pip"]
        version = _version_of(others) if program else (0,)
        if version < OTHERS:
            return False
        self._pip, self._version = [*others, "--python", str(self.python)], version
        return True

    def _call(self, command: Sequence[str]) -> bool:
        try:
            return self._tools.call(command) == 0
        except OSError as error:
            self._tools.log(str(error))
            return False

    def _with_others_pip(self, of: Python) -> bool:
        others = [of.program, "-I", "-m", "pip"]
        version = _version_of(others)
        if version < OTHERS or not self._call(
            [of.program, "-I", "-m", "venv", "--clear", "--without-pip", str(self.folder)]
        ):
            return False
        others += ["--python", str(self.python)]
        if version < RESUMES and self._call([*others, "install", "--retries", "1", "--progress-bar", "off", "pip"]):
            return self._own()
        self._pip, self._version = others, version
        return True

    def _with_own_pip(self, of: Python) -> bool:
        if not self._call([of.program, "-I", "-m", "venv", "--clear", str(self.folder)]) or not self._own():
            return False
        if self._version < RESUMES and self._call([*self._pip, "install", "--upgrade", "--retries", "1", "pip"]):
            self._own()
        return True

    def _own(self) -> bool:
        self._pip = [str(self.python), "-I", "-m", "pip"]
        self._version = _version_of(self._pip)
        if self._version > (0,):
            return True
        self._pip = []
        return False

    def _with_uv(self, of: Python, uv: str) -> bool:
        self._uv = uv
        return self._call([uv, "venv", "--no-project", "--allow-existing", "--python", of.program, str(self.folder)])

    def configuration(self) -> Dict[str, str]:
        """What pip was told by its files and variables; uv is told the same."""
        if self._uv:
            return read_files(pip_files(os.environ, Path.home()), os.environ)
        said = ask([*self._pip, "config", "list"], 60.0, child_environment())
        return read_configuration(said or "")

    def cache(self) -> Path:
        """Where fetched files are kept for the next time."""
        command = [self._uv, "cache", "dir"] if self._uv else [*self._pip, "cache", "dir"]
        said = ask(command, 60.0, child_environment())
        return Path(said.splitlines()[-1]) if said else self.folder

    def install(
        self, what: "Packages", configuration: Mapping[str, str], on_line: OnLine, tick: Callable[[], None]
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
            command += ["--refresh"] if what.fresh else []
            more = _for_uv(configuration)
        else:
            command = [*self._pip, "install", "--no-compile"]  # what is never loaded need not be
            command += ["--progress-bar", "raw" if self._version >= RAW_PROGRESS else "off"]
            command += ["--resume-retries", "20"] if self._version >= RESUMES else []
            command += ["--no-cache-dir"] if what.fresh else []
        command += ["--only-binary", ":all:"]
        if what.constraints is not None:
            command += ["-c", str(what.constraints)]
        if what.index:
            command += ["--extra-index-url", what.index]
        return self._tools.call([*command, *what.names], on_line, child_environment(**more), tick=tick)


@dataclass(frozen=True)
class Packages:
    """What is to be installed."""

    names: Sequence[str]
    """As for pip: names, files."""
    constraints: Optional[Path] = None
    index: str = ""
    """Where to look besides the tool's own places."""
    fresh: bool = False
    """Whether nothing is taken that was kept from before."""


def _version_of(pip: Sequence[str]) -> Tuple[int, ...]:
    """(0,) where there is none that works."""
    found = re.search(r"pip (\d+)\.(\d+)", ask([*pip, "--version"], 60.0, child_environment()) or "")
    return (int(found.group(1)), int(found.group(2))) if found else (0,)


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
