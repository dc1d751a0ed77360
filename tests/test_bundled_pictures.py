"""The bundled style pictures: every name has its file, and every file says where it comes from."""

from __future__ import annotations

from typing import get_args

from scumble import pictures
from scumble.imaging.io.files import read_picture
from scumble.style.inputs import Painting

NAMES = [name for name in get_args(Painting) if name != "none"]


def test_every_painting_that_can_be_chosen_is_there() -> None:
    for name in NAMES:
        layer = read_picture(pictures.painting(name)).layer
        assert 400 <= layer.extent.longest <= 640, name


def test_every_painting_s_source_is_named() -> None:
    sources = (pictures.FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    files = {path.name for path in (pictures.FOLDER / "paintings").iterdir()}
    assert files == {f"{name}.webp" for name in NAMES}
    assert all(f"| {file} |" in sources for file in files)
