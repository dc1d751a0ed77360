"""What `scumble doctor` says about GIMP: whether the plug-in is whole, new, can be started, and is registered."""

from __future__ import annotations

import re
from collections.abc import Mapping

from scumble_client.errors import ScumbleError
from scumble_client.version import __version__

from .gimp import NAME, SCRIPT, Installed, inspect
from .gimp_places import Place, present

AGAIN = "Install it again: scumble install gimp"


def check(environment: Mapping[str, str] | None = None, places: list[Place] | None = None) -> str:
    """One sentence where all is well, or where there is no GIMP 3; else ScumbleError with what to do."""
    places = present(environment) if places is None else places
    if not places:
        return "not on this machine"
    here = [one for one in map(inspect, places) if one.here]
    if not here:
        return "found, without the plug-in; to have it: scumble install gimp"
    waiting = False
    for one in here:
        _check_files(one)
        waiting = not _check_registered(one) or waiting
    said = "the plug-in is in " + ", ".join(str(one.place.plugins) for one in here)
    return said + ("; GIMP will register it at its next start" if waiting else ", and GIMP has registered it")


def _check_files(one: Installed) -> None:
    if one.missing:
        raise ScumbleError("internal", f"The plug-in is not whole: {one.missing[0]} is missing.", AGAIN)
    if one.version != __version__:
        raise ScumbleError("version_mismatch", f"The plug-in is version {one.version}, this is {__version__}.", AGAIN)
    if not one.executable:
        script = one.place.plugins / NAME / SCRIPT
        raise ScumbleError("internal", f"GIMP ignores the plug-in, since {script} is not executable.", AGAIN)


def _check_registered(one: Installed) -> bool:
    """Whether GIMP knows the plug-in; False where it has not been started since. ScumbleError where it refused it."""
    script = one.place.plugins / NAME / SCRIPT
    try:
        text = one.place.pluginrc.read_text("utf-8", "replace")
        asked_since = one.place.pluginrc.stat().st_mtime >= script.stat().st_mtime
    except OSError:
        return False
    # (plug-in-def "…/plug-ins/scumble/scumble.py" 1700000000 …: its procedures follow
    entry = re.search(r'\(plug-in-def "[^"]*[/\\]scumble[/\\]scumble\.py"(.*?)(?=\n\(plug-in-def |\Z)', text, re.DOTALL)
    if entry and '(proc-def "scumble-' in entry.group(1):
        return True
    if not asked_since:
        return False
    raise ScumbleError(
        "internal",
        "GIMP has seen the plug-in and could not register it.",
        "Start GIMP from a terminal and read what it says about scumble.py: mostly its Python lacks “gi”.",
    )
