"""GIMP's libraries in the versions that the plug-in is written for. `user_interface` loads those that need a display."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Optional, Tuple

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")

from gi.repository import Babl, Gegl, Gimp, Gio, GLib, GObject  # noqa: E402

Toolkit = Tuple[Any, Any]
"""GTK and GimpUi, whose types are not checked."""

__all__ = ["Babl", "GLib", "GObject", "Gegl", "Gimp", "Gio", "Toolkit", "user_interface"]


@lru_cache(maxsize=None)
def user_interface(name: str) -> Optional[Toolkit]:
    """GTK and GimpUi, made ready for the procedure of this name; None where there is no display."""
    try:
        gi.require_version("Gtk", "3.0")
        gi.require_version("GimpUi", "3.0")
        from gi.repository import GimpUi, Gtk
    except (ImportError, ValueError):
        return None
    if not Gtk.init_check([])[0]:
        return None
    GimpUi.init(name)
    return Gtk, GimpUi
