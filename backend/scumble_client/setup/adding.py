"""Adding a part to an engine: whole or not at all.

Nothing that is there is changed: the versions that are installed are laid down for pip and uv, so that they can only add. What was
there before is noted first, and whatever stops them, all else is removed: at once, or before the next try where this process
was ended by force.
"""

import importlib.metadata
import os
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Set

from ..system.folders import packages_in
from . import machine, places
from .commands import CancelError
from .environment import Environment, Packages, Tools
from .installing import install
from .lock import Lock
from .parts import ADDING, PARTS, Part, parts_of
from .problem import SetupError
from .reading import Fetching, failure

ROOM = 250_000_000
"""Bytes that have to be free on the engine's disk."""

LOAD_SECONDS = 120.0

Shown = Callable[[float, Optional[float], str], None]
"""Told how far it is: bytes, of how many (None where that is not known), and a sentence without its full stop."""


def add(engine: Path, part: Part, environment: Environment, tools: Tools, shown: Shown, index: str = "") -> None:
    """Add a part to an engine, unless it is there. `index`: where to look besides pip's own places.

    `environment` is the engine's, with what installs into it found already. Raises SetupError, CancelError; then the engine is as it
    was.
    """
    try:
        _add(engine, part, environment, tools, shown, index)
    except OSError as error:
        tools.log(str(error))
        raise _for_a_part(failure(deque([f"error: {error}"]), environment.tool), part) from error


def _add(engine: Path, part: Part, environment: Environment, tools: Tools, shown: Shown, index: str) -> None:
    with _alone(engine, tools, shown):
        take_back(engine)
        if _loads(part, environment, tools):
            return  # another one has just added it
        free = machine.free_bytes(engine)
        if free < ROOM:
            raise SetupError(
                "disk_full",
                f"Adding {part.module} takes {machine.in_words(ROOM)} on the disk of {engine}, and {machine.in_words(free)} are free.",
                "Make room, and press the button once more.",
            )
        shown(0.0, None, f"Looking for {part.module}")
        places.write_json(engine / ADDING, {"before": sorted(_all_in(environment.folder))})
        try:
            _install(engine, part, environment, tools, shown, index)
            if not _loads(part, environment, tools):
                raise SetupError(
                    "broken",
                    f"{part.module} does not run on this system.",
                    "Choose other weights; the log has all of it.",
                )
            noted: Dict[str, str] = {one.module: one.requirement for one in parts_of(engine)}
            places.write_json(engine / PARTS, {**noted, part.module: part.requirement})
            (engine / ADDING).unlink()
        except BaseException:
            try:
                take_back(engine)
            except OSError as error:  # Windows, while something of it runs: the next one tries again
                tools.log(f"Not all of {part.module} can be removed now: {error}")
            raise


def _install(engine: Path, part: Part, environment: Environment, tools: Tools, shown: Shown, index: str) -> None:
    pins = engine / "pins.txt"

    def heard(fetching: Fetching) -> None:
        if fetching.installing:
            shown(1.0, 1.0, f"Unpacking {part.module}")
        elif fetching.package:
            size = f", {machine.in_words(fetching.bytes_total)}" if fetching.bytes_total else ""
            shown(fetching.bytes_done, fetching.bytes_total or None, f"Fetching {fetching.package}{size}")

    try:
        pins.write_text("".join(f"{one}\n" for one in _installed(environment.folder)), "utf-8")
        packages = Packages([part.requirement], pins, index)
        install(
            environment, packages, environment.configuration(), tools, heard, lambda text: shown(0.0, None, text), heard
        )
    except SetupError as problem:
        raise _for_a_part(problem, part) from problem
    finally:
        if pins.exists():
            pins.unlink()


def _for_a_part(problem: SetupError, part: Part) -> SetupError:
    """What stopped it, in words that fit: an engine is there, and goes on without."""
    if problem.kind == "no_package":
        message = f"The package index has no {part.module} for this engine's Python and this system."
        return SetupError(problem.kind, message, "Choose other weights.")
    if problem.kind == "disk_full":
        message = f"The disk is full, so {part.module} was not added; what it had written was removed."
        return SetupError(problem.kind, message, "Make room, and press the button once more.")
    if problem.kind == "denied":
        message = f"The engine's folder can't be written, so {part.module} was not added."
        return SetupError(problem.kind, message, "Repair the engine, or choose other weights.")
    if problem.kind == "":
        return SetupError(
            "", f"{part.module} could not be added to the engine.", "The log says why; choose other weights."
        )
    return problem


def take_back(engine: Path) -> None:
    """Remove what a part that was not added to its end has left. Raises OSError where that can't be: the next one tries again."""
    noted = places.read_json(engine / ADDING).get("before")
    if isinstance(noted, list):  # else it was ended while that was written, and nothing was installed yet
        before, environment = set(noted), engine / "env"
        for path in sorted(_all_in(environment) - before, reverse=True):  # what is in a folder comes before it
            whole = environment / path
            if path.endswith("/"):
                _remove_empty(whole)
            else:
                whole.unlink()
    if (engine / ADDING).exists():
        (engine / ADDING).unlink()


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        pass  # something else lies in it meanwhile


def _all_in(folder: Path) -> Set[str]:
    """Files and folders, those with a slash at the end, as paths from there."""
    found: Set[str] = set()
    for where, folders, files in os.walk(str(folder)):
        there = where[len(str(folder)) + 1 :].replace(os.sep, "/")
        prefix = f"{there}/" if there else ""
        found.update(prefix + name for name in files)
        found.update(
            f"{prefix}{name}" if os.path.islink(os.path.join(where, name)) else f"{prefix}{name}/" for name in folders
        )
    return found


def _installed(environment: Path) -> List[str]:
    """The packages of an environment, each with its version, as constraints."""
    folders = [str(one) for one in packages_in(environment)]
    found = {
        f"{one.metadata['Name']}=={one.version}"
        for one in importlib.metadata.distributions(path=folders)
        if one.metadata["Name"] and one.version
    }
    return sorted(found)


def _loads(part: Part, environment: Environment, tools: Tools) -> bool:
    command = [str(environment.python), "-I", "-c", f"import {part.module}"]
    try:
        return tools.call(command, seconds=LOAD_SECONDS) == 0
    except TimeoutError:
        return False


@contextmanager
def _alone(engine: Path, tools: Tools, shown: Shown) -> Iterator[None]:
    """One at a time adds to an engine; the others wait."""
    lock = Lock(engine)
    while not lock.take(0.0):
        shown(0.0, None, "Waiting for another download")
        if tools.cancelled():
            raise CancelError
        time.sleep(0.1)
    try:
        yield
    finally:
        lock.release()
