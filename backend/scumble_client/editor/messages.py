"""Sentences that both editors show about the daemon: one line on its state."""

from typing import Any, Mapping, Optional

from ..errors import ScumbleError
from ..setup.state import State


def daemon_line(state: str, status: Optional[Mapping[str, Any]] = None, error: Optional[ScumbleError] = None) -> str:
    """One line: `state` is the client's, `status` the daemon's last answer to `status`, `error` why it is off."""
    if state == "off":
        return f"Daemon: off. {error.message}" if error else "Daemon: off"
    if state == "starting":
        return "Daemon: starting"
    if state == "connecting":
        return "Daemon: connecting"
    workers = (status or {}).get("workers") or []
    ready = [w for w in workers if w.get("state") not in ("starting", "dead")]
    if not ready:
        return "Daemon: warming up"
    names = ", ".join(sorted({str(w.get("name", "?")) for w in ready}))
    waiting = len((status or {}).get("jobs") or [])
    return f"Daemon: {names}" + (f", {waiting} in the queue" if waiting > 1 else "")


def sentence(error: ScumbleError, doctor: str = "Press ⋯ in the docker, then “What Is Wrong?”.") -> str:
    """What is wrong and what to do, for a message that goes away by itself.

    Who has set the engine up from an editor has no command in a terminal: `doctor` says where its findings are instead.
    """
    if "scumble doctor" in error.hint and State.read().engine:
        return f"{error.message} {doctor}"
    return str(error)


STARTING = "Scumble starts its daemon: the first time takes some seconds."
DAEMON_OFF = ("Scumble's daemon is off.", "Press “Start” in the docker.")
NOT_SET_UP = (
    "Scumble's engine is not set up yet.",
    "Press “Set Up Scumble” in the docker: Settings ▸ Dockers ▸ Scumble.",
)
NOTHING_TO_RUN = ("The active layer was not made by Scumble.", "Click on one that was.")
LIVE_GONE = "The live layer was removed, so live mode is off."
NOTHING_TO_CANCEL = "Nothing is running."
NOTHING_SELECTED = "Nothing is selected."
NOTHING_CHANGED = "Nothing was changed, so there is no new layer."
CLOSED = "The picture was closed before the layer came."
