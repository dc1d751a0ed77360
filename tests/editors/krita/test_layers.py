"""Where the picture is read from, and where the new layer goes: groups, offsets, hidden, locked, special layers."""

from __future__ import annotations

from typing import Any

import pytest

from .harness.session import Krita


def _source(k: Any, kind: str) -> Any:
    """Identity on an active layer of some kind; the background is gray 100, the layer's own pixels are 200."""
    document = yield from k.new(40, 30, pixels=bytes((100, 100, 100, 255)) * 1200)
    root = document.rootNode()
    background = document.topLevelNodes()[0]
    group = document.createGroupLayer("Group")
    layer = document.createNode("Own", "paintlayer")
    layer.setPixelData(k.bytes(bytes((200, 200, 200, 255)) * 100), 5, 5, 10, 10)
    root.addChildNode(group, background)
    group.addChildNode(layer, None)
    active = layer
    if kind == "hidden":
        layer.setVisible(False)
    elif kind == "in a hidden group":
        group.setVisible(False)
    elif kind == "locked":
        layer.setLocked(True)
    elif kind == "group":
        active = group
    elif kind == "vector":
        active = document.createVectorLayer("Vector")
        root.addChildNode(active, group)
    elif kind == "filter":
        import krita

        active = document.createFilterLayer("Filter", k.app.filter("invert"), krita.Selection())
        root.addChildNode(active, group)
    elif kind == "mask":
        active = document.createNode("Mask", "transparencymask")
        layer.addChildNode(active, None)
    document.refreshProjection()
    document.waitForDone()
    yield 0.2
    document.setActiveNode(active)
    yield lambda: document.activeNode() == active
    projection = bytes(document.pixelData(0, 0, 40, 30))
    own = bytes(layer.pixelData(0, 0, 40, 30))
    k.trigger("scumble_identity")
    yield lambda: "Identity" in str(k.layers(document))
    yield k.idle
    document.waitForDone()

    def find(nodes: Any) -> Any:
        for node in nodes:
            if node.name().startswith("Identity"):
                return node
            found = find(node.childNodes())
            if found:
                return found
        return None

    made = find(document.topLevelNodes())
    pixels = bytes(made.pixelData(0, 0, 40, 30))

    def plain(tree: Any) -> Any:
        return [[n[0].split(" ")[0], plain(n[1])] if isinstance(n, list) else n.split(" ")[0] for n in tree]

    return {
        "layers": plain(k.layers(document)),
        "read": "own" if pixels == own else "visible" if pixels == projection else "something else",
        "active": document.activeNode() == active,
    }


IN_GROUP = [["Group", ["Identity", "Own"]], "Background"]
ON_TOP = ["Identity", ["Group", ["Own"]], "Background"]


@pytest.mark.parametrize(
    ("kind", "read", "layers"),
    [
        ("plain", "own", IN_GROUP),
        ("mask", "own", IN_GROUP),
        ("hidden", "visible", ON_TOP),
        ("in a hidden group", "visible", ON_TOP),
        ("locked", "visible", ON_TOP),
        ("group", "visible", ON_TOP),
        ("vector", "visible", ["Identity", "Vector", ["Group", ["Own"]], "Background"]),
        ("filter", "visible", ["Identity", "Filter", ["Group", ["Own"]], "Background"]),
    ],
)
def test_the_right_pixels_are_read_and_the_layer_lies_where_it_is_seen(
    krita: Krita, kind: str, read: str, layers: list[Any]
) -> None:
    answer = krita.run(_source, kind=kind)
    assert answer["read"] == read
    assert answer["layers"] == layers
    if kind != "mask":  # the layer above a mask's layer: Krita may make either active
        assert answer["active"]


