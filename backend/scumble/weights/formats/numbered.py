"""How many numbered parts a network has, by the names of its weights."""

from __future__ import annotations

import re
from collections.abc import Iterable


def count(names: Iterable[str], pattern: str) -> int:
    """How many different numbers the pattern's group finds at the names' beginnings."""
    return len({found.group(1) for name in names if (found := re.match(pattern, name))})
