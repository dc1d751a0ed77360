"""The request that is kept with a layer: there and back, and whatever a file from elsewhere may hold."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from scumble_client import Pixels
from scumble_client.editor.roles import Source
from scumble_client.editor.stored import Stored, dump, load

MASK = Pixels(bytes(range(12)), 4, 3, "gray", x=-2, y=5)


def stored(mask: Pixels | None = MASK) -> Stored:
    sources = {"image": Source("layer", "{1}", "Ground"), "mask": Source("selection")}
    return Stored("inpaint", {"patch": 7, "blend": "none"}, 2**32 - 1, sources, mask, {"version": "1", "weights": {}})


def test_everything_comes_back() -> None:
    again = load(dump(stored()))
    assert again is not None
    assert (again.operation, again.parameters, again.seed) == ("inpaint", {"patch": 7, "blend": "none"}, 2**32 - 1)
    assert again.sources == stored().sources
    assert again.extra == {"version": "1", "weights": {}}
    assert again.mask is not None
    assert bytes(again.mask.data) == bytes(MASK.data)
    assert (again.mask.x, again.mask.y, again.mask.width, again.mask.height) == (-2, 5, 4, 3)


def test_without_a_selection_there_is_no_mask() -> None:
    again = load(dump(stored(None)))
    assert again is not None
    assert again.mask is None


def changed(**changes: Any) -> str:
    return json.dumps({**json.loads(dump(stored())), **changes})


def packed(data: bytes) -> dict[str, Any]:
    return {"x": 0, "y": 0, "width": 4, "height": 3, "data": base64.b64encode(zlib.compress(data)).decode()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"format": 1}',
        changed(format=2),
        changed(seed=-1),
        changed(seed=2**32),
        changed(seed="1"),
        changed(operation=3),
        changed(parameters=[]),
        changed(sources=[]),
        changed(mask=7),
        changed(mask={}),
        changed(mask={**packed(bytes(12)), "data": "%%%"}),
        changed(mask={**packed(bytes(12)), "data": "AAAA"}),
        changed(mask={**packed(bytes(12)), "width": -4}),
        changed(mask={**packed(bytes(12)), "width": 2**40}),
        changed(mask=packed(bytes(11))),
        changed(mask=packed(bytes(10_000_000))),
        None,
        b"\xff",
    ],
)
def test_what_is_no_request_is_none(text: Any) -> None:
    assert load(text) is None
