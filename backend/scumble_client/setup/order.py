"""What an editor asks the process for: a task with everything that it needs to know, in one file."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

from .places import read_json, setup_dir, write_json
from .state import ORDER_FILE

AUTOMATIC = "auto"
"""Of `Order.index`: as pip is configured where that names places of its own, else the one that fits."""


@dataclass
class Order:
    """A task. Paths are absolute."""

    task: str
    python: str = ""
    """The Python, 3.10 or newer, of which the environment is made."""
    folder: str = ""
    """Where engines go."""
    compute: str = "cpu"
    """`cpu` or `cuda`."""
    cuda: str = ""
    """The newest CUDA that the driver knows, such as `12.8`; empty where it is not known."""
    index: str = AUTOMATIC
    """Where PyTorch comes from besides pip's own places: an address, empty for none, or `auto`."""
    wheel: str = ""
    constraints: str = ""
    version: str = ""
    """Of the wheel."""
    torch: str = ""
    """The version of PyTorch that it wants; empty for any."""
    config: str = ""
    """The folder of settings of the editor that asks: there its plugin looks for the daemon's command."""
    runtime: str = ""
    """The folder of the daemon's sockets, where it is not the usual one."""
    prefix: List[str] = field(default_factory=list)
    """Words before the daemon's command: out of a sandbox, what starts programs outside of it."""

    def as_dict(self) -> Dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Optional[Order]":
        """None where it is no order."""
        if not isinstance(raw.get("task"), str):
            return None
        made = cls(raw["task"])
        for one in fields(cls):
            value = raw.get(one.name)
            if type(value) is type(getattr(made, one.name)):
                setattr(made, one.name, value)
        return made

    def write(self, folder: Optional[Path] = None) -> Path:
        """The file that it was written to. Raises OSError."""
        folder = folder or setup_dir()
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / ORDER_FILE, self.as_dict())
        return folder / ORDER_FILE

    @classmethod
    def read(cls, path: Path) -> "Optional[Order]":
        return cls.from_dict(read_json(path))
