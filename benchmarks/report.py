"""What a benchmark says: figures, each beside its reference of the same run and the bound that it should keep."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes
    ----------
    what
        What was measured, in words.
    value
        The measured ratio or amount, in `unit`.
    bound
        What `value` should be at least or at most; None where it only stands for comparison.
    detail
        The measurements behind the value, side by side.
    """

    what: str
    value: float
    unit: str = ""
    bound: float | None = None
    sense: Literal["at least", "at most"] = "at most"
    detail: str = ""

    @property
    def met(self) -> bool | None:
        if self.bound is None:
            return None
        return self.value >= self.bound if self.sense == "at least" else self.value <= self.bound


def as_markdown(figures: Sequence[Figure]) -> str:
    lines = ["| figure | measured | wanted | met | behind it |", "|---|---|---|---|---|"]
    for f in figures:
        wanted = "" if f.bound is None else f"{f.sense} {f.bound:g} {f.unit}".strip()
        met = {None: "", True: "yes", False: "**no**"}[f.met]
        lines.append(f"| {f.what} | {f.value:.3g} {f.unit} | {wanted} | {met} | {f.detail} |".replace("  ", " "))
    return "\n".join(lines)


def machine() -> str:
    """One line about where the figures come from."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            model = next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores, Python {platform.python_version()}"
