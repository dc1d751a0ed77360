"""A training's curves: the table grows with each figure, repeated steps count once, and the picture shows every figure."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
from PIL import Image

from scumble_training.common import curves
from scumble_training.common.checkpoints import append_metrics


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """Of a training that was stopped after step 20 and went on from step 10."""
    path = tmp_path / "metrics.jsonl"
    for step, loss in ((10, 1.0), (20, 0.9), (20, 0.5), (30, 0.01)):
        append_metrics(path, step=step, loss=loss, kind="photo")
    append_metrics(path, step=40, loss=0.005, psnr=20.5)
    return path


def table(figures: Path) -> list[dict[str, str]]:
    with figures.with_suffix(".csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_grows_with_each_figure(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_metrics(path, step=1, loss=0.5)
    assert table(path) == [{"step": "1", "loss": "0.5"}]
    append_metrics(path, step=2, loss=0.25)
    assert [row["step"] for row in table(path)] == ["1", "2"]


def test_of_a_repeated_step_the_later_row_counts(figures: Path) -> None:
    assert [(row["step"], row["loss"]) for row in table(figures)] == [
        ("10", "1"),
        ("20", "0.5"),
        ("30", "0.01"),
        ("40", "0.005"),
    ]


def test_what_was_not_measured_is_empty_and_words_are_left_out(figures: Path) -> None:
    assert [row["psnr"] for row in table(figures)] == ["", "", "", "20.5"]
    assert "kind" not in table(figures)[0]


def test_a_line_that_was_cut_off_is_passed_over(figures: Path) -> None:
    with figures.open("a") as file:
        file.write('{"step": 50, "lo')
    assert len(curves.read(figures)) == 4


def test_figures_without_steps_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"loss": 3}\n{"loss": 2}\n')
    assert [row["step"] for row in curves.read(path)] == [0, 1]


def test_the_picture(figures: Path) -> None:
    pytest.importorskip("matplotlib")
    append_metrics(figures, step=50, loss=float("nan"), psnr=21.5)
    made, drawn = curves.finish(figures.parent)
    assert drawn
    assert [path.name for path in made] == ["metrics.csv", "metrics.png"]
    picture = Image.open(figures.with_suffix(".png"))
    assert picture.width > 800  # two panels
    assert len(picture.convert("L").getcolors(256) or []) > 20


def test_one_point_is_no_curve(tmp_path: Path) -> None:
    append_metrics(tmp_path / "metrics.jsonl", step=1, loss=0.5)
    assert [path.name for path in curves.finish(tmp_path)[0]] == ["metrics.csv"]


def test_without_matplotlib_there_is_the_table_alone(figures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    made, drawn = curves.finish(figures.parent)
    assert [path.name for path in made] == ["metrics.csv"]
    assert not drawn
