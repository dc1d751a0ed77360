"""What some files need besides Scumble itself: an optional package of the environment in which it computes.

An engine that was set up from an editor gets it together with the file; elsewhere a sentence says what to do.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys

from scumble_client.setup.parts import Part, is_here, own_engine

__all__ = ["ONNX", "Part", "comes_along", "hint", "is_here", "missing", "part_for", "sentence"]

ONNX = ".onnx"
_MODULES = {ONNX: "onnxruntime"}
"""By the suffix of a file: the module that runs it; the extra of Scumble's own that asks for it is called as the suffix."""

_SIZES = {"onnxruntime": "about 30 MB"}
"""With what it needs in turn: measured with 1.32 on Linux."""


def part_for(file: str) -> Part | None:
    """What a file of weights needs besides, be it here or not; None where that is nothing."""
    for suffix, module in _MODULES.items():
        if file.endswith(suffix):
            return Part(module, _requirement(suffix[1:], module))
    return None


def _requirement(extra: str, module: str) -> str:
    """As Scumble's own package names it, so that the version fits; the bare name where it does not."""
    try:
        named = importlib.metadata.requires("scumble") or []
    except importlib.metadata.PackageNotFoundError:
        named = []
    for line in named:
        asked, _, marker = line.partition(";")
        if re.search(rf"extra\s*==\s*['\"]{extra}['\"]", marker) and re.match(rf"{module}\b", asked):
            return asked.strip()
    return module


def missing(file: str) -> Part | None:
    """What a file needs and is not here."""
    part = part_for(file)
    return part if part is not None and not is_here(part.module) else None


def comes_along(part: Part) -> bool:
    """Whether fetching a file brings the part, too."""
    return own_engine() is not None


def sentence(part: Part) -> str:
    """What is needed besides, and who brings it."""
    if comes_along(part):
        return f"With it comes {part.module}, which runs it: {_SIZES[part.module]}."
    return f"It also needs {part.module}, which has to be installed where Scumble computes. In a terminal there: {command(part)}"


def hint(part: Part) -> str:
    """What to do where a run lacks it."""
    if comes_along(part):
        return "Choose the weights in the docker or the dialog and press “Get It”; or choose other weights."
    return f"Install it there: {command(part)}; or choose other weights."


def command(part: Part) -> str:
    """For a terminal: what installs it into an environment that somebody has made."""
    return f"{sys.executable} -m pip install {part.module}"
