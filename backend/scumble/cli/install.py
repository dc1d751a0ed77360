"""`scumble install` and `scumble uninstall`: the plugins into the editors, and out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scumble.installers import EDITORS, KRITA, NAME, Editor
from scumble_client.errors import ScumbleError

from .console import out


def install(name: str, zip_file: Path | None, resources: Path | None, dry_run: bool = False) -> None:
    """Install an editor's plugin, or only write its archive. Raises ScumbleError."""
    editor = _editor(name)
    if zip_file is not None:
        _write_zip(editor, zip_file, dry_run)
        return
    homes = [editor.given(resources)] if resources else editor.present()
    if dry_run:
        for home in homes:
            for target in editor.targets(home).values():
                out.print(f"Would {'replace' if target.exists() else 'write'} {target}.")
        if not homes:
            out.print(f"{editor.title} was not found: name its folder with --resources.")
        return
    editor.install(homes)
    for home in homes:
        out.print(f"Installed: {home.plugins / NAME}")
        if home.kind == "flatpak":
            out.print(f"A flatpak may not start programs outside of it. To allow {editor.title} that, once:")
            out.print(f"  flatpak override --user --talk-name=org.freedesktop.Flatpak {editor.flatpak}")
            out.print(f"Or start the daemon yourself before {editor.title}, with: scumble serve")
    out.print(editor.afterwards)


def _write_zip(editor: Editor[Any], path: Path, dry_run: bool) -> None:
    if editor is not KRITA:
        raise ScumbleError(
            "invalid_parameter",
            f"{editor.title} does not import archives.",
            f"Install it directly: scumble install {editor.name}",
        )
    if dry_run:
        out.print(f"Would write {path}.")
        return
    KRITA.write_zip(path)
    out.print(f"Written: {path}")
    out.print("In Krita: Tools ▸ Scripts ▸ Import Python Plugin from File; then start Krita again.")


def uninstall(name: str, resources: Path | None, dry_run: bool = False) -> None:
    """Remove an editor's plugin and all that belongs to it. Raises ScumbleError."""
    editor = _editor(name)
    homes = [editor.given(resources)] if resources else editor.present()
    if dry_run:
        targets = [target for home in editor.everywhere(homes) for target in editor.targets(home).values()]
        there = [target for target in targets if target.exists()]
        for target in there:
            out.print(f"Would remove {target}.")
        if not there:
            out.print("It is not installed.")
        return
    found = editor.uninstall(homes)
    out.print("Removed." if found else "It was not installed.")


def _editor(name: str) -> Editor[Any]:
    if name not in EDITORS:
        raise ScumbleError(
            "invalid_parameter", f"Scumble has no plugin for “{name}”.", f"It has one for: {', '.join(EDITORS)}."
        )
    return EDITORS[name]
