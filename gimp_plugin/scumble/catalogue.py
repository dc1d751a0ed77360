"""The operations that GIMP has registered: it asks once, and keeps their arguments until this folder changes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List

from scumble_client.editor.catalogue import Catalogue, usable

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "scumble.py"
REGISTERED = HERE / "registered.json"


def to_register() -> List[Dict[str, Any]]:
    """The newest descriptions; they are noted, since each run must declare the very arguments that GIMP knows."""
    operations = Catalogue(HERE).operations
    part = REGISTERED.with_name(f"{REGISTERED.name}.{os.getpid()}")
    try:
        part.write_text(json.dumps(operations), "utf-8")
        os.replace(part, REGISTERED)
    except OSError:
        return _installed()  # a folder for all users: what lies there never changes
    return operations


def registered() -> List[Dict[str, Any]]:
    """The descriptions that GIMP was told when it asked last."""
    try:
        return usable(json.loads(REGISTERED.read_text("utf-8")))
    except (OSError, ValueError):
        return _installed()


def _installed() -> List[Dict[str, Any]]:
    return Catalogue(HERE, HERE).operations


def refresh(described: Any) -> None:
    """Keep the daemon's list. Where it is another one, GIMP is made to ask again at its next start."""
    if Catalogue(HERE).update(described) and REGISTERED.exists():
        try:
            os.utime(SCRIPT)
        except OSError:
            pass  # then an update of Scumble brings the new ones
