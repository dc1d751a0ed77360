"""Live mode: one layer follows the strokes, and stays when it is switched off."""

from __future__ import annotations

from typing import Any

import pytest

from .harness.session import Krita


def _strokes(k: Any, document: Any) -> Any:
    """Steps: a layer of strokes above the background, which becomes active."""
    strokes = document.createNode("Strokes", "paintlayer")
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 16), 4, 4, 4, 4)
    document.rootNode().addChildNode(strokes, document.topLevelNodes()[0])
    yield lambda: document.activeNode() == strokes
    return strokes


@pytest.fixture
def live_krita(krita: Krita) -> Krita:
    """The shared Krita, with what these scenarios have in common."""
    for function in (_strokes, _two, _pump):
        krita.lend(function)
    return krita


def _live(k: Any) -> Any:
    live = k.studio.live
    document = yield from k.new(64, 48, pixels=bytes((10, 20, 30, 255)) * 3072)
    strokes = yield from k.module("harness_strokes")(k, document)
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


def test_one_layer_follows_the_strokes(live_krita: Krita) -> None:
    answer = live_krita.run(_live)
    assert answer["layers"] == ["Follow", "Strokes", "Background"]
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
    strokes = yield from k.module("harness_strokes")(k, document)
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


def test_closing_the_document_ends_live_mode(live_krita: Krita) -> None:
    live_krita.run(_ends, how="closed")


def test_removing_the_live_layer_ends_live_mode(live_krita: Krita) -> None:
    live_krita.run(_ends, how="removed")


def test_removing_the_strokes_ends_live_mode_with_a_sentence(live_krita: Krita) -> None:
    assert live_krita.run(_ends, how="source") == ["The layer “Strokes” is gone. Choose another one for “Strokes”."]


def _needs(k: Any) -> Any:
    yield from k.new(32, 24)
    return k.studio.live.start("test-follow"), k.said()[-1]


def test_live_mode_says_what_it_needs(live_krita: Krita) -> None:
    assert live_krita.run(_needs) == [False, "Follow needs strokes. Paint on a layer called Strokes."]


def _two(k: Any) -> Any:
    """Steps: two documents of different colours, each with strokes; the first one is active."""
    made = []
    for colour in ((200, 20, 30), (20, 190, 60)):
        document = yield from k.new(48, 32, pixels=bytes((*colour, 255)) * 1536)
        yield from k.module("harness_strokes")(k, document)
        made.append(document)
    return made


def _pump(k: Any, turns: int) -> Any:
    """Steps: that many turns of the plugin's own timers, one after the other; its timers stand still meanwhile."""
    studio = k.studio
    for _ in range(turns):
        studio.live._tick()
        studio.steps._turn()
        studio.connection.poll()
        yield 0.01


def _switched(k: Any, turns: int, begin: str, then: str) -> Any:
    """Something begins in the first document; after some turns the second one comes, and live mode is begun there."""
    live, studio = k.studio.live, k.studio
    first, second = yield from k.module("harness_two")(k)
    yield from k.activate(first)
    timers = [live._timer, studio.steps._timer, studio.connection._timer]
    sent: list[Any] = []
    submit = studio.connection.submit

    def record(request: Any) -> Any:
        sent.append(request)
        return submit(request)

    studio.connection.submit = record
    for timer in timers:
        timer.blockSignals(True)
    try:
        assert live.start("test-follow") if begin == "live" else studio.run("test-follow"), k.said()
        yield from k.module("harness_pump")(k, turns)
        before = len(sent)
        if begin == "live":
            live.stop()
        if then == "close":
            yield from k.close(first)
        yield from k.activate(second)
        if begin == "live":
            assert live.start("test-follow"), k.said()
            yield from k.module("harness_pump")(k, 4)
        for timer in timers:
            timer.blockSignals(False)
        if begin == "live":
            yield lambda: live.updates >= 1
        yield k.idle if begin == "run" else 0.2
    finally:
        for timer in timers:
            timer.blockSignals(False)
        studio.connection.submit = submit
        live.stop()
    yield k.idle

    def follows(document: Any) -> Any:
        if not any(document == one for one in k.app.documents()):
            return []
        made = [n for n in document.topLevelNodes() if n.name().startswith("Follow")]
        return [list(bytes(n.pixelData(5, 5, 1, 1))) for n in made]

    return {
        "sent": [list(bytes(request.roles["image"].data[:3])) for request in sent[before:]],
        "first": follows(first),
        "second": follows(second),
        "noted": len([t for t in second.annotationTypes() if t.startswith("scumble-")]),
    }


