"""Parts that an engine can do without: packages that are added to its environment later. Which it has, and whose engine this is.

`adding` adds them. Only engines that were set up from an editor are meant.
"""

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from . import places

PARTS = "parts.json"
"""In an engine's folder: the parts that it has, and what was asked of the index for each."""

ADDING = "adding.json"
"""There while one is added: what was in the environment before."""


@dataclass(frozen=True)
class Part:
    """A package: the module by which it is known, and what an index is asked for."""

    module: str
    requirement: str


def own_engine(prefix: str = sys.prefix) -> Optional[Path]:
    """The folder of the engine whose Python this is (`sys.prefix`); None where it was not set up from an editor."""
    engine = Path(prefix).parent
    return engine if Path(prefix).name == "env" and (engine / places.MARKER).is_file() else None


def is_here(module: str, prefix: str = sys.prefix) -> bool:
    """Whether a part can be loaded by this Python. One that is just being added, or was left half-done, can't."""
    engine = own_engine(prefix)
    if engine is not None and (engine / ADDING).exists():
        return False
    importlib.invalidate_caches()
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def parts_of(engine: Path) -> List[Part]:
    """What was added to an engine."""
    noted = places.read_json(engine / PARTS)
    return [Part(name, asked) for name, asked in noted.items() if isinstance(asked, str)]
