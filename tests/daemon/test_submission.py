"""What a `submit` may say of packing, patience and its name."""

from __future__ import annotations

from typing import Any

import pytest

from scumble.daemon.submission import Packed, check_id, parse
from scumble_client import Request, ScumbleError, wire
from tests.support.daemon import square


def body(**more: Any) -> dict[str, Any]:
    return {**Request("identity", {"image": square()}).describe(), **more}


def test_packed_frames_and_how() -> None:
    name = square().digest
    submission = parse(body(pack=True, patience=60))
    assert (submission.pack, submission.patience) == (True, 60)
    packed = submission.packings({"buffers": [name], "packed": [4]})
    assert packed == {name: Packed(4, 256)}
    submission.check_sizes({name: b"short"}, packed)  # its size is checked when it is unpacked
    with pytest.raises(ScumbleError, match="should have 256 bytes"):
        submission.check_sizes({name: b"short"}, submission.packings({"buffers": [name], "packed": [0]}))


@pytest.mark.parametrize("packed", [4, [17], [-1], ["4"], [True], [4.0]])
def test_odd_packing_is_refused(packed: Any) -> None:
    with pytest.raises(ScumbleError) as raised:
        parse(body()).packings({"buffers": [square().digest], "packed": packed})
    assert raised.value.code == "bad_request"


def test_a_packed_buffer_of_unknown_size_is_refused() -> None:
    with pytest.raises(ScumbleError, match="no layer"):
        parse(body()).packings({"buffers": [wire.digest(b"a profile")], "packed": [1]})


@pytest.mark.parametrize("odd", [{"patience": -1}, {"patience": 601}, {"patience": 1.5}, {"pack": 1}])
def test_odd_wishes_are_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ScumbleError) as raised:
        parse(body(**odd))
    assert raised.value.code == "bad_request"


VIEW = {"x": -3, "y": 4, "width": 500, "height": 300, "side": 256}


def test_a_view_is_taken_as_it_is() -> None:
    assert parse(body(view=VIEW)).view == VIEW
    assert parse(body()).view is None


@pytest.mark.parametrize(
    "odd",
    [
        [1, 2, 3],
        {},
        {**VIEW, "more": 1},
        {**VIEW, "width": 0},
        {**VIEW, "height": -5},
        {**VIEW, "side": 0},
        {**VIEW, "side": 1025},
        {**VIEW, "x": 1.5},
        {**VIEW, "x": 10**9},
        {**VIEW, "y": True},
        {k: v for k, v in VIEW.items() if k != "side"},
    ],
)
def test_an_odd_view_is_refused(odd: Any) -> None:
    with pytest.raises(ScumbleError) as raised:
        parse(body(view=odd))
    assert raised.value.code == "bad_request"


@pytest.mark.parametrize("name", ["../evil", "a/b", "a.b", "", "x" * 65, "a\n", "ä", "a\0"])
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(ScumbleError, match="other than letters"):
        check_id(name)


def test_usual_names_are_fine() -> None:
    check_id(wire.new_id())
    check_id("A-b_9")
