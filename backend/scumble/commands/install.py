"""`scumble install` and `scumble uninstall`: the plugins into the editors, and out again."""

from __future__ import annotations

from pathlib import Path

from scumble.installers import krita
from scumble.installers.krita_places import FLATPAK, given, present
from scumble_client.errors import ScumbleError

from .console import out

EDITORS = ("krita",)


def install(editor: str, zip_file: Path | None, resources: Path | None) -> None:
    """Install an editor's plugin, or only write its archive. Raises ScumbleError."""
    _check(editor)
    if zip_file is not None:
        krita.write_zip(zip_file)
        out.print(f"Written: {zip_file}")
        out.print("In Krita: Tools ▸ Scripts ▸ Import Python Plugin from File; then start Krita again.")
        return
    places = [given(resources)] if resources else present()
    krita.install(places)
    for place in places:
        out.print(f"Installed: {place.plugins / krita.NAME}")
        if place.kind == "flatpak":
            out.print("A flatpak may not start programs outside of it. To allow Krita that, once:")
            out.print(f"  flatpak override --user --talk-name=org.freedesktop.Flatpak {FLATPAK}")
            out.print("Or start the daemon yourself before Krita, with: scumble serve")
    out.print("Start Krita again. Then: Tools ▸ Scripts ▸ Scumble; the docker is under Settings ▸ Dockers.")


def uninstall(editor: str, resources: Path | None) -> None:
    """Remove an editor's plugin and all that belongs to it. Raises ScumbleError."""
    _check(editor)
    found = krita.uninstall([given(resources)] if resources else present())
    out.print("Removed." if found else "It was not installed.")


def _check(editor: str) -> None:
    if editor not in EDITORS:
        raise ScumbleError(
            "invalid_parameter", f"Scumble has no plugin for “{editor}”.", f"It has one for: {', '.join(EDITORS)}."
        )
