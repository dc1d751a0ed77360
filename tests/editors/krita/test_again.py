"""Results: the request in the file, Run Again after opening it, thumbnails, variations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .harness.session import Krita


def _made(k: Any, variations: int = 1) -> Any:
    """Steps: a picture with one result; its document."""
    pixels = b"".join(bytes(((x * 7) % 256, (y * 11) % 256, (x * y) % 256, 255)) for y in range(60) for x in range(80))
    document = yield from k.new(80, 60, pixels=pixels)
    operation = k.studio.operation("inpaint")
    k.studio.set_parameters(operation, {**k.studio.parameters(operation), "variations": variations, "patch": 5})
    k.select(document, 20, 20, 12, 10)
    k.trigger("scumble_inpaint")
    yield lambda: k.layers(document)[0].startswith("Inpaint")
    yield k.idle
    return document


def _save_and_open(k: Any, path: str) -> Any:
    made = yield from k.module("harness_made")(k)
    first = k.layers(made)[0]
    made.setBatchmode(True)
    assert made.saveAs(path)
    yield 0.2
    yield from k.close(made)
    document = yield from k.open(path)
    layer = next(n for n in document.topLevelNodes() if n.name() == first)
    before = bytes(layer.pixelData(0, 0, 80, 60))
    document.setActiveNode(layer)
    yield lambda: document.activeNode() == layer
    document.setSelection(None)
    k.studio.settings.set_option("new_seed", False)
    k.trigger("scumble_run_again")
    yield lambda: len([n for n in k.layers(document) if n.startswith("Inpaint")]) == 2
    yield k.idle
    other = next(n for n in document.topLevelNodes() if n.name().startswith("Inpaint") and n != layer)
    same = bytes(other.pixelData(0, 0, 80, 60)) == before
    k.studio.settings.set_option("new_seed", True)
    document.setActiveNode(layer)
    yield lambda: document.activeNode() == layer
    k.trigger("scumble_run_again")
    yield lambda: len([n for n in k.layers(document) if n.startswith("Inpaint")]) == 3
    yield k.idle
    names = {n.name() for n in document.topLevelNodes() if n.name().startswith("Inpaint")}
    provenance = k.module("writing").provenance_of(document, layer.uniqueId().toString())
    return {
        "same": same,
        "names": sorted(names),
        "parameters": provenance.parameters["patch"],
        "mask": [provenance.mask.x, provenance.mask.y, provenance.mask.width, provenance.mask.height],
        "image": provenance.sources["image"].name,
        "version": bool(provenance.extra["version"]),
    }


def test_run_again_works_after_saving_and_opening_without_the_selection(krita: Krita, tmp_path: Path) -> None:
    krita.lend(_made)
    answer = krita.run(_save_and_open, path=str(tmp_path / "picture.kra"))
    assert answer["same"]
    assert answer["names"] == ["Inpaint 1", "Inpaint 2", "Inpaint 3"]
    assert answer["parameters"] == 5
    assert answer["mask"] == [20, 20, 12, 10]
    assert answer["image"] == "Background"
    assert answer["version"]


def _thumbnails(k: Any) -> Any:
    document = yield from k.module("harness_made")(k)
    results = k.studio.results
    number = next(iter(results.of(document)))
    everything = (0, 0, 80, 60)

    def seen() -> Any:
        document.waitForDone()
        return bytes(document.pixelData(*everything))

    with_layer = seen()
    results.toggle(number)
    yield 0.2
    hidden = seen()
    visible = results.visible(results.get(number))
    results.toggle(number)
    yield 0.2
    again = seen()
    k.studio.set_parameters(k.studio.operation("inpaint"), {"patch": 9})
    results.use(number)
    patch = k.studio.parameters(k.studio.operation("inpaint"))["patch"]
    results.discard(number)
    yield 0.2
    discarded = seen()
    return {
        "hidden": hidden == discarded and hidden != with_layer and not visible,
        "shown": again == with_layer,
        "patch": patch,
        "layers": k.layers(document),
        "left": len(results.of(document)),
    }


def test_a_thumbnail_hides_shows_discards_and_gives_its_parameters(krita: Krita) -> None:
    krita.lend(_made)
    answer = krita.run(_thumbnails)
    assert answer == {"hidden": True, "shown": True, "patch": 5, "layers": ["Background"], "left": 0}


def _held(k: Any) -> Any:
    """A thumbnail of a docker that is shown: held, let go, clicked."""
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    document = yield from k.module("harness_made")(k, 2)
    docker.setVisible(
        True
    )  # once a document is there: Krita hides dockers with the last, and brings back what was shown then
    docker.setFloating(True)
    list_ = docker.thumbnails
    yield lambda: list_.count() == 2 and list_.isVisible()
    qt, test = k.qt.QtCore.Qt, k.qt.QtTest.QTest
    made = next(n for n in document.topLevelNodes() if n.name() == "Inpaint 1")
    where = list_.visualItemRect(list_.item(0)).center()
    arguments = (list_.viewport(), qt.MouseButton.LeftButton, qt.KeyboardModifier.NoModifier, where)
    word = next(w for w in docker.findChildren(k.qt.QtWidgets.QLabel) if "Hold" in w.text())
    out = [word.text(), made.visible()]
    test.mousePress(*arguments)
    yield lambda: not made.visible()
    test.mouseRelease(*arguments)
    yield 0.1
    out.append(made.visible())
    test.mouseClick(*arguments)
    yield 0.1
    out.append(made.visible())
    test.mouseClick(*arguments)
    yield 0.1
    return out, [list_.item(n).toolTip().split("\n")[0] for n in range(2)], k.layers(document)


def test_a_thumbnail_is_held_to_compare_and_that_is_said(krita: Krita) -> None:
    krita.lend(_made)
    (word, *visible), tips, layers = krita.run(_held)
    assert word == "Click: show or hide. Hold: before and after. Right click: more."
    assert visible == [True, True, False]
    assert layers == ["Inpaint 1", "Background"]
    assert re.fullmatch(r"Inpaint 1 \(shown\), seed \d+\.", tips[0])
    assert re.fullmatch(r"Inpaint 2 \(not a layer yet\), seed \d+\.", tips[1])


def _icons(k: Any) -> Any:
    """The same picture shown and hidden: only the frame tells them apart."""
    made = k.module("thumbnails")._icon
    picture = bytes((200, 60, 10, 255)) * 4096, 64, 64
    frame = k.qt.QtGui.QColor(0, 0, 255)
    icons = [made(picture, visible, frame).pixmap(64, 64).toImage() for visible in (True, False)]
    return [[icon.pixelColor(place, 32).name() for place in (0, 32)] for icon in icons]


def test_a_variation_that_is_not_shown_is_not_faint(krita: Krita) -> None:
    assert krita.run(_icons) == [["#0000ff", "#c83c0a"], ["#c83c0a", "#c83c0a"]]


def _undone(k: Any) -> Any:
    document = yield from k.module("harness_made")(k)
    number = next(iter(k.studio.results.of(document)))
    k.trigger("edit_undo")
    yield lambda: k.layers(document) == ["Background"]
    k.studio.results.toggle(number)
    yield lambda: len(k.layers(document)) == 2
    yield k.idle
    k.studio.results.keep(number)
    return k.layers(document)[0].split(" ")[0], len(k.studio.results.of(document))


def test_an_undone_result_comes_back_from_its_thumbnail_and_can_be_kept(krita: Krita) -> None:
    krita.lend(_made)
    assert krita.run(_undone) == ["Inpaint", 0]


def _variations(k: Any) -> Any:
    document = yield from k.module("harness_made")(k, 3)
    results = k.studio.results
    first = k.layers(document)
    numbers = list(results.of(document))
    states = [[results.visible(results.get(n)) for n in numbers]]
    seeds = [results.get(n).provenance.seed for n in numbers]
    results.toggle(numbers[1])
    yield lambda: len(k.layers(document)) == 3
    yield k.idle
    states.append([results.visible(results.get(n)) for n in numbers])
    results.toggle(numbers[0])
    yield 0.2
    states.append([results.visible(results.get(n)) for n in numbers])
    one = results.get(numbers[1]).provenance
    return {
        "first": len(first),
        "count": len(numbers),
        "seeds": [(s - seeds[0]) % 2**32 for s in seeds],
        "states": states,
        "variations": one.parameters["variations"],
    }


def test_variations_are_thumbnails_and_showing_one_hides_the_others(krita: Krita) -> None:
    krita.lend(_made)
    answer = krita.run(_variations)
    assert answer["first"] == 2
    assert answer["count"] == 3
    assert answer["seeds"] == [0, 1, 2]
    assert answer["states"] == [[True, False, False], [False, True, False], [True, False, False]]
    assert answer["variations"] == 1


def _impatient(k: Any) -> Any:
    """Clicks on a variation's thumbnail while its layer is being made, and on “Keep”."""
    document = yield from k.module("harness_made")(k, 3)
    results = k.studio.results
    number = list(results.of(document))[1]
    for work in (results.toggle, results.toggle, results.keep, results.toggle):
        work(number)
    yield lambda: len(k.layers(document)) > 2
    yield k.idle
    yield 0.1
    return len(k.layers(document))