@pytest.mark.parametrize(
    ("turns", "then"),
    [
        (1, "switch"),
        (2, "close"),
        (3, "switch"),
        (4, "close"),
        (6, "switch"),
        (10, "close"),
        (12, "switch"),
        (14, "close"),
    ],
)
def test_what_was_begun_for_one_document_never_comes_to_another(live_krita: Krita, turns: int, then: str) -> None:
    """Live mode is stopped and begun in another document, at whatever point of reading, hashing, computing, placing."""
    answer = live_krita.run(_switched, turns=turns, begin="live", then=then)
    of_first, of_second = [55, 235, 225, 255], [235, 65, 195, 255]
    assert answer["sent"]
    assert all(pixel == [20, 190, 60] for pixel in answer["sent"]), "the second document's pixels alone"
    assert answer["second"] == [of_second]
    assert answer["noted"] == 1
    assert answer["first"] in ([], [of_first])


@pytest.mark.parametrize(("turns", "then"), [(1, "close"), (4, "switch"), (8, "close"), (12, "switch"), (12, "close")])
def test_a_runs_result_never_comes_to_another_document(live_krita: Krita, turns: int, then: str) -> None:
    answer = live_krita.run(_switched, turns=turns, begin="run", then=then)
    assert answer["second"] == []
    assert answer["noted"] == 0
    assert answer["first"] == ([[55, 235, 225, 255]] if then == "switch" else [])


def _parameters(k: Any) -> Any:
    """While another document is active, its artist changes parameters of the same operation."""
    live = k.studio.live
    first, second = yield from k.module("harness_two")(k)
    yield from k.activate(first)
    operation = k.studio.operation("test-follow")
    k.studio.set_parameters(operation, {"strength": 0.5})
    assert live.start("test-follow"), k.said()
    yield lambda: live.updates == 1
    yield from k.activate(second)
    k.studio.set_parameters(operation, {"strength": 0.25})
    yield 1.0
    meanwhile = live.updates
    yield from k.activate(first)
    yield lambda: live.updates == 2
    live.stop()
    yield k.idle
    return meanwhile


def test_parameters_that_are_changed_in_another_document_are_not_meant_for_the_live_one(live_krita: Krita) -> None:
    assert live_krita.run(_parameters) == 1


def _gone(k: Any, turns: int) -> Any:
    """The strokes are removed after some turns of a look at them."""
    live, studio = k.studio.live, k.studio
    document = yield from k.new(32, 24, pixels=bytes((10, 20, 30, 255)) * 768)
    strokes = yield from k.module("harness_strokes")(k, document)
    timers = [live._timer, studio.steps._timer, studio.connection._timer]
    for timer in timers:
        timer.blockSignals(True)
    try:
        assert live.start("test-follow"), k.said()
        yield from k.module("harness_pump")(k, turns)
        strokes.remove()
    finally:
        for timer in timers:
            timer.blockSignals(False)
    yield lambda: not live.on
    yield k.idle
    return k.said()


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
def test_a_layer_that_is_gone_is_said_alike_whenever_that_is_noticed(live_krita: Krita, turns: int) -> None:
    said = live_krita.run(_gone, turns=turns)
    assert said == ["The layer “Strokes” is gone. Choose another one for “Strokes”."]


def _waits(k: Any) -> Any:
    live = k.studio.live
    document = yield from k.new(64, 48, pixels=bytes((10, 20, 30, 255)) * 3072)
    strokes = document.createNode("Strokes", "paintlayer")
    document.rootNode().addChildNode(strokes, document.topLevelNodes()[0])
    yield lambda: document.activeNode() == strokes
    assert live.start("test-follow")
    yield lambda: k.said()
    yield 0.7
    said, on = k.said(), live.on
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 16), 4, 4, 4, 4)
    yield lambda: live.updates == 1
    live.stop()
    yield k.idle
    return said, on


def test_on_an_empty_layer_live_mode_waits_and_says_so(live_krita: Krita) -> None:
    said, on = live_krita.run(_waits)
    assert said == ["Nothing is painted on the strokes' layer. Paint on it what you want in the face."]
    assert on


def _visible(k: Any) -> Any:
    """What is visible is chosen: live mode's own layer is part of that, and must not be read again."""
    live = k.studio.live
    document = yield from k.new(64, 48, pixels=bytes((10, 20, 30, 255)) * 3072)
    yield from k.module("harness_strokes")(k, document)
    k.select(document, 0, 0, 30, 30)
    k.studio.choose(document, "test-follow", "image", k.module("scumble_client.editor.roles").Source("visible"))
    assert live.start("test-follow"), k.said()
    yield lambda: live.updates == 1
    yield 0.6
    quiet = live.updates
    k.select(document, 0, 0, 40, 40)
    yield lambda: live.updates == 2
    yield 0.6
    document.waitForDone()
    return quiet, live.updates, list(bytes(document.pixelData(5, 5, 1, 1)))


def test_live_mode_does_not_read_its_own_layer(live_krita: Krita) -> None:
    assert live_krita.run(_visible) == [1, 2, [245, 235, 225, 255]]
