"""Finding a Python that an engine can be made of: 3.10 or newer, whatever the editor's own is."""

import glob
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, List, Mapping, Optional, Sequence, Tuple

from . import python_places
from .commands import ask

OLDEST, NEWEST = (3, 10), (3, 14)
"""Between these the engine's packages have wheels; a newer one is tried where there is no other."""

VARIABLE = "SCUMBLE_PYTHON"
"""Names the Python to take before any other."""

_PROBE = (
    "import json, sys, sysconfig, platform, importlib.util as u\n"
    "has = lambda n: u.find_spec(n) is not None\n"
    "print(json.dumps(dict(program=sys.executable, version=list(sys.version_info[:3]), bits=64 if sys.maxsize > 2**32 else 32,"
    " machine=platform.machine(), kind=sysconfig.get_platform(), venv=has('venv') and has('ensurepip'), pip=has('pip'))))"
)


@dataclass(frozen=True)
class Python:
    """One that was asked."""

    program: str
    version: Sequence[int]
    bits: int
    machine: str
    venv: bool
    """Whether it can make environments that have pip."""
    pip: bool
    kind: str = ""
    """Of its platform, as packages name it: those of MinGW and Cygwin can't use what is built for Windows."""

    @property
    def text(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def fits(self) -> bool:
        return (
            tuple(self.version[:2]) >= OLDEST
            and self.bits == 64
            and not self.kind.startswith(("mingw", "cygwin", "msys"))
        )


@dataclass(frozen=True)
class Search:
    """What was found."""

    best: Optional[Python]
    others: Sequence[Python]
    """Those that are too old, or of 32 bits."""
    uv: str
    """uv's program; empty where there is none."""

    @property
    def usable(self) -> bool:
        """Whether an environment with packages can be made."""
        return self.best is not None and (self.best.venv or self.best.pip or bool(self.uv))


def search(
    environment: Optional[Mapping[str, str]] = None,
    platform: Optional[str] = None,
    home: Optional[Path] = None,
    outside: Sequence[str] = (),
    asked: Callable[[Sequence[str]], Optional[str]] = ask,
) -> Search:
    """Look for Pythons and for uv. `outside`: the words that run a program outside of the editor's sandbox.

    Takes a second or more: not for an editor's own thread.
    """
    environment = os.environ if environment is None else environment
    found: List[Python] = []
    seen = set()
    for command in candidates(environment, platform, home or Path.home(), outside):
        made = probe([*outside, *command], asked)
        if made is None or made.program in seen:
            continue
        seen.add(made.program)
        found.append(made)
        if environment.get(VARIABLE) == command[0] and made.fits:
            break  # the artist has said which
        if made.fits and made.venv and tuple(made.version[:2]) <= NEWEST and not outside:
            break  # good enough: asking each of them takes time
    fitting = sorted((one for one in found if one.fits), key=_merit)
    named = environment.get(VARIABLE)
    if named and found and found[0].fits and asked is ask and _same(found[0].program, named):
        fitting = [found[0]]
    return Search(
        fitting[-1] if fitting else None, [one for one in found if not one.fits], _uv(environment, home, outside, asked)
    )


def _same(program: str, named: str) -> bool:
    return os.path.realpath(program) == os.path.realpath(shutil.which(named) or named)


def _merit(one: Python) -> Tuple[bool, bool, List[int]]:
    known = tuple(one.version[:2]) <= NEWEST
    return one.venv or one.pip, known, [number if known else -number for number in one.version]


def probe(command: Sequence[str], asked: Callable[[Sequence[str]], Optional[str]] = ask) -> Optional[Python]:
    """Ask a program whether it is a Python, and which; None where it is none."""
    said = asked([*command, "-I", "-c", _PROBE])
    if said is None:
        return None
    try:
        raw = json.loads(said.strip().splitlines()[-1])
        version = [int(number) for number in raw["version"]]
        flags = bool(raw["venv"]), bool(raw["pip"])
        return Python(
            str(raw["program"]), version, int(raw["bits"]), str(raw["machine"]), *flags, str(raw.get("kind", ""))
        )
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def candidates(
    environment: Mapping[str, str], platform: Optional[str], home: Path, outside: Sequence[str] = ()
) -> Iterable[Sequence[str]]:
    """Command lines that may start a Python, the likeliest first; each only once. Those outside of a sandbox are only guessed."""
    seen = set()
    for command in _candidates(environment, platform, home, bool(outside)):
        key = os.path.realpath(command[0]) if os.path.isabs(command[0]) and len(command) == 1 else " ".join(command)
        if key not in seen:
            seen.add(key)
            yield command


def _candidates(
    environment: Mapping[str, str], platform: Optional[str], home: Path, guess: bool
) -> Iterable[Sequence[str]]:
    if environment.get(VARIABLE):
        yield [environment[VARIABLE]]
    names = ["python3", *(f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1))]
    if guess:
        for name in names:
            yield [name]
        return
    inside = environment.get("APPDIR")  # what an AppImage brings is gone when it ends
    folders = environment.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(one for one in folders if not (inside and one.startswith(inside)))
    for name, arguments in python_places.names(names, platform):
        found = shutil.which(name, path=path)
        if found and not python_places.is_stub(found, platform):
            yield [found, *arguments]
    for pattern in python_places.patterns(environment, platform, home):
        for found in sorted(glob.glob(pattern), key=_version_in, reverse=True):
            if os.access(found, os.X_OK):
                yield [found]


def _version_in(path: str) -> List[int]:
    digits = "".join(one if one.isdigit() else " " for one in path)
    return [int(number) for number in digits.split()]


def _uv(
    environment: Mapping[str, str],
    home: Optional[Path],
    outside: Sequence[str],
    asked: Callable[[Sequence[str]], Optional[str]],
) -> str:
    home = home or Path.home()
    places = python_places.uv_folders(home)
    if outside:
        return "uv" if asked([*outside, "uv", "--version"]) else ""
    return shutil.which("uv", path=os.pathsep.join([environment.get("PATH", ""), *places])) or ""


def what_is_missing(found: Search) -> str:
    """A sentence on why no engine can be made; empty where one can."""
    if found.usable:
        return ""
    if found.best is not None:
        return f"Python {found.best.text} is here ({found.best.program}), but it can't install anything: it lacks pip and venv."
    if found.others:
        newest = max(found.others, key=lambda one: list(one.version))
        old = tuple(newest.version[:2]) < OLDEST
        why = "too old" if old else "of 32 bits" if newest.bits != 64 else "not one that PyTorch is built for"
        return f"Scumble needs Python 3.10 or newer; the one that is here, {newest.text}, is {why}."
    return "Scumble needs Python 3.10 or newer, and none was found."
