"""How far setting up is, and which engine there is: one small file that the process writes and every editor reads."""

import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, Optional

from .places import read_json, setup_dir, write_json

STATE_FILE = "state.json"
LOG_FILE = "setup.log"
CANCEL_FILE = "cancel"
ORDER_FILE = "order.json"

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"

INSTALL, REPAIR, UPDATE, REMOVE = "install", "repair", "update", "remove"
TASKS = (INSTALL, REPAIR, UPDATE, REMOVE)


@dataclass
class State:
    """Of the last task, and of the engine that is in use."""

    task: str = ""
    """One of `TASKS`; empty before the first one."""
    phase: str = ""
    """`running`, `done`, `failed` or `cancelled`. One that runs and whose process is gone was interrupted: see `lock`."""
    step: str = ""
    """What is being done, as a sentence without its full stop."""
    fraction: float = 0.0
    """Of the whole, 0 to 1."""
    package: str = ""
    """The package that is being fetched."""
    bytes_done: int = 0
    bytes_total: int = 0
    """Of that package; 0 where it is not known."""
    packages_done: int = 0
    packages_total: int = 0
    """How many were fetched, and how many are known to be needed by now."""
    error: Dict[str, str] = field(default_factory=dict)
    """`message` and `hint` of what went wrong."""
    proof: Dict[str, Any] = field(default_factory=dict)
    """`picture`, a file with what was filled; `seconds`."""
    seen: bool = False
    """Whether the artist has confirmed the end."""
    engine: Dict[str, Any] = field(default_factory=dict)
    """`folder`, `version`, `torch`, `compute`, `bytes`, `command`: of the engine in use; empty where there is none."""
    order: Dict[str, Any] = field(default_factory=dict)
    """What was chosen last: see `order.Order`."""
    updated: float = 0.0

    @classmethod
    def read(cls, folder: Optional[Path] = None) -> "State":
        """What the file says; a new one where there is none, and for each part that is not what it should be."""
        raw = read_json((folder or setup_dir()) / STATE_FILE)
        made = cls()
        for one in fields(cls):
            value, usual = raw.get(one.name), getattr(made, one.name)
            if isinstance(usual, float) and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            if type(value) is type(usual):
                setattr(made, one.name, value)
        return made

    def write(self, folder: Optional[Path] = None) -> None:
        """Raises OSError."""
        self.updated = time.time()
        folder = folder or setup_dir()
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / STATE_FILE, asdict(self))

    def engine_path(self) -> Optional[Path]:
        folder = self.engine.get("folder")
        return Path(folder) if isinstance(folder, str) and folder else None
