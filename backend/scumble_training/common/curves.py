"""The curves of a training: its file of figures as a table (CSV) that every program reads, and as a picture (PNG)."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, float]

NOT_DRAWN = frozenset({"step", "seconds"})


def read(figures: Path) -> list[Row]:
    """The rows of a file of figures, one for each step, by step.

    A training that was stopped repeats what came after its last checkpoint: of two rows of one step the later counts. What is no number is
    left out, and so is a line that was cut off when the power went.
    """
    rows: dict[float, Row] = {}
    for number, line in enumerate(figures.read_text(encoding="utf-8").splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if not isinstance(found, dict):
            continue
        row = {str(name): float(value) for name, value in found.items() if isinstance(value, (int, float))}
        rows[row.setdefault("step", float(number))] = row
    return [rows[step] for step in sorted(rows)]


def write_table(figures: Path) -> Path:
    """Write `NAME.csv` beside `NAME.jsonl`: a row for each step, an empty cell where a figure was not taken."""
    rows = read(figures)
    names = ["step", *dict.fromkeys(name for row in rows for name in row if name != "step")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([f"{row[name]:.10g}" if name in row else "" for name in names] for row in rows)
    table = figures.with_suffix(".csv")
    unfinished = table.with_name(f"{table.name}.part")
    unfinished.write_text(text.getvalue(), encoding="utf-8")
    unfinished.replace(table)
    return table


def draw(figures: Path) -> Path | None:
    """Draw `NAME.png` beside `NAME.jsonl`: a panel for each figure over the steps. None where there are not two points of anything.

    Raises
    ------
    ImportError
        Where matplotlib is not here.
    """
    rows = read(figures)
    names = dict.fromkeys(name for row in rows for name in row if name not in NOT_DRAWN)
    series = {name: _points(rows, name) for name in names}
    series = {name: points for name, points in series.items() if len(points) > 1}
    if not series:
        return None
    from matplotlib.figure import Figure

    columns = min(3, len(series))
    lines = math.ceil(len(series) / columns)
    page = Figure(figsize=(4.4 * columns, 2.9 * lines), dpi=110, layout="constrained")
    for number, (name, points) in enumerate(series.items()):
        panel: Any = page.add_subplot(lines, columns, number + 1)
        steps, values = zip(*points, strict=True)
        panel.plot(steps, values, color="#2b5d8a", linewidth=1.6, marker="o" if len(points) < 40 else "", markersize=3)
        # losses fall by orders of magnitude: a straight scale would show their beginning alone
        if min(values) > 0 and max(values) > 30 * min(values):
            panel.set_yscale("log")
        panel.set_title(f"{name.replace('_', ' ')}: {values[-1]:.4g}", fontsize=10, loc="left")
        panel.set_xlabel("step", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    picture = figures.with_suffix(".png")
    page.savefig(picture)
    return picture


def finish(folder: Path) -> tuple[Sequence[Path], bool]:
    """Tables and pictures of all figures in a training's folder; the files, and whether pictures could be drawn."""
    made: list[Path] = []
    drawn = True
    for figures in sorted(folder.glob("*.jsonl")):
        made.append(write_table(figures))
        try:
            picture = draw(figures)
        except ImportError:
            drawn = False
        else:
            made += [picture] if picture else []
    return made, drawn


def _points(rows: Sequence[Row], name: str) -> list[tuple[float, float]]:
    return [(row["step"], row[name]) for row in rows if name in row and math.isfinite(row[name])]
