"""`scumble demo`: the tour through every operation on the bundled pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scumble.cli.demo_scenes import scenes
from scumble.operations import operations
from tests.support.commands import Call, load
from tests.support.pictures import put


@pytest.fixture
def tour(scumble: Call, tmp_path: Path) -> tuple[Path, str]:
    """The folder, not there before, and what the command has said."""
    folder = tmp_path / "new" / "demo"
    return folder, scumble("demo", "--out", folder).done().out


def test_every_operation_is_shown_and_what_was_not_selected_stays(tour: tuple[Path, str]) -> None:
    folder, said = tour
    shown = scenes()
    ours = {name for name, one in operations().items() if type(one).__module__.startswith("scumble.")}
    assert {scene.operation for scene in shown} == ours
    files = {f"{scene.name}{kind}.png" for scene in shown for kind in ("", "-layer", "-strip")}
    assert {path.name for path in folder.iterdir()} == files | {"contact-sheet.png"}
    assert f"Before, what was given, after: {folder / 'contact-sheet.png'}" in said
    for scene in shown:
        before, after = scene.image.pixels[..., :3], load(folder / f"{scene.name}.png")
        assert f"{folder / scene.name}.png" in said
        changed = (after != before).any(axis=2)
        if "mask" in scene.layers:
            selected = scene.layers["mask"].pixels[..., 0] > 0
            assert not changed[~selected].any()
            assert changed[selected].mean() > 0.5
            assert not (load(folder / f"{scene.name}-layer.png")[..., 3] > 0)[~selected].any()
        else:
            assert changed.any() == (scene.operation != "identity")
        strip = np.asarray(Image.open(folder / f"{scene.name}-strip.png"))
        np.testing.assert_array_equal(strip[-before.shape[0] :, : before.shape[1]], before)


def test_an_editor_that_is_here_is_named_with_its_command(
    scumble: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scumble.cli.demo.scenes", lambda: [s for s in scenes() if s.operation == "identity"])
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "GIMP3_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    (home / ".config" / "GIMP" / "3.0").mkdir(parents=True)
    said = scumble("demo", "--out", tmp_path / "one").done().out
    assert "scumble install gimp" in said
    assert "scumble install krita" not in said


def test_a_file_where_the_folder_should_be(scumble: Call, tmp_path: Path) -> None:
    assert "can't be made" in scumble("demo", "--out", put(tmp_path, "file", b"")).refused()
