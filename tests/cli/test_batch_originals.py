"""`scumble batch --original`: marked copies in one folder, the pictures themselves in another (DeepCreamPy's convention)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scumble.mosaic.grid import Grid
from tests.support.commands import Call, load
from tests.support.mosaics import box, drawing, with_mosaic

GRID = Grid(8, 8)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """`marked` with pictures painted over in pure green, `originals` with the same stems in other formats, gray and indexed too."""
    marked, originals = tmp_path / "marked", tmp_path / "originals"
    for number, (name, end, mode) in enumerate(
        [("a", ".png", "RGB"), ("sub/b", ".png", "L"), ("c", ".png", "P"), ("d", ".jpg", "RGB")]
    ):
        picture = drawing(88, 96, seed=number)
        mask = box(picture.shape, 16, 24, 64, 72)
        damaged = Image.fromarray(with_mosaic(picture, mask, GRID))
        green = np.where(mask[..., None], np.array([0, 255, 0], np.uint8), np.asarray(damaged))
        for folder in (marked, originals):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(green).save(marked / f"{name}.png")
        shown = damaged.convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else damaged.convert(mode)
        shown.save(originals / f"{name}{end}", quality=95)
    return marked, originals


def batch(calling: Call, folders: tuple[Path, Path], out: Path, *more: object) -> object:
    marked, originals = folders
    options = ("--original", originals, "--composite", out, "--mask-from", "color=#00ff00", "--set", "method=smooth")
    return calling("batch", "restore-mosaic", marked, *options, "--local", *more)


def test_every_picture_is_restored_where_it_was_marked(
    calling: Call, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ran = batch(calling, folders, out)
    assert ran.done().out.splitlines()[-1] == "4 done, 0 failed"  # type: ignore[attr-defined]
    for name, end in (("a", ".png"), ("sub/b", ".png"), ("c", ".png"), ("d", ".jpg")):
        made, before = load(out / f"{name}.png"), load(folders[1] / f"{name}{end}")
        changed = (made != before).any(axis=2)
        near = box(made.shape, 12, 20, 68, 76)  # soft edges of the marking are looked for, 4 pixels far at most
        assert changed[near].mean() > 0.3, name
        assert not changed[~near].any(), name
    again = batch(calling, folders, out)
    assert "4 done before" in again.done().out  # type: ignore[attr-defined]


def test_variations_are_numbered(calling: Call, folders: tuple[Path, Path], tmp_path: Path) -> None:
    batch(calling, folders, tmp_path / "out", "--set", "variations=2").done()  # type: ignore[attr-defined]
    assert (tmp_path / "out" / "a-1.png").is_file()
    assert (tmp_path / "out" / "a-2.png").is_file()


def test_a_missing_original_costs_its_picture_only(calling: Call, folders: tuple[Path, Path], tmp_path: Path) -> None:
    (folders[1] / "a.png").unlink()
    ran = batch(calling, folders, tmp_path / "out")
    assert ran.code == 3  # type: ignore[attr-defined]
    assert "a.png: There is no original for it" in ran.err.replace("\n", " ")  # type: ignore[attr-defined]
    assert ran.out.splitlines()[-1] == "3 done, 1 failed"  # type: ignore[attr-defined]


def test_folders_that_can_t_be(calling: Call, folders: tuple[Path, Path], tmp_path: Path) -> None:
    marked, _ = folders
    for originals, words in ((tmp_path / "nowhere", "no folder"), (marked, "folder of their own")):
        refused = batch(calling, (marked, originals), tmp_path / "out").refused()  # type: ignore[attr-defined]
        assert words in refused
    out = tmp_path / "out"
    assert (
        "does not take"
        in calling("batch", "inpaint", marked, "--original", folders[1], "--out", out, "--local").refused()
    )
