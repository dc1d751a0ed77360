"""Live mode: one layer follows the strokes, and stays when it is switched off."""

from __future__ import annotations

from typing import Any

from .harness.session import Krita


def _live(k: Any) -> Any:
    live = k.studio.live
    document = yield from k.new(64, 48, pixels=bytes((10, 20, 30, 255)) * 3072)
    strokes = document.createNode("Strokes", "paintlayer")
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 16), 4, 4, 4, 4)
    document.rootNode().addChildNode(strokes, document.topLevelNodes()[0])
    yield lambda: document.activeNode() == strokes
    assert live.start("test-follow")
    yield lambda: live.updates == 1

    def made() -> Any:
        return next(n for n in document.topLevelNodes() if n.name().startswith("Follow"))

    def shown(x: int, y: int) -> Any:
        document.waitForDone()
        return list(bytes(document.pixelData(x, y, 1, 1)))

    out = {"first": shown(20, 20), "layers": [n.split(" ")[0] for n in k.layers(document)]}
    strokes.setVisible(False)
    document.refreshProjection()
    out["made"] = shown(5, 5)
    strokes.setPixelData(k.bytes(bytes(4) * 16), 4, 4, 4, 4)
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 16), 20, 20, 4, 4)
    yield lambda: live.updates == 2
    yield 0.2
    out["moved"] = [shown(5, 5), shown(21, 21)]
    updates, messages = live.updates, len(k.said())
    yield 0.6
    out["quiet"] = [live.updates - updates, len(k.said()) - messages]
    k.select(document, 0, 0, 30, 30)
    yield lambda: live.updates == 3
    out["still"] = document.activeNode() == strokes
    live.stop()
    yield k.idle
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 16), 40, 30, 4, 4)
    yield 0.5
    out["after"] = [live.on, live.updates, len(k.layers(document)), shown(41, 31)[:3]]
    provenance = k.module("writing").provenance_of(document, made().uniqueId().toString())
    out["request"] = provenance.operation
    return out


def test_one_layer_follows_the_strokes(krita: Krita) -> None:
    answer = krita.run(_live)
    assert answer["layers"] == ["Strokes", "Follow", "Background"]
    assert answer["first"] == [10, 20, 30, 255]
    assert answer["made"] == [245, 235, 225, 255]
    assert answer["moved"] == [[10, 20, 30, 255], [245, 235, 225, 255]]
    assert answer["quiet"] == [0, 0]
    assert answer["still"]
    assert answer["after"] == [False, 3, 3, [10, 20, 30]]
    assert answer["request"] == "test-follow"


def _ends(k: Any, how: str) -> Any:
    live = k.studio.live
    document = yield from k.new(32, 24, pixels=bytes((10, 20, 30, 255)) * 768)
    strokes = document.createNode("Strokes", "paintlayer")
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 16), 4, 4, 4, 4)
    document.rootNode().addChildNode(strokes, document.topLevelNodes()[0])
    yield lambda: document.activeNode() == strokes
    assert live.start("test-follow")
    yield lambda: live.updates == 1
    if how == "closed":
        yield from k.close(document)
    elif how == "removed":
        next(n for n in document.topLevelNodes() if n.name().startswith("Follow")).remove()
    else:
        strokes.remove()
    yield lambda: not live.on
    yield k.idle
    return k.said()[-1:]


def test_closing_the_document_ends_live_mode(krita: Krita) -> None:
    krita.run(_ends, how="closed")


def test_removing_the_live_layer_ends_live_mode(krita: Krita) -> None:
    krita.run(_ends, how="removed")


def test_removing_the_strokes_ends_live_mode_with_a_sentence(krita: Krita) -> None:
    assert krita.run(_ends, how="source") == ["The layer “Strokes” is gone. Choose another one for “Strokes”."]


def _needs(k: Any) -> Any:
    yield from k.new(32, 24)
    return k.studio.live.start("test-follow"), k.said()[-1]


def test_live_mode_says_what_it_needs(krita: Krita) -> None:
    assert krita.run(_needs) == [False, "Follow needs strokes. Paint on a layer called Strokes."]
