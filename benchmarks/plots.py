"""The benchmarks' plots, each out of figures that say where they are drawn, with the spread of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import Figure

TITLES = {
    "usual": "Start and transport against the usual way",
    "looks": "Fills of held-out pictures, beside other programs",
    "cost": "What a fill costs against the size of the picture",
}
"""By the picture's name: what it shows."""

OURS, OTHERS = "#c8553d", "#8a97a6"
COLOURS = ("#c8553d", "#2b5d8a", "#4c7a5a", "#a6791f")


def draw(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Draw what the figures allow into `folder`, as PNG; the files. matplotlib comes with `scumble[bench]`."""
    kinds: dict[str, tuple[tuple[str, ...], Callable[[list[list[Figure]]], Any]]] = {
        "usual": (("start", "transport"), _usual),
        "looks": (("looks-photos", "looks-art"), _looks),
        "cost": (("cost",), _cost),
    }
    made = []
    for name, (places, panel) in kinds.items():
        groups = [[f for f in figures if f.place and f.place[0] == place] for place in places]
        groups = [group for group in groups if group]
        if groups:
            path = folder / f"{name}.png"
            panel(groups).savefig(path)
            made.append(path)
    return made


def _page(width: float, height: float) -> Any:
    from matplotlib.figure import Figure as Page

    return Page(figsize=(width, height), dpi=120, layout="constrained")


def _bars(panel: Any, group: list[Figure], unit: str, scale: str) -> None:
    """A bar for each figure, with a line over the middle half of its measurements."""
    for row, figure in enumerate(reversed(group)):
        assert figure.place is not None
        name = figure.place[1]
        panel.barh(row, figure.value, color=OURS if "Scumble" in name else OTHERS, height=0.62)
        low, high = figure.spread or (figure.value, figure.value)
        panel.plot([low, high], [row, row], color="#1d2b3b", linewidth=2.2, solid_capstyle="butt")
        panel.annotate(
            f"{figure.value:.0f}" if figure.value >= 100 else f"{figure.value:.3g}",
            (max(high, figure.value), row),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    panel.set_yticks(range(len(group)), [f.place[1] for f in reversed(group) if f.place], fontsize=9)
    panel.set_xscale(scale)
    panel.xaxis.set_major_formatter("{x:g}")
    panel.set_xlabel(unit, fontsize=9)
    panel.tick_params(axis="x", labelsize=8)
    panel.grid(axis="x", alpha=0.3)
    panel.margins(x=0.18)
    panel.spines[["top", "right"]].set_visible(False)


def _usual(groups: list[list[Figure]]) -> Any:
    page = _page(9, 1 + 0.45 * sum(map(len, groups)) + 0.5 * len(groups))
    panels = page.subplots(len(groups), 1, squeeze=False, height_ratios=[len(group) for group in groups])[:, 0]
    for panel, group in zip(panels, groups, strict=True):
        start = group[0].place is not None and group[0].place[0] == "start"
        title = "Until a first answer" if start else "A layer of 4096 × 4096 pixels, there and back"
        panel.set_title(title, fontsize=11, loc="left")
        unit = "milliseconds" if start else "seconds"
        _bars(panel, group, f"{unit} (each step ten times as long); bar: median, line: half of all measurements", "log")
    return page


def _looks(groups: list[list[Figure]]) -> Any:
    page = _page(9, 1 + 0.4 * sum(map(len, groups)))
    panels = page.subplots(len(groups), 1, squeeze=False)[:, 0]
    for panel, group in zip(panels, groups, strict=True):
        assert group[0].place is not None
        kind = "photographs" if group[0].place[0] == "looks-photos" else "drawings"
        panel.set_title(f"{len(group[0].samples)} held-out {kind}", fontsize=11, loc="left")
        ordered = sorted(group, key=lambda figure: figure.value)
        _bars(
            panel,
            ordered,
            "distance of patches to the picture's own (less is better); bar: mean, line: half of all",
            "linear",
        )
    return page


def _cost(groups: list[list[Figure]]) -> Any:
    page = _page(7.5, 4.6)
    panel = page.add_subplot()
    lines: dict[str, list[Figure]] = {}
    for figure in groups[0]:
        if figure.place:
            lines.setdefault(figure.place[1], []).append(figure)
    for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
        line.sort(key=lambda figure: figure.place[2] if figure.place else 0)
        sizes = [figure.place[2] for figure in line if figure.place]
        low = [min(figure.samples, default=figure.value) for figure in line]
        high = [max(figure.samples, default=figure.value) for figure in line]
        panel.fill_between(sizes, low, high, color=colour, alpha=0.2, linewidth=0)
        panel.plot(sizes, [figure.value for figure in line], color=colour, marker="o", markersize=4, label=name)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xticks(sorted({f.place[2] for f in groups[0] if f.place}), minor=False)
    panel.minorticks_off()
    panel.xaxis.set_major_formatter("{x:.2g}")
    panel.yaxis.set_major_formatter("{x:g}")
    panel.set_xlabel("megapixels; a hole of 5 %")
    panel.set_ylabel("seconds: median, least and most")
    panel.grid(alpha=0.3)
    panel.legend(frameon=False)
    panel.spines[["top", "right"]].set_visible(False)
    return page
