"""The whole way: an action, the daemon's real inpainting, a new layer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.daemon import ROOT

from .harness.session import Krita

PICTURE = str(ROOT / "backend" / "scumble" / "pictures" / "wren.jpg")


def _inpaint(k: Any, path: str, value: int) -> Any:
    document = yield from k.open(path)
    width, height = document.width(), document.height()
    before = bytes(document.pixelData(0, 0, width, height))
    k.select(document, 40, 200, 60, 50, value)
    active = document.activeNode().uniqueId()
    k.trigger("scumble_inpaint")
    yield lambda: k.layers(document)[0] != "Background"
    yield k.idle
    document.waitForDone()
    after = bytes(document.pixelData(0, 0, width, height))
    hole = {(y * width + x) * 4 for y in range(200, 250) for x in range(40, 100)}
    outside = [i for i in range(0, len(before), 4) if i not in hole and before[i : i + 4] != after[i : i + 4]]
    layer = next(n for n in document.topLevelNodes() if n.name().startswith("Inpaint"))
    alpha = bytes(layer.pixelData(0, 0, width, height))[3::4]
    selection = document.selection()
    return {
        "layers": k.layers(document),
        "outside": len(outside),
        "inside": sum(before[i : i + 4] != after[i : i + 4] for i in hole) / len(hole),
        "alpha": sorted({alpha[i // 4] for i in hole}),
        "elsewhere": sum(alpha) - sum(alpha[i // 4] for i in hole),
        "active": document.activeNode().uniqueId() == active,
        "selection": [selection.x(), selection.y(), selection.width(), selection.height()],
        "said": k.said()[-1],
    }


def test_the_action_makes_a_new_layer_above_the_source(krita: Krita) -> None:
    answer = krita.run(_inpaint, path=PICTURE, value=255)
    assert [name.split(" ")[0] for name in answer["layers"]] == ["Inpaint", "Background"]
    assert answer["outside"] == 0
    assert answer["elsewhere"] == 0
    assert answer["alpha"] == [255]
    assert answer["inside"] > 0.9
    assert answer["layers"][0] == "Inpaint 1"
    assert answer["said"] == "New layer: Inpaint 1."


def test_selection_and_active_layer_stay_as_they_were(krita: Krita) -> None:
    answer = krita.run(_inpaint, path=PICTURE, value=255)
    assert answer["active"]
    assert answer["selection"] == [40, 200, 60, 50]


def test_a_half_selected_region_gives_a_half_transparent_layer(krita: Krita) -> None:
    answer = krita.run(_inpaint, path=PICTURE, value=128)
    assert answer["outside"] == 0
    assert answer["alpha"] == [128]


def _undo(k: Any, path: str) -> Any:
    document = yield from k.open(path)
    everything = (0, 0, document.width(), document.height())
    before = bytes(document.pixelData(*everything))
    k.select(document, 40, 200, 60, 50)
    k.trigger("scumble_inpaint")
    yield lambda: k.layers(document)[0] != "Background"
    yield k.idle
    document.waitForDone()
    after = bytes(document.pixelData(*everything))
    out = []
    for action in ("edit_undo", "edit_redo", "edit_undo"):
        k.trigger(action)
        yield 0.1
        document.waitForDone()
        pixels = bytes(document.pixelData(*everything))
        out.append([len(k.layers(document)), "before" if pixels == before else "after" if pixels == after else "odd"])
    return out, before != after


def test_one_undo_takes_the_layer_away_and_redo_brings_it_back(krita: Krita) -> None:
    steps, changed = krita.run(_undo, path=PICTURE)
    assert changed
    assert steps == [[1, "before"], [2, "after"], [1, "before"]]


def _said_after(k: Any, action: str, open_document: bool) -> Any:
    del k.studio.messages[:]
    if open_document:
        yield from k.new(32, 32)
    k.trigger(action)
    yield lambda: k.said()
    yield k.idle
    return k.said()[-1]


@pytest.mark.parametrize(
    ("action", "open_document", "sentence"),
    [
        ("scumble_inpaint", False, "No picture is open. Open one, or make a new one."),
        ("scumble_run_again", False, "No picture is open. Open one, or make a new one."),
        ("scumble_new_layers", False, "No picture is open. Open one, or make a new one."),
        ("scumble_new_strokes", False, "No picture is open. Open one, or make a new one."),
        ("scumble_inpaint", True, "Nothing is selected. Select what should be filled."),
        ("scumble_run_again", True, "The active layer was not made by Scumble. Click on one that was."),
        ("scumble_cancel", True, "Nothing is running."),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(krita: Krita, action: str, open_document: bool, sentence: str) -> None:
    assert krita.run(_said_after, action=action, open_document=open_document) == sentence


def _new_layers(k: Any, action: str, after: bool) -> Any:
    """Asked for at once, or after a run: then they are to lie above its result, or nothing drawn would be seen."""
    document = yield from k.new(32, 32, pixels=bytes((1, 2, 3, 255)) * 1024)
    if after:
        k.trigger("scumble_identity")
        yield lambda: len(k.layers(document)) == 2
        yield k.idle
    before = k.layers(document)
    k.trigger(action)
    yield lambda: len(k.layers(document)) > len(before)
    yield k.idle
    return k.layers(document), before, document.activeNode().name()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("action", "names"), [("scumble_new_layers", ["Sketch", "Color"]), ("scumble_new_strokes", ["Strokes"])]
)
def test_new_layers_to_draw_on_lie_above_the_picture(krita: Krita, action: str, names: list[str], after: bool) -> None:
    layers, before, active = krita.run(_new_layers, action=action, after=after)
    assert layers == [*names, *before]
    assert before == (["Identity 1", "Background"] if after else ["Background"])
    assert active == names[0]
