"""The bundled style pictures: every name has its file, and every file a name. Whose they are: test_picture_sources.py."""

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


def test_no_other_painting_is_there() -> None:
    assert {path.name for path in (pictures.FOLDER / "paintings").iterdir()} == {f"{name}.webp" for name in NAMES}
