"""The operations that there are, as the daemon describes them; kept in a file, since menus are made before it answers."""

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from ..paths import config_dir

CATALOGUE_FILE = "operations.json"

_OPERATION = {"name": str, "title": str, "help": str, "roles": list, "parameters": list}
_ROLE = {"name": str, "title": str, "help": str}
_PRESET = {"title": str, "values": dict}
_PARAMETER = {"name": str, "title": str, "help": str, "type": str}


class Catalogue:
    """Operations by name, from the newest list at hand: the daemon's last one, or the one that the installer wrote.

    Parameters
    ----------
    installed
        The plugin's own folder, where the installer wrote its list.
    folder
        Where the daemon's list is kept; by default the configuration folder.
    """

    def __init__(self, installed: Path, folder: Optional[Path] = None) -> None:
        self._kept = (folder or config_dir()) / CATALOGUE_FILE
        self.operations: List[Dict[str, Any]] = []
        for path in (self._kept, installed / CATALOGUE_FILE):
            self.operations = _read(path)
            if self.operations:
                break

    def update(self, described: Any) -> bool:
        """Take over the daemon's list; whether anything has changed. What can't be read in it is left out."""
        fresh = usable(described)
        if not fresh or fresh == self.operations:
            return False
        self.operations = fresh
        write(self._kept, fresh)
        return True

    def find(self, name: str) -> Optional[Dict[str, Any]]:
        return next((o for o in self.operations if o["name"] == name), None)

    def shown(self, hidden: bool = False) -> List[Dict[str, Any]]:
        """Those for menus; with `hidden` also those that are for tests and measurements."""
        return [o for o in self.operations if hidden or not o.get("hidden")]


def usable(described: Any) -> List[Dict[str, Any]]:
    """The descriptions out of a list from outside that have all that the form needs."""
    if not isinstance(described, list):
        return []
    return [o for o in described if _fits(o, _OPERATION) and _whole(o)]


def _whole(operation: Dict[str, Any]) -> bool:
    roles = all(_fits(role, _ROLE) for role in operation["roles"])
    presets = all(_fits(preset, _PRESET) for preset in operation.get("presets", []))
    return roles and presets and all(_parameter(p) for p in operation["parameters"])


def _parameter(parameter: Any) -> bool:
    if not _fits(parameter, _PARAMETER) or "default" not in parameter:
        return False
    if parameter["type"] == "choice":
        return isinstance(parameter.get("choices"), list) and bool(parameter["choices"])
    if parameter["type"] == "grid":
        return all(isinstance(parameter.get(k), (int, float)) for k in ("rows", "columns", "minimum", "maximum"))
    return True


def _fits(value: Any, keys: Mapping[str, type]) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), kind) for key, kind in keys.items())


def _read(path: Path) -> List[Dict[str, Any]]:
    try:
        return usable(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return []


def write(path: Path, described: List[Dict[str, Any]]) -> None:
    """Keep a list; a folder that can't be written costs nothing but the memory of it."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(described, indent=1, ensure_ascii=False), "utf-8")
        os.replace(part, path)
    except OSError:
        pass
