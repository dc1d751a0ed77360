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

    def seen() -> Any:
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


@pytest.mark.parametrize(
    ("inner", "model"),
    [("", []), ("", ["RGBA", "U16"]), ("group", []), ("passing", [])],
    ids=["plain", "16 bits", "group", "passing"],
)
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


def _run(k: Any, operation: str, alpha: int) -> Any:
    """A whole run over a thin picture: what is seen in the middle, on the selection's edge and at the corner."""
    document = yield from k.new(48, 48, pixels=bytes((50, 100, 200, alpha)) * 48 * 48)
    k.select(document, 16, 16, 16, 16, 100)
    k.trigger("scumble_" + operation)
    yield lambda: len(k.layers(document)) == 2
    yield k.idle
    document.waitForDone()
    document.refreshProjection()
    document.waitForDone()
    seen = bytes(document.pixelData(0, 0, 48, 48))
    made = next(n for n in document.topLevelNodes() if n.name().endswith(" 1"))
    plain = not made.inheritAlpha()
    return [list(seen[4 * (48 * at + at) :][:4]) for at in (24, 16, 2)], plain


@pytest.mark.parametrize("alpha", [128, 255])
@pytest.mark.parametrize("operation", ["identity", "inpaint"])
def test_a_run_over_a_thin_picture_leaves_it_as_thin_as_it_was(krita: Krita, operation: str, alpha: int) -> None:
    found, plain = krita.run(_run, operation=operation, alpha=alpha)
    for seen in found:
        assert max(abs(a - b) for a, b in zip(seen, (50, 100, 200, alpha), strict=True)) <= 2
    assert plain == (alpha == 255)


def _read_again(k: Any, base: str, top: str, side: int) -> Any:
    """A result that is a group counts as one result: it is read with the picture, and asked for by any of its parts."""
    writing, placing = k.module("writing"), k.module("scumble_client.editor.placing")
    provenance, request = k.module("scumble_client.editor.provenance"), k.module("scumble_client.request")
    seeing, roles = k.module("document"), k.module("scumble_client.editor.roles")
    document = yield from k.new(side, side, pixels=k.bgra(bytes.fromhex(base)))
    picture = document.topLevelNodes()[0]
    place = placing.InsertionPoint(seeing.DocumentTree(document), picture)
    pixels = request.Pixels(k.bgra(bytes.fromhex(top)), side, side, "bgra")
    layer = yield from writing.add_layer(document, place, "Result 1", pixels)
    writing.keep_provenance(document, layer, provenance.dump(provenance.Provenance("test-follow", {}, 5)))
    document.refreshProjection()
    document.waitForDone()
    seen = bytes(document.pixelData(0, 0, side, side))
    role = {"name": "image"}
    source = roles.Source("layer", picture.uniqueId().toString(), picture.name())
    read = k.module("reading").read_source(document, source, role, over={layer})
    kinds = [info.why for info in seeing.view_of(document).layers]
    group = seeing.find(document, layer)
    asked = writing.request_of(document, seeing.children(group)[0]).operation
    yield lambda: document.activeNode() == picture
    k.trigger("scumble_identity")
    yield lambda: len(k.layers(document)) == 3
    yield k.idle
    return bytes(read.data) == seen, kinds, asked, k.layers(document)


def test_a_result_of_two_layers_is_one_result(krita: Krita) -> None:
    base, top = (made("fill that moves a soft edge", SIDE).tobytes().hex() for made in (base_of, result_of))
    same, kinds, asked, names = krita.run(_read_again, base=base, top=top, side=SIDE)
    assert same
    assert kinds == ["a result", "a result", "a result", ""]
    assert asked == "test-follow"
    assert names == ["Identity 1", ["Result 1", ["New", "Taken away"]], "Background"]
