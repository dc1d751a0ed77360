"""`scumble install` and `scumble uninstall`: the plugins into the editors, and out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scumble.installers import EDITORS, KRITA, NAME, Editor
from scumble_client.errors import ScumbleError

from .console import out


def install(name: str, zip_file: Path | None, resources: Path | None) -> None:
    """Install an editor's plugin, or only write its archive. Raises ScumbleError."""
    editor = _editor(name)
    if zip_file is not None:
        _write_zip(editor, zip_file)
        return
    homes = [editor.given(resources)] if resources else editor.present()
    editor.install(homes)
    for home in homes:
        out.print(f"Installed: {home.plugins / NAME}")
        if home.kind == "flatpak":
            out.print(f"A flatpak may not start programs outside of it. To allow {editor.title} that, once:")
            out.print(f"  flatpak override --user --talk-name=org.freedesktop.Flatpak {editor.flatpak}")
            out.print(f"Or start the daemon yourself before {editor.title}, with: scumble serve")
    out.print(editor.afterwards)


def _write_zip(editor: Editor[Any], path: Path) -> None:
    if editor is not KRITA:
        raise ScumbleError(
            "invalid_parameter",
            f"{editor.title} does not import archives.",
            f"Install it directly: scumble install {editor.name}",
        )
    KRITA.write_zip(path)
    out.print(f"Written: {path}")
    out.print("In Krita: Tools ▸ Scripts ▸ Import Python Plugin from File; then start Krita again.")


def uninstall(name: str, resources: Path | None) -> None:
    """Remove an editor's plugin and all that belongs to it. Raises ScumbleError."""
    editor = _editor(name)
    found = editor.uninstall([editor.given(resources)] if resources else editor.present())
    out.print("Removed." if found else "It was not installed.")


def _editor(name: str) -> Editor[Any]:
    if name not in EDITORS:
        raise ScumbleError(
            "invalid_parameter", f"Scumble has no plugin for “{name}”.", f"It has one for: {', '.join(EDITORS)}."
        )
    return EDITORS[name]
