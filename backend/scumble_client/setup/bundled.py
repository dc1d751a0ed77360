"""What a plugin out of a release has with it: the engine's wheel, of the very version of the plugin, and the versions it needs."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

ENGINE = "engine"
"""The folder with both, in the plugin's own."""

CONSTRAINTS = "constraints.txt"


@dataclass(frozen=True)
class Bundle:
    """The engine that came along."""

    wheel: Path
    constraints: Path
    """May not be there: then the newest versions are taken."""
    version: str

    @property
    def torch(self) -> str:
        """The version of PyTorch that it was tested with; empty where that is not said."""
        try:
            found = re.search(r"^torch==([0-9.]+)", self.constraints.read_text("utf-8"), re.MULTILINE)
        except OSError:
            return ""
        return found.group(1) if found else ""


def bundled(plugin: Path) -> Optional[Bundle]:
    """The engine that came along with the plugin in this folder; None where none did."""
    for wheel in sorted((plugin / ENGINE).glob("scumble-*.whl")):
        found = re.match(r"scumble-([^-]+)-", wheel.name)
        if found:
            return Bundle(wheel, plugin / ENGINE / CONSTRAINTS, found.group(1))
    return None
