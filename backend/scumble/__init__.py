"""Scumble: neural networks as layers inside Krita and GIMP.

For scripts: `scumble.connect()` and what `scumble.scripting` lists beside it (docs/api.md). Importing this package imports nothing heavy:
names are looked up when they are used, because the broker has to answer within milliseconds of its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scumble_client.version import __version__

    from .scripting import (
        AsyncDaemon,
        AsyncJob,
        Bounds,
        Daemon,
        Engine,
        Job,
        Layer,
        Local,
        Operation,
        Parameter,
        Preset,
        Role,
        ScumbleError,
        connect,
        connect_async,
        local,
    )

__all__ = [
    "AsyncDaemon",
    "AsyncJob",
    "Bounds",
    "Daemon",
    "Engine",
    "Job",
    "Layer",
    "Local",
    "Operation",
    "Parameter",
    "Preset",
    "Role",
    "ScumbleError",
    "__version__",
    "connect",
    "connect_async",
    "local",
]


def __getattr__(name: str) -> Any:
    """A name of `__all__`, imported now."""
    if name == "__version__":  # the command line's beginning must not wait for more
        from scumble_client.version import __version__ as found

        return found
    if name in __all__:
        from importlib import import_module

        value = getattr(import_module("scumble.scripting"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
