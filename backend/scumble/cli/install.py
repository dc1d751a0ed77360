"""`scumble install` and `scumble uninstall`: the plugins into the editors, and out again."""

from __future__ import annotations

from pathlib import Path

from scumble.installers import gimp, gimp_places, krita
from scumble.installers.krita_places import FLATPAK, given, present
from scumble_client.errors import ScumbleError

from .console import out

EDITORS = ("krita", "gimp")


def install(editor: str, zip_file: Path | None, resources: Path | None) -> None:
    """Install an editor's plugin, or only write its archive. Raises ScumbleError."""
    _check(editor)
    if editor == "gimp":
        _install_gimp(zip_file, resources)
        return
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
            _say_flatpak("Krita", FLATPAK)
    out.print("Start Krita again. Then: Tools ▸ Scripts ▸ Scumble; the docker is under Settings ▸ Dockers.")


def _install_gimp(zip_file: Path | None, resources: Path | None) -> None:
    if zip_file is not None:
        raise ScumbleError(
            "invalid_parameter", "GIMP does not import archives.", "Install it directly: scumble install gimp"
        )
    places = [gimp_places.given(resources)] if resources else gimp_places.present()
    gimp.install(places)
    for place in places:
        out.print(f"Installed: {place.plugins / gimp.NAME}")
        if place.kind == "flatpak":
            _say_flatpak("GIMP", gimp_places.FLATPAK)
    out.print("Start GIMP again. Then: Filters ▸ Scumble.")


def _say_flatpak(editor: str, application: str) -> None:
    out.print(f"A flatpak may not start programs outside of it. To allow {editor} that, once:")
    out.print(f"  flatpak override --user --talk-name=org.freedesktop.Flatpak {application}")
    out.print(f"Or start the daemon yourself before {editor}, with: scumble serve")


def uninstall(editor: str, resources: Path | None) -> None:
    """Remove an editor's plugin and all that belongs to it. Raises ScumbleError."""
    _check(editor)
    if editor == "gimp":
        found = gimp.uninstall([gimp_places.given(resources)] if resources else gimp_places.present())
    else:
        found = krita.uninstall([given(resources)] if resources else present())
    out.print("Removed." if found else "It was not installed.")


def _check(editor: str) -> None:
    if editor not in EDITORS:
        raise ScumbleError(
            "invalid_parameter", f"Scumble has no plugin for “{editor}”.", f"It has one for: {', '.join(EDITORS)}."
        )
