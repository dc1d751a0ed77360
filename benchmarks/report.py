"""What a benchmark says: figures, each beside its reference of the same run and the bound that it should keep."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
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
    samples
        The single measurements, in `unit`; the page gives their quartiles.
    place
        Where it is drawn: the picture's name, the line or bar, and the position on the line (0 for bars).
    """

    what: str
    value: float
    unit: str = ""
    bound: float | None = None
    sense: Literal["at least", "at most"] = "at most"
    detail: str = ""
    samples: tuple[float, ...] = ()
    place: tuple[str, str, float] | None = None

    @property
    def spread(self) -> tuple[float, float] | None:
        """The first and third quartile of the samples; None where there are fewer than two."""
        if len(self.samples) < 2:
            return None
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return low, high

    @property
    def met(self) -> bool | None:
        if self.bound is None:
            return None
        return self.value >= self.bound if self.sense == "at least" else self.value <= self.bound


def as_markdown(figures: Sequence[Figure]) -> str:
    lines = ["| figure | measured | half of all within | wanted | met | behind it |", "|---|---|---|---|---|---|"]
    for f in figures:
        wanted = "" if f.bound is None else f"{f.sense} {f.bound:g} {f.unit}".strip()
        met = {None: "", True: "yes", False: "**no**"}[f.met]
        spread = f"{f.spread[0]:.3g} to {f.spread[1]:.3g}, of {len(f.samples)}" if f.spread else ""
        row = f"| {f.what} | {f.value:.3g} {f.unit} | {spread} | {wanted} | {met} | {f.detail} |"
        lines.append(row.replace("  ", " "))
    return "\n".join(lines)


def commit() -> str:
    """The commit that is measured, with a `+` where files differ from it; `unknown` outside of a checkout."""
    git = ("git", "-C", str(Path(__file__).parent))
    try:
        name = subprocess.run(
            [*git, "rev-parse", "--short=10", "HEAD"], check=True, capture_output=True, text=True
        ).stdout
        changed = subprocess.run(
            [*git, "status", "--porcelain", "-uno"], check=True, capture_output=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name.strip() + ("+" if changed.strip() else "")


def machine() -> str:
    """One line about where the figures come from."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            model = next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores, Python {platform.python_version()}"
