"""`scumble demo`: the tour on the bundled pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scumble.commands.demo_styles import SHOWN
from scumble.pictures import NAMES, picture, selection
from tests.support.commands import Call, load
from tests.support.pictures import put


@pytest.fixture
def tour(scumble: Call, tmp_path: Path) -> tuple[Path, str]:
    """The folder, not there before, and what the command has said."""
    folder = tmp_path / "new" / "demo"
    return folder, scumble("demo", "--out", folder).done().out


def test_it_fills_the_selections_and_touches_nothing_else(tour: tuple[Path, str]) -> None:
    folder, said = tour
    kinds = ("", "-layer", "-strip")
    styled = [f"{operation}-{photograph}" for operation, photograph, _ in SHOWN]
    files = {f"{name}{kind}.png" for name in (*NAMES, *styled) for kind in kinds}
    files |= {"contact-sheet.png", "styles-sheet.png"}
    assert {path.name for path in folder.iterdir()} == files
    assert f"Before, selection, after: {folder / 'contact-sheet.png'}" in said
    for name in NAMES:
        before, selected = load(picture(name)), load(selection(name))[..., 0] > 0
        after, layer = load(folder / f"{name}.png"), load(folder / f"{name}-layer.png")
        assert f"{folder / name}.png" in said
        np.testing.assert_array_equal(after[~selected], before[~selected])
        assert (after[selected] != before[selected]).any(axis=1).mean() > 0.5
        np.testing.assert_array_equal(layer[..., 3] > 0, selected)
        strip = np.asarray(Image.open(folder / f"{name}-strip.png"))
        assert strip.shape[1] > 3 * before.shape[1]
        np.testing.assert_array_equal(strip[-before.shape[0] :, : before.shape[1]], before)
        np.testing.assert_array_equal(strip[-before.shape[0] :, -before.shape[1] :], after)
    for name, (_, photograph, _) in zip(styled, SHOWN, strict=True):
        before, after = load(picture(photograph)), load(folder / f"{name}.png")
        assert before.shape == after.shape
        assert (after != before).any(axis=2).mean() > 0.5
        strip = np.asarray(Image.open(folder / f"{name}-strip.png"))
        np.testing.assert_array_equal(strip[-before.shape[0] :, -before.shape[1] :], after)


def test_a_file_where_the_folder_should_be(scumble: Call, tmp_path: Path) -> None:
    assert "can't be made" in scumble("demo", "--out", put(tmp_path, "file", b"")).refused()
