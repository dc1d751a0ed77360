"""Scumble: neural networks as layers inside Krita and GIMP.

This package is the daemon's side: layers, operations, the broker and its workers. It imports
nothing heavy by itself, because the broker has to answer within milliseconds of its start.
"""

from __future__ import annotations

__version__: str


def __getattr__(name: str) -> str:
    """The version, looked up when somebody asks: the command line's beginning must not wait for the client's modules."""
    if name == "__version__":
        from scumble_client.version import __version__ as found

        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
