"""Where the weights that an operation uses lie; which they were is stored with the layer."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .context import Context

if TYPE_CHECKING:
    from scumble.weights import Manifest


def weight_file(name: str, context: Context) -> Path:
    """The file of an entry of the manifest. Raises ScumbleError `weights_missing` where it is not here or damaged."""
    from scumble.weights import WeightStore

    store = WeightStore(manifest=_manifest())
    path = store.path(name)
    context.weights[name] = store.digest(name)
    return path


def is_here(name: str) -> bool:
    """Whether an entry's file can be used; no where there is no such entry."""
    from scumble.weights import WeightStore

    return name in _manifest() and WeightStore(manifest=_manifest()).status(name).state in ("embedded", "present")


def may_run(name: str, sha256: str) -> bool:
    """Whether a program with this SHA-256 may be run as an entry's: it is the published one, or the user has allowed it."""
    from scumble.weights import WeightStore

    return WeightStore(manifest=_manifest()).may_run(name, sha256)


@cache
def _manifest() -> Manifest:
    """Read once: a live brush asks at every stroke."""
    from scumble.weights import load_manifest

    return load_manifest()