def test_a_thumbnail_that_is_clicked_twice_makes_one_layer(krita: Krita) -> None:
    krita.lend(_made)
    assert krita.run(_impatient) == 3


def _closed_meanwhile(k: Any) -> Any:
    document = yield from k.module("harness_made")(k, 3)
    other = yield from k.new(16, 16)
    results = k.studio.results
    number = list(results.of(document))[1]
    results.toggle(number)
    yield from k.close(document)
    yield k.idle
    return k.layers(other), k.studio.steps.busy


def test_a_document_that_is_closed_while_a_variation_becomes_a_layer_is_harmless(krita: Krita) -> None:
    krita.lend(_made)
    assert krita.run(_closed_meanwhile) == [["Background"], False]


def _picture(k: Any) -> Any:
    """What inpainting reads with the first result active, and with a sketch above it."""
    pixels = b"".join(bytes((x, y, x + y, 255)) for y in range(48) for x in range(64))
    document = yield from k.new(64, 48, pixels=pixels)
    k.select(document, 20, 20, 8, 8)
    k.trigger("scumble_inpaint")
    yield lambda: len(k.layers(document)) == 2
    yield k.idle
    first = next(n for n in document.topLevelNodes() if n.name() == "Inpaint 1")
    document.setActiveNode(first)
    yield lambda: document.activeNode() == first
    k.trigger("scumble_inpaint")
    yield lambda: len(k.layers(document)) == 3
    yield k.idle
    second = next(n for n in document.topLevelNodes() if n.name() == "Inpaint 2")
    of_second = k.module("writing").provenance_of(document, second.uniqueId().toString()).sources["image"].kind
    sketch = document.createNode("Sketch", "paintlayer")
    document.rootNode().addChildNode(sketch, document.topLevelNodes()[-1])
    yield lambda: document.activeNode() == sketch
    read = k.module("scumble_client.editor.roles").resolve(
        k.studio.operation("inpaint"), {}, k.module("document").view_of(document)
    )
    return of_second, read["image"].name, k.said()


