"""Which operations there are: those of Scumble's own rooms, and those of an add-on.

Importing an operation's file is cheap: torch is imported when it runs. Operations of a studio's own come from the modules
that `SCUMBLE_OPERATIONS` names, separated by commas.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from types import ModuleType
from typing import Any

from scumble_client.errors import ScumbleError

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


@cache
def operations() -> dict[str, Operation[Any]]:
    """All operations by name, in alphabetical order."""
    names = [*OWN, *filter(None, os.environ.get("SCUMBLE_OPERATIONS", "").split(","))]
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
        if name in OWN:
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
