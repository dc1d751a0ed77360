"""Reading role after role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scumble_client import Pixels
from scumble_client.editor.reading import finish, read_roles
from scumble_client.editor.roles import Source
from scumble_client.errors import ScumbleError

MASK = Pixels(bytes(1), 1, 1, "gray")
OPERATION: dict[str, Any] = {
    "roles": [
        {"name": "image", "help": "Choose one.", "required": True},
        {"name": "mask", "help": "Select what should be filled.", "kind": "mask", "required": True},
        {"name": "style", "help": "Choose a style."},
    ]
}
SOURCES = {"image": Source("active", "1", "Ground"), "style": Source("file", path="/style.png")}


class _Reader:
    """Notes what it is asked for; a file gets its digest."""

    def __init__(self, gives: Pixels | None = MASK) -> None:
        self.read: list[str] = []
        self.gives = gives

    def __call__(self, role: Any, source: Source) -> Iterator[None]:
        self.read.append(role["name"])
        yield None
        used = Source("file", path=source.path, digest="d") if source.kind == "file" else source
        return self.gives, used  # type: ignore[return-value]


def test_each_role_that_has_a_source_is_read_in_steps_and_told_from_what() -> None:
    reader = _Reader()
    steps = read_roles(OPERATION, SOURCES, MASK, reader)  # type: ignore[arg-type]
    next(steps)
    assert reader.read == ["image"], "one at a step"
    pixels, used = finish(steps)
    assert reader.read == ["image", "style"]
    assert set(pixels) == {"image", "mask", "style"}
    assert used == {"image": Source("layer", "1", "Ground"), "style": Source("file", path="/style.png", digest="d")}


def test_an_empty_selection_is_said_where_it_is_needed_and_left_out_where_not() -> None:
    sources = {"mask": Source("selection"), "style": Source("layer", "2", "Style")}
    with pytest.raises(ScumbleError, match=r"Nothing is selected. Select what should be filled."):
        finish(read_roles(OPERATION, sources, None, _Reader(None)))  # type: ignore[arg-type]
    optional = {"roles": OPERATION["roles"][2:]}
    assert finish(read_roles(optional, sources, None, _Reader(None)))[0] == {}  # type: ignore[arg-type]
