"""The docker's live preview: new with each change, before and after, and nothing where it would take minutes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.daemon import ROOT

from .harness.session import Krita
from .test_docker import _docker

PICTURE = str(ROOT / "backend" / "scumble" / "pictures" / "wren.jpg")


def _colours(preview: Any) -> Any:
    """The middle pixel before and after."""
    pictures = preview.pictures
    if pictures is None:
        return None
    return [[c.red(), c.green(), c.blue()] for c in (p.pixelColor(p.width() // 2, p.height() // 2) for p in pictures)]


def _follows(k: Any) -> Any:
    """A dark picture with a stroke in its middle, which the tests' operation inverts, as strongly as it is told."""
    docker = k.module("harness_docker")(k)
    colours = k.module("harness_colours")
    preview = k.studio.preview
    document = yield from k.new(400, 300, pixels=bytes((10, 20, 30, 255)) * 120000)
    strokes = document.createNode("Strokes", "paintlayer")
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 1600), 180, 130, 40, 40)
    document.rootNode().addChildNode(strokes, document.topLevelNodes()[0])
    yield lambda: document.activeNode() == strokes
    operation = k.studio.operation("test-follow")
    docker.show_operation(operation)
    out: dict[str, Any] = {"off": [preview.on, docker.preview.isVisible()]}
    docker.preview_button.click()
    yield lambda: preview.pictures is not None
    out["whole"] = [preview.pictures[0].width(), preview.pictures[0].height(), colours(preview)]
    k.select(document, 170, 120, 60, 60)
    first = preview.pictures
    yield lambda: preview.pictures not in (None, first)
    out["part"] = [preview.pictures[0].width(), preview.pictures[0].height(), colours(preview)]
    panel = docker.preview
    qt, test = k.qt.QtCore.Qt, k.qt.QtTest.QTest
    arguments = (panel.picture, qt.MouseButton.LeftButton, qt.KeyboardModifier.NoModifier)

    def middle() -> Any:
        image = panel.picture.pixmap().toImage()
        return image.pixelColor(image.width() // 2, image.height() // 2).red()

    out["words"] = [panel.word.text()]
    out["held"] = [middle()]
    test.mousePress(*arguments)
    out["held"].append(middle())
    out["words"].append(panel.word.text())
    test.mouseRelease(*arguments)
    out["held"].append(middle())
    out["layers"] = k.layers(document)
    strokes.remove()
    yield lambda: preview.line
    out["missing"] = preview.line, preview.pictures
    docker.preview_button.click()
    out["end"] = [preview.on, panel.isVisible(), k.said()]
    return out


def _answers_again(k: Any) -> Any:
    """A change while the daemon did not answer."""
    docker = k.module("harness_docker")(k)
    preview = k.studio.preview
    document = yield from k.new(400, 300, pixels=bytes((10, 20, 30, 255)) * 120000)
    strokes = document.createNode("Strokes", "paintlayer")
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 1600), 180, 130, 40, 40)
    document.rootNode().addChildNode(strokes, document.topLevelNodes()[0])
    yield lambda: document.activeNode() == strokes
    docker.show_operation(k.studio.operation("test-follow"))
    docker.preview_button.click()
    yield lambda: preview.pictures is not None
    kind = type(k.studio.connection)
    answers = kind.reachable
    kind.reachable = property(lambda connection: False)
    try:
        k.select(document, 170, 120, 60, 60)
        yield lambda: preview.line
        out = [preview.line, preview.pictures is None]
    finally:
        kind.reachable = answers
    yield lambda: preview.pictures is not None
    docker.preview_button.click()
    return [*out, preview.line]


def test_it_shows_the_part_around_the_selection_before_and_after(krita: Krita) -> None:
    krita.lend(_docker)
    krita.lend(_colours)
    answer = krita.run(_follows)
    assert answer["off"] == [False, False]
    change = [[30, 20, 10], [225, 235, 245]]
    assert answer["whole"] == [280, 210, change]
    assert answer["part"] == [156, 156, change]
    assert answer["words"] == ["Hold the mouse on it: before.", "Before"]
    assert answer["held"] == [225, 30, 225]
    assert answer["layers"] == ["Strokes", "Background"]
    assert answer["missing"] == ["Follow needs strokes. Paint on a layer called Strokes.", None]
    assert answer["end"] == [False, False, []]


def _changes(k: Any, path: str) -> Any:
    docker = k.module("harness_docker")(k)
    preview = k.studio.preview
    document = yield from k.open(path)
    k.select(document, 40, 200, 60, 50)
    yield lambda: document.selection() is not None
    docker.show_operation(k.studio.operation("inpaint"))
    docker.preview_button.click()
    yield lambda: preview.pictures is not None or preview.line
    first = preview.pictures[1]
    docker.form.fields["method"].widget.setCurrentIndex(3)  # smooth colours
    yield lambda: preview.pictures is not None and preview.pictures[1] != first
    second = preview.pictures[1]
    docker.show_operation(k.studio.operation("photo-style"))
    docker.form.fields["painting"].widget.setCurrentIndex(1)
    docker.form.fields["method"].widget.setCurrentIndex(1)
    yield lambda: "minutes" in preview.line
    slow = [preview.line, preview.pictures, preview._job]
    docker.form.fields["method"].widget.setCurrentIndex(0)
    yield lambda: preview.pictures is not None
    docker.preview_button.click()
    return first.size() == second.size(), slow, k.layers(document), k.said()


def test_each_change_gives_a_new_one_and_a_slow_method_none(krita: Krita) -> None:
    krita.lend(_docker)
    same_size, slow, layers, said = krita.run(_changes, path=PICTURE)
    assert same_size
    assert slow == ["No preview: with this method a run takes minutes.", None, None]
    assert layers == ["Background"]
    assert said == []


@pytest.mark.parametrize("how", ["close", "switch off"])
def test_it_may_be_ended_in_the_middle(krita: Krita, how: str) -> None:
    krita.lend(_docker)
    of_the_other = "Nothing is selected. Select what should be filled." if how == "close" else ""
    assert krita.run(_ended, path=PICTURE, how=how) == [[], None, of_the_other]


def _ended(k: Any, path: str, how: str) -> Any:
    docker = k.module("harness_docker")(k)
    preview = k.studio.preview
    yield from k.new(40, 30)
    document = yield from k.open(path)
    k.select(document, 40, 200, 60, 50)
    yield lambda: document.selection() is not None
    docker.show_operation(k.studio.operation("inpaint"))
    docker.preview_button.click()
    line = ""
    yield lambda: preview._reading or preview._job is not None
    if how == "close":
        yield from k.close(document)
        yield lambda: preview.line
        line = preview.line
    docker.preview_button.click()
    yield k.idle
    return k.said(), preview.pictures, line


def test_what_changed_while_the_daemon_did_not_answer_is_shown_when_it_does(krita: Krita) -> None:
    krita.lend(_docker)
    said, gone, line = krita.run(_answers_again)
    assert "daemon" in said
    assert gone
    assert line == ""
