"""`make bench`: what is kept is not measured again, each figure has its spread, the page names commit and machine, plots are drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.report import Figure, as_markdown, commit, machine
from PIL import Image

from benchmarks import __main__ as bench
from benchmarks import plots

FIGURES = [
    Figure(
        "cold", 200, "ms", 400, samples=(180, 190, 200, 210, 300), place=("start", "Scumble's daemon is started", 0)
    ),
    Figure("torch", 2000, "ms", samples=(1900.0, 2000.0, 2100.0), place=("start", "a process that imports PyTorch", 0)),
    Figure("echo", 0.2, "s", samples=(0.2, 0.3), place=("transport", "detailed: Scumble", 0)),
    *(Figure(f"auto {x}", x, "s", samples=(x, 2 * x), place=("cost", "auto", x)) for x in (0.25, 1.0, 4.0)),
    *(
        Figure(n, v, samples=(v, v + 1), place=("looks-photos", n, 0))
        for n, v in (("Scumble auto", 20.0), ("G'MIC", 30.0))
    ),
]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which parts were measured; the second one fails."""
    seen: list[str] = []

    def good(scope: bench.Scope) -> bench.Measured:
        seen.append("good")
        return FIGURES, "| a | table |"

    def bad(scope: bench.Scope) -> bench.Measured:
        seen.append("bad")
        raise RuntimeError("no such thing")

    monkeypatch.setattr(bench, "PARTS", {"good": ("Good ones", good), "bad": ("Bad ones", bad)})
    monkeypatch.setattr(plots, "draw", lambda figures, folder: [])
    return seen


def gather(folder: Path, again: bool = False) -> list[Figure]:
    return bench.gather(["good", "bad"], bench.Scope(folder, quick=True), folder / "kept", folder, again)


def test_what_is_kept_is_not_measured_again(calls: list[str], tmp_path: Path) -> None:
    assert gather(tmp_path) == FIGURES
    assert gather(tmp_path) == FIGURES  # as it was read back
    assert calls == ["good", "bad", "bad"]
    gather(tmp_path, again=True)
    assert calls.count("good") == 2


def test_the_page_names_commit_machine_and_what_failed(calls: list[str], tmp_path: Path) -> None:
    gather(tmp_path)
    text = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert f"commit {commit()}, {machine()}" in text
    assert "## Bad ones\n\nNot measured: RuntimeError." in text
    assert "| a | table |" in text


def test_a_figure_has_its_spread() -> None:
    assert FIGURES[0].spread == (190, 210)
    assert Figure("one", 1.0, samples=(1.0,)).spread is None
    assert "| 190 to 210, of 5 | at most 400 ms | yes |" in as_markdown(FIGURES)


def test_every_plot_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    made = plots.draw(FIGURES, tmp_path)
    assert [path.stem for path in made] == list(plots.TITLES)
    for path in made:
        picture = Image.open(path)
        assert min(picture.size) > 200
        assert len(picture.convert("L").getcolors(256) or []) > 20


def test_what_was_not_measured_is_not_drawn(tmp_path: Path) -> None:
    assert plots.draw([], tmp_path) == []
    assert list(tmp_path.iterdir()) == []
