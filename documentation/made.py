"""The pages that are made when the site is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from . import command_line, gallery


def _modules() -> str:
    return (Path(__file__).parent / "modules.md").read_text(encoding="utf-8")


MADE: Mapping[str, Callable[[], str]] = {
    "command-line.md": command_line.page,
    "gallery.md": gallery.page,
    "modules.md": _modules,
}
"""By their place in the site."""
