"""Which operations there are: those of Scumble's own rooms, and those of add-ons.

Importing an operation's file is cheap: torch is imported when it runs. Add-ons are installed packages that name their operations in the
entry point group `scumble.operations`, and the modules that `SCUMBLE_OPERATIONS` names, separated by commas. One that has a fault costs
itself alone: it is left out, and `faults` says why.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from scumble_client.errors import ScumbleError

from .addons import Fault, check, installed, loading, sentence
from .base import Operation

OWN = (
    "scumble.faces.operations.brush",
    "scumble.faces.operations.latent",
    "scumble.faces.operations.sample",
    "scumble.faces.operations.sketch",
    "scumble.inpainting.operation",
    "scumble.mosaic.operation",
    "scumble.operations.identity",
    "scumble.style.paint.operation",
    "scumble.style.photo.operation",
)
"""The modules of Scumble's own operations."""

GROUP = "scumble.operations"
VARIABLE = "SCUMBLE_OPERATIONS"


@dataclass(frozen=True)
class Found:
    """All that there is."""

    operations: dict[str, Operation[Any]]
    faults: tuple[Fault, ...]
    origins: dict[str, str]
    """By an operation's name: the add-on that it is from."""


class _Source(NamedTuple):
    """Where operations of an add-on are: what it is called, what loads it, and who can mend it."""

    origin: str
    load: Callable[[], Any]
    hint: str


def operations() -> dict[str, Operation[Any]]:
    """All operations by name, in alphabetical order."""
    return _found().operations


def faults() -> tuple[Fault, ...]:
    """What of the add-ons is left out, and why."""
    return _found().faults


def origin(name: str) -> str | None:
    """The add-on that an operation is from; None for Scumble's own."""
    return _found().origins.get(name)


def forget() -> None:
    """Look again at the next call: for tests that install something."""
    _found.cache_clear()


def find(name: str) -> Operation[Any]:
    """The operation of that name; ScumbleError `unknown_operation` where there is none."""
    found = _found()
    try:
        return found.operations[name]
    except KeyError:
        broken = next((fault for fault in found.faults if name in fault.names), None)
        if broken:
            raise ScumbleError("unknown_operation", broken.message, broken.hint) from None
        raise ScumbleError(
            "unknown_operation",
            f"There is no operation called “{name}”.",
            f"Choose one of: {', '.join(found.operations)}.",
        ) from None


@cache
def _found() -> Found:
    found = {one.name: one for name in OWN for one in _instances(importlib.import_module(name))}
    faults: list[Fault] = []
    origins: dict[str, str] = {}
    for source in _sources(faults):
        for one in _of_addon(source, faults):
            if one.name in found:
                other = origins.get(one.name, "Scumble itself")
                said = f"The operation “{one.name}” of the add-on {source.origin} is left out: {other} has one of that name."
                faults.append(Fault(source.origin, said, "Its author has to choose another name."))
            else:
                found[one.name], origins[one.name] = one, source.origin
    return Found(dict(sorted(found.items())), tuple(faults), origins)


def _sources(faults: list[Fault]) -> Iterable[_Source]:
    """Installed packages first, in the order of their names; a studio's own modules come last."""
    for point in installed(GROUP, faults):
        hint = f"Ask its author, or take it away: pip uninstall {point.package}"
        yield _Source(point.shown, point.load, hint)
    for name in filter(None, map(str.strip, os.environ.get(VARIABLE, "").split(","))):
        hint = f"Mend that module, or take it out of the variable {VARIABLE}."
        yield _Source(name, lambda name=name: importlib.import_module(name), hint)  # type: ignore[misc]


def _of_addon(source: _Source, faults: list[Fault]) -> Iterable[Operation[Any]]:
    """The operations of one entry that are fit for use; what is not is noted."""
    try:
        with loading():
            loaded = source.load()
            classes = _classes(loaded) if inspect.ismodule(loaded) else [loaded]
    except (Exception, SystemExit) as error:  # whatever a stranger's module does while it is imported
        said = f"The operations of the add-on {source.origin} can't be loaded: {sentence(error)}"
        faults.append(Fault(source.origin, said, source.hint))
        return
    if not classes:
        said = f"The add-on {source.origin} has no operation: none of its classes is an Operation with a name."
        faults.append(Fault(source.origin, said, source.hint))
    for one in classes:
        try:
            if not (isinstance(one, type) and issubclass(one, Operation)):
                raise ValueError("it is no subclass of scumble.operations.Operation")
            made: Operation[Any] = one()
            check(made)
        except (Exception, SystemExit) as error:
            shown = getattr(one, "__name__", repr(one)[:60])
            name = getattr(one, "name", None)
            said = f"The operation “{shown}” of the add-on {source.origin} can't be used: {sentence(error)}"
            faults.append(Fault(source.origin, said, source.hint, (name,) if isinstance(name, str) else ()))
        else:
            yield made


def _instances(module: Any) -> Sequence[Operation[Any]]:
    return [one() for one in _classes(module)]


def _classes(module: Any) -> list[type[Operation[Any]]]:
    """Those that the module defines, not those that it imports; a base class has no name."""
    return [
        # an alias such as NDArray[...] is taken by Python 3.10 for a type that issubclass then refuses
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and issubclass(value, Operation)
        and hasattr(value, "name")
    ]
