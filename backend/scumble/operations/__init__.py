"""The operations that an artist can choose: one file each, found by themselves.

Importing this package, and every operation's file, is cheap: torch is imported when an operation runs.
Operations of a studio's own come from the modules that `SCUMBLE_OPERATIONS` names, separated by commas.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from functools import cache
from types import ModuleType
from typing import Any

from scumble_client.errors import ScumbleError

from .base import Operation

_NOT_OPERATIONS = {"base", "context"}


@cache
def operations() -> dict[str, Operation[Any]]:
    """All operations by name, in alphabetical order."""
    names = [f"{__name__}.{m.name}" for m in pkgutil.iter_modules(__path__) if m.name not in _NOT_OPERATIONS]
    names += filter(None, os.environ.get("SCUMBLE_OPERATIONS", "").split(","))
    found: list[Operation[Any]] = []
    for name in names:
        for value in vars(_module(name)).values():
            # classes that the module defines, not those that it imports (nor an alias such as NDArray[...], which Python 3.10
            # takes for a type that issubclass then refuses); a base class has no name
            ours = isinstance(value, type) and value.__module__ == name and issubclass(value, Operation)
            if ours and hasattr(value, "name"):
                found.append(value())
    return {operation.name: operation for operation in sorted(found, key=lambda o: o.name)}


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        if name.startswith(f"{__name__}."):
            raise
        raise ScumbleError(
            "internal",
            f"The operations in “{name}” can't be loaded: {error}.",
            "Mend that module, or take it out of the variable SCUMBLE_OPERATIONS.",
        ) from error


def find(name: str) -> Operation[Any]:
    """The operation of that name; ScumbleError `unknown_operation` where there is none."""
    try:
        return operations()[name]
    except KeyError:
        raise ScumbleError(
            "unknown_operation",
            f"There is no operation called “{name}”.",
            f"Choose one of: {', '.join(operations())}.",
        ) from None
