"""The request that is kept with a layer: there and back, and whatever a file from elsewhere may hold."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from scumble_client import Pixels, Result, ResultLayer
from scumble_client.editor.provenance import Provenance, dump, is_try, load
from scumble_client.editor.roles import Source

MASK = Pixels(bytes(range(12)), 4, 3, "gray", x=-2, y=5)


def provenance(mask: Pixels | None = MASK) -> Provenance:
    sources = {"image": Source("layer", "{1}", "Ground"), "mask": Source("selection")}
    return Provenance(
        "inpaint", {"patch": 7, "blend": "none"}, 2**32 - 1, sources, mask, {"version": "1", "weights": {}}
    )


def test_everything_comes_back() -> None:
    again = load(dump(provenance()))
    assert again is not None
    assert (again.operation, again.parameters, again.seed) == ("inpaint", {"patch": 7, "blend": "none"}, 2**32 - 1)
    assert again.sources == provenance().sources
    assert again.extra == {"version": "1", "weights": {}}
    assert again.mask is not None
    assert bytes(again.mask.data) == bytes(MASK.data)
    assert (again.mask.x, again.mask.y, again.mask.width, again.mask.height) == (-2, 5, 4, 3)


def test_without_a_selection_there_is_no_mask() -> None:
    again = load(dump(provenance(None)))
    assert again is not None
    assert again.mask is None


def changed(**changes: Any) -> str:
    return json.dumps({**json.loads(dump(provenance())), **changes})


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


def test_a_document_learns_nothing_of_the_machines_folders() -> None:
    """Whatever role a file was given for, and wherever the document is: also where it was never saved."""
    home = "/home/somebody/private"
    sources = {
        "style": Source("file", path=f"{home}/style.png", digest="ab"),
        "segmentation": Source("file", path=f"{home}/scene/maps/segments.png", digest="cd"),
        "strokes": Source("file", path="C:\\Users\\somebody\\strokes.png"),
        "image": Source("active", "{1}", "Ground", path=f"{home}/forgotten.png"),
    }
    for folder in (None, "/tmp/elsewhere", f"{home}/scene", "/home/other", "/"):
        text = dump(Provenance("edit", {}, 1, sources), folder)
        assert not any(part in text for part in ("/home", "/tmp", "Users", f"{home}/", "..")) or folder == "/"
        again = load(text)
        assert again is not None
        assert [again.sources[role].name for role in ("style", "segmentation")] == ["style.png", "segments.png"]
        assert [again.sources[role].digest for role in ("style", "segmentation")] == ["ab", "cd"]
        assert not any(source.path.startswith("/") for source in again.sources.values())
    inside = load(dump(Provenance("edit", {}, 1, sources), f"{home}/scene"))
    assert inside is not None
    assert inside.sources["segmentation"].path == "maps/segments.png"
    assert inside.sources["style"].path == ""


def test_a_document_of_before_still_has_its_absolute_path() -> None:
    text = changed(sources={"style": {"kind": "file", "path": "/home/somebody/style.png"}})
    again = load(text)
    assert again is not None
    assert again.sources["style"] == Source("file", name="style.png", path="/home/somebody/style.png")


@pytest.mark.parametrize(
    "path", ["\\\\server\\share\\a.png", "//server/share/a.png", "../../a.png", "b/../../a.png", "..\\a.png"]
)
def test_a_document_can_not_send_the_reader_to_a_server_or_beside_its_folder(path: str) -> None:
    again = load(changed(sources={"style": {"kind": "file", "path": path}}))
    assert again is not None
    assert again.sources["style"] == Source("file", name="a.png")


def result(seeds: tuple[int, ...], **request: Any) -> Result:
    return Result([ResultLayer(f"Inpaint {seed}", Pixels(bytes(4), 1, 1), seed) for seed in seeds], [], request, 0.0)


def test_each_variation_can_be_made_again_alone() -> None:
    made = result((7, 8), operation="inpaint", seed=7, parameters={"variations": 2, "patch": 5}, version="9")
    first, second = Provenance("inpaint", {}, 7).of_each(made, made.layers)
    assert (first.seed, second.seed) == (7, 8)
    assert first.parameters == second.parameters == {"variations": 1, "patch": 5}
    assert first.extra == {"version": "9"}


def test_a_single_result_keeps_its_parameters() -> None:
    made = result((7,))
    assert Provenance("inpaint", {"variations": 3}, 7).of_each(made, made.layers)[0].parameters == {"variations": 3}


ROLES: dict[str, Any] = {"roles": [{"name": name} for name in ("image", "mask", "sketch")]}


def test_what_was_left_empty_stays_empty_when_it_runs_again() -> None:
    made = Provenance("edit", {}, 1, {"image": Source("active", "1", "Ground")}, MASK)
    assert made.again(ROLES) == {
        "image": Source("layer", "1", "Ground"),
        "mask": Source("none"),
        "sketch": Source("none"),
    }
    assert made.given == ["mask"]


@pytest.mark.parametrize("kind", ["selection", "layer"])
def test_a_selection_is_kept_and_a_masks_layer_is_named(kind: str) -> None:
    sources = {"mask": Source(kind, "3", "Saved")}
    made = Provenance("edit", {}, 1).sent(sources, {"mask": MASK})
    assert made.sources == sources
    assert (made.mask is MASK) == (kind == "selection")


OTHER_MASK = Pixels(bytes([0]) * len(bytes(MASK.data)), MASK.width, MASK.height, "gray", x=MASK.x, y=MASK.y)
MOVED_MASK = Pixels(MASK.data, MASK.width, MASK.height, "gray", x=MASK.x + 1, y=MASK.y)


@pytest.mark.parametrize(
    ("operation", "mask", "same"),
    [
        ("edit", MASK, True),
        ("edit", OTHER_MASK, False),
        ("edit", MOVED_MASK, False),
        ("edit", None, False),
        ("other", MASK, False),
    ],
)
def test_another_try_is_the_same_operation_at_the_same_place(operation: str, mask: Pixels | None, same: bool) -> None:
    made = Provenance("edit", {}, 1, {"image": Source("layer", "1"), "mask": Source("selection")}, MASK)
    assert is_try(made, operation, {"mask": Source("selection")}, mask) is same


@pytest.mark.parametrize(
    ("sources", "same"),
    [
        ({}, False),
        ({"mask": Source("layer", "3", "Saved")}, True),
        ({"mask": Source("active", "3", "Saved")}, True),
        ({"mask": Source("layer", "4", "Other")}, False),
    ],
)
def test_without_a_selection_the_place_is_the_masks_layer(sources: dict[str, Source], same: bool) -> None:
    made = Provenance("edit", {}, 1, {"mask": Source("layer", "3", "Saved")})
    assert is_try(made, "edit", sources, None) is same
    assert is_try(Provenance("edit", {}, 1), "edit", sources, None) is (not sources)
