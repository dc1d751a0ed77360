"""Putting the plugins into the editors, checking them, and taking them out again."""

from typing import Any

from .editor import NAME, Editor
from .gimp import GIMP
from .krita import KRITA

EDITORS: dict[str, Editor[Any]] = {editor.name: editor for editor in (KRITA, GIMP)}
"""Every editor that there is a plugin for, by name."""

__all__ = ["EDITORS", "GIMP", "KRITA", "NAME", "Editor"]
