"""Scumble: neural networks as layers inside Krita and GIMP.

This package is the daemon's side: layers, operations, the broker and its workers. It imports
nothing heavy by itself, because the broker has to answer within milliseconds of its start.
"""

from scumble_client.version import __version__

__all__ = ["__version__"]
