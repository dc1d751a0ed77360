"""docs/api.md is true: each of its examples runs, in a folder with the pictures that it names, and it names all that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import scumble
from scumble.scripting import Engine, Job, Layer
from scumble_client.errors import CODES
from tests.support.commands import load, save, textured
from tests.support.daemon import ROOT, Daemon

PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a picture and a mask."""
    save(tmp_path / "photo.png", textured(3, height=64, width=80))
    hole = textured(1, height=64, width=80)
    hole[:] = 0
    hole[30:50, 40:70] = 255
    save(tmp_path / "hole.png", hole)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example(shared: Daemon, here: Path, number: int) -> None:
    exec(compile(EXAMPLES[number], f"docs/api.md, example {number + 1}", "exec"), {"scumble": scumble})
    if number == 0:
        assert load(here / "layer.png").shape == (64, 80, 4)
        assert load(here / "filled.png").shape == (64, 80, 3)


def test_it_names_all_that_there_is() -> None:
    for name in set(scumble.__all__) - {"Bounds", "AsyncDaemon", "Daemon", "Engine", "Local", "Preset", "__version__"}:
        assert name in PAGE, name
    public = {name for one in (Engine, Job, Layer) for name in vars(one) if not name.startswith("_")}
    for name in public - {"operation", "close", "source", "canvas", "placed", "metadata"}:
        assert f"{name}" in PAGE, name
    for code in CODES:
        assert f"`{code}`" in PAGE