def test_a_result_is_not_the_picture_unless_it_is_chosen(krita: Krita) -> None:
    of_second, below_sketch, said = krita.run(_picture)
    assert of_second == "visible", said
    assert below_sketch == "Background"


def _beside(k: Any, how: str) -> Any:
    """A red picture with a result on its left, then a run over all of it; the active layer is the strokes' or `how` says."""
    document = yield from k.new(64, 48, pixels=bytes((0, 0, 200, 255)) * 3072)
    background = document.topLevelNodes()[0]
    source = k.module("scumble_client.editor.roles").Source
    strokes = document.createNode("Strokes", "paintlayer")
    strokes.setPixelData(k.bytes(bytes((255, 255, 255, 255)) * 200), 0, 0, 20, 10)
    document.rootNode().addChildNode(strokes, background)
    yield lambda: document.activeNode() == strokes
    if how == "active":
        document.setActiveNode(background)
        yield lambda: document.activeNode() == background
    k.select(document, 0, 0, 20, 48)
    yield lambda: document.selection() is not None
    k.trigger("scumble_test-follow")
    yield lambda: len(k.layers(document)) == 3
    yield k.idle
    first = next(n for n in document.topLevelNodes() if n.name() == "Follow 1")
    strokes.setPixelData(k.bytes(bytes((255, 255, 255, 255)) * 640), 0, 0, 64, 10)
    if how != "again":
        k.select(document, 0, 0, 64, 48)
        yield lambda: document.selection().width() == 64
    if how in ("below", "alone"):
        chosen = source("below") if how == "below" else source("layer", background.uniqueId().toString(), "Background")
        k.studio.choose(document, "test-follow", "image", chosen)
    elif how == "visible":
        k.studio.choose(document, "test-follow", "image", source("visible"))
    elif how == "result":
        document.setActiveNode(first)
        yield lambda: document.activeNode() == first
    k.trigger("scumble_test-follow")
    yield lambda: len(k.layers(document)) == 4
    yield k.idle
    second = next(n for n in document.topLevelNodes() if n.name() == "Follow 2")
    seen = [list(bytes(second.pixelData(x, 5, 1, 1)))[:3] for x in (5, 40)]
    document.setActiveNode(second)
    yield lambda: document.activeNode() == second
    document.waitForDone()
    return seen, k.layers(document), list(bytes(document.pixelData(5, 5, 1, 1)))[:3]


RED, CYAN = [0, 0, 200], [255, 255, 55]


@pytest.mark.parametrize(
    ("how", "read"),
    [
        ("drawing", [CYAN, RED]),  # the strokes' layer is active; the first result is read with the picture below it
        ("active", [CYAN, RED]),
        ("result", [CYAN, RED]),  # what is visible, without the strokes
        ("visible", [CYAN, RED]),
        ("again", [RED, RED]),  # the same place once more: the first result is no part of the picture
        ("below", [RED, RED]),  # chosen: the layer alone
        ("alone", [RED, RED]),
    ],
)
def test_a_second_run_reads_what_is_seen_beside_its_own_place(krita: Krita, how: str, read: list[Any]) -> None:
    """The operation of the tests gives the inverse of what it has read."""
    seen, layers, shown = krita.run(_beside, how=how)
    assert [[255 - value for value in pixel] for pixel in seen] == read
    assert layers == ["Follow 2", "Follow 1", "Strokes", "Background"]
    assert shown == seen[0]
