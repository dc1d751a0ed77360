"""The daemon that runs already, when another is to be started: whether it has the options that this one was given."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from scumble_client.errors import ScumbleError
from scumble_client.paths import CONNECTION_FILE, ConnectionFile


def given(options: argparse.Namespace, defaults: argparse.Namespace) -> dict[str, Any]:
    """Those options that are not at their defaults: what somebody wants of a daemon."""
    return {name: value for name, value in vars(options).items() if value != getattr(defaults, name)}


def options_of_running(runtime: Path) -> dict[str, Any] | None:
    """What the daemon that runs was given, as it has written beside its address; None while it can't be reached yet."""
    if ConnectionFile.read(runtime) is None:
        return None
    try:
        found = json.loads((runtime / CONNECTION_FILE).read_text("utf-8"))["extra"]["options"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def check_same(wanted: dict[str, Any], running: dict[str, Any]) -> None:
    """Raises ScumbleError `invalid_parameter`, and says what to do, where the daemon that runs lacks what is wanted."""
    lacking = {name: value for name, value in wanted.items() if not _has(running.get(name), value)}
    if lacking:
        raise ScumbleError(
            "invalid_parameter",
            f"A daemon is running already, and not with {_as_typed(lacking)}.",
            f"Stop it, then start it anew: scumble stop && scumble serve {_as_typed(wanted)}",
        )


def _has(running: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(running, list) and set(wanted) <= set(running)
    return bool(running == wanted)


def _as_typed(options: dict[str, Any]) -> str:
    words = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        values = (
            [flag] if value is True else [f"{flag} {one}" for one in (value if isinstance(value, list) else [value])]
        )
        words += values
    return " ".join(words)