def _moved(k: Any) -> Any:
    """A layer that lies partly beyond the canvas, and was moved."""
    document = yield from k.new(60, 50, pixels=bytes((90, 120, 60, 255)) * 3000)
    layer = document.createNode("Moved", "paintlayer")
    data = b"".join(bytes((x * 6, y * 8, 40, 255)) for y in range(30) for x in range(40))
    layer.setPixelData(k.bytes(data), 0, 0, 40, 30)
    document.rootNode().addChildNode(layer, document.topLevelNodes()[0])
    layer.move(-10, 25)
    document.refreshProjection()
    document.waitForDone()
    yield 0.2
    document.setActiveNode(layer)
    yield lambda: document.activeNode() == layer
    before = bytes(document.pixelData(0, 0, 60, 50))
    k.select(document, 5, 30, 8, 8)
    k.trigger("scumble_inpaint")
    yield lambda: k.layers(document)[0].startswith("Inpaint")
    yield k.idle
    document.waitForDone()
    after = bytes(document.pixelData(0, 0, 60, 50))
    changed = [(i // 4 % 60, i // 240) for i in range(0, len(before), 4) if before[i : i + 4] != after[i : i + 4]]
    made = next(n for n in document.topLevelNodes() if n.name().startswith("Inpaint"))
    bounds = made.bounds()
    return {
        "x": [min(c[0] for c in changed), max(c[0] for c in changed)],
        "y": [min(c[1] for c in changed), max(c[1] for c in changed)],
        "bounds": [bounds.x(), bounds.y(), bounds.width(), bounds.height()],
    }


def test_a_moved_layer_is_filled_where_the_selection_is(krita: Krita) -> None:
    answer = krita.run(_moved)
    assert answer["bounds"] == [5, 30, 8, 8]
    assert 5 <= answer["x"][0] <= answer["x"][1] <= 12
    assert 30 <= answer["y"][0] <= answer["y"][1] <= 37


def _beyond(k: Any) -> Any:
    document = yield from k.new(40, 30, pixels=b"".join(bytes((x, x, 3 * x, 255)) for x in range(40)) * 30)
    k.select(document, -20, -20, 35, 35)
    k.trigger("scumble_inpaint")
    yield lambda: k.layers(document)[0].startswith("Inpaint")
    yield k.idle
    made = next(n for n in document.topLevelNodes() if n.name().startswith("Inpaint"))
    bounds = made.bounds()
    return [bounds.x(), bounds.y(), bounds.width(), bounds.height()]


def test_a_selection_that_goes_beyond_the_canvas_is_cut_there(krita: Krita) -> None:
    assert krita.run(_beyond) == [0, 0, 15, 15]


def _strokes(k: Any) -> Any:
    """The active layer is the strokes layer: the picture is the layer below."""
    document = yield from k.new(40, 30, pixels=bytes((10, 20, 30, 255)) * 1200)
    layer = document.createNode("strokes 2", "paintlayer")
    layer.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 25), 8, 9, 5, 5)
    document.rootNode().addChildNode(layer, document.topLevelNodes()[0])
    document.refreshProjection()
    yield lambda: document.activeNode() == layer
    k.trigger("scumble_test-follow")
    yield lambda: "Follow" in str(k.layers(document))
    yield k.idle
    made = next(n for n in document.topLevelNodes() if n.name().startswith("Follow"))
    bounds = made.bounds()
    return {
        "layers": [name.split(" ")[0] for name in k.layers(document)],
        "bounds": [bounds.x(), bounds.y(), bounds.width(), bounds.height()],
        "pixel": list(bytes(made.pixelData(9, 10, 1, 1))),
    }


def test_roles_are_found_by_the_layers_names(krita: Krita) -> None:
    answer = krita.run(_strokes)
    assert answer["bounds"] == [8, 9, 5, 5]
    assert answer["pixel"] == [245, 235, 225, 255]
    assert answer["layers"] == ["Follow", "strokes", "Background"]


def _pile(k: Any, names: list[Any], source: str) -> Any:
    """Identity of a chosen layer in a pile, named from the topmost down; a name in a list is a layer in a group of its own."""
    document = yield from k.new(40, 30, pixels=bytes((100, 100, 100, 255)) * 1200)
    root, below = document.rootNode(), document.topLevelNodes()[0]
    chosen = below
    for name in reversed(names):
        layer = document.createNode(name if isinstance(name, str) else name[0], "paintlayer")
        layer.setPixelData(k.bytes(bytes((0, 0, 200, 255)) * 100), 5, 5, 10, 10)
        if isinstance(name, str):
            root.addChildNode(layer, below)
            below = layer
        else:
            group = document.createGroupLayer("Group")
            root.addChildNode(group, below)
            group.addChildNode(layer, None)
            below = group
        if layer.name().startswith("Earlier"):
            k.module("writing").keep_provenance(document, layer.uniqueId().toString(), "{}")
        if layer.name().startswith("Hidden"):
            layer.setVisible(False)
        if layer.name() == source:
            chosen = layer
    document.refreshProjection()
    document.waitForDone()
    yield 0.2
    wanted = k.module("scumble_client.editor.roles").Source("layer", chosen.uniqueId().toString(), chosen.name())
    k.studio.choose(document, "identity", "image", wanted)
    k.trigger("scumble_identity")
    yield lambda: "Identity 1" in str(k.layers(document))
    yield k.idle
    tree = k.layers(document)
    k.trigger("edit_undo")
    yield lambda: "Identity 1" not in str(k.layers(document))
    return tree, k.layers(document)


@pytest.mark.parametrize(
    ("names", "layers"),
    [
        (["Sketch", "Color"], ["Identity 1", "Sketch", "Color", "Background"]),
        (["Own", "Strokes 2"], ["Own", "Identity 1", "Strokes 2", "Background"]),
        (["Sketch", "Own"], ["Identity 1", "Sketch", "Own", "Background"]),
        (
            ["Own", "Earlier 2", "Hidden", "Earlier 1"],
            ["Own", "Identity 1", "Earlier 2", "Hidden", "Earlier 1", "Background"],
        ),
        (["Own", "Hidden Sketch"], ["Own", "Hidden Sketch", "Identity 1", "Background"]),
        (["Own", ["Sketch"]], ["Own", "Identity 1", ["Group", ["Sketch"]], "Background"]),
    ],
)
def test_a_result_lies_above_earlier_ones_and_above_what_is_drawn(
    krita: Krita, names: list[Any], layers: list[Any]
) -> None:
    made, undone = krita.run(_pile, names=names, source="Background")
    assert made == layers
    assert undone == [layer for layer in layers if layer != "Identity 1"]
