"""Results: the request in the file, Run Again after opening it, thumbnails, variations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
        "names": len(names),
        "parameters": provenance.parameters["patch"],
        "mask": [provenance.mask.x, provenance.mask.y, provenance.mask.width, provenance.mask.height],
        "image": provenance.sources["image"].name,
        "version": bool(provenance.extra["version"]),
    }


def test_run_again_works_after_saving_and_opening_without_the_selection(krita: Krita, tmp_path: Path) -> None:
    krita.lend(_made)
    answer = krita.run(_save_and_open, path=str(tmp_path / "picture.kra"))
    assert answer["same"]
    assert answer["names"] == 2
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
    background = document.topLevelNodes()[0]
    k.select(document, 20, 20, 8, 8)
    k.trigger("scumble_inpaint")
    yield lambda: len(k.layers(document)) == 2
    yield k.idle
    first = next(n for n in document.topLevelNodes() if n != background)
    document.setActiveNode(first)
    yield lambda: document.activeNode() == first
    k.trigger("scumble_inpaint")
    yield lambda: len(k.layers(document)) == 3
    yield k.idle
    second = next(n for n in document.topLevelNodes() if n not in (background, first))
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
