"""What is seen with a result over partly transparent pictures is what the command line's composite gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scumble.imaging.layer import Layer, composite
from tests.editors.soft_scenes import SCENES, base_of, result_of

from .harness.session import Krita

SIDE = 32


def _laid(k: Any, base: str, top: str, inner: str, model: list[str], side: int) -> Any:
    """Adds a result as a run does; base and result are hexadecimal RGBA. `inner`: a group around the picture."""
    writing, placing = k.module("writing"), k.module("scumble_client.editor.placing")
    request = k.module("scumble_client.request")
    document = yield from k.new(side, side, *model)
    root = document.rootNode()
    background = document.topLevelNodes()[0]
    parent = root
    if inner:
        background.setName("Wall")
        background.setPixelData(k.bytes(k.wide(b"\x30\x40\x50\xff" * side * side, model)), 0, 0, side, side)
        parent = document.createGroupLayer("Group")
        root.addChildNode(parent, background)
        if inner == "passing":
            parent.setPassThroughMode(True)
            background.setVisible(False)
        background = document.createNode("Picture", "paintlayer")
        parent.addChildNode(background, None)
    background.setPixelData(k.bytes(k.wide(k.bgra(bytes.fromhex(base)), model)), 0, 0, side, side)
    above = document.createNode("Over it", "paintlayer")
    above.setPixelData(k.bytes(k.wide(b"\x09\x09\x09\xff" * 4, model)), 0, 0, 2, 2)
    parent.addChildNode(above, background)
    document.refreshProjection()
    document.waitForDone()
    yield 0.2

    def seen():
        document.refreshProjection()
        document.waitForDone()
        whole = (0, 0, side, side)
        data = parent.projectionPixelData(*whole) if inner == "group" else document.pixelData(*whole)
        return k.bgra(k.narrow(bytes(data), model)).hex()

    before = seen()
    names = k.layers(document)
    place = placing.InsertionPoint(k.module("document").DocumentTree(document), background)
    pixels = request.Pixels(k.bgra(bytes.fromhex(top)), side, side, "bgra")
    layer = yield from writing.add_layer(document, place, "Result 1", pixels)
    yield 0.2
    after, made = seen(), k.layers(document)
    node = k.module("document").find(document, layer)
    how = "mixed" if node.type() == "grouplayer" else "inside" if node.inheritAlpha() else "plain"
    k.trigger("edit_undo")
    yield lambda: k.layers(document) == names
    return {"before": before, "after": after, "how": how, "made": made, "undone": seen() == before}


def _seen(answer: dict[str, Any], key: str) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex(answer[key]), np.uint8).reshape(SIDE, SIDE, 4)


@pytest.mark.parametrize("model", [[], ["RGBA", "U16"]], ids=["8", "16"])
@pytest.mark.parametrize("inner", ["", "group", "passing"])
@pytest.mark.parametrize("scene", SCENES)
def test_it_is_as_opaque_as_the_more_opaque_of_both(krita: Krita, scene: str, inner: str, model: list[str]) -> None:
    base, top = base_of(scene, SIDE), result_of(scene, SIDE)
    answer = krita.run(_laid, base=base.tobytes().hex(), top=top.tobytes().hex(), inner=inner, model=model, side=SIDE)
    assert answer["how"] == SCENES[scene]
    assert answer["undone"]
    shown = _seen(answer, "after")
    wanted = composite(Layer(base), Layer(top)).pixels
    part = np.s_[2:, 2:]  # what lies over the result is seen over it
    seen = wanted[part][..., 3:] / 255
    assert np.abs(shown[part][..., 3].astype(int) - wanted[part][..., 3]).max() <= 2
    difference = np.abs(shown[part][..., :3].astype(int) - wanted[part][..., :3]) * seen
    assert difference.max() <= 2
