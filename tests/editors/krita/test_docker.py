"""The docker: made from descriptions alone, narrow, in both themes; presets, choosers, the latent canvas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scumble.operations import operations
from scumble_client.editor import form
from tests.editors.display import Display
from tests.support.daemon import Daemon

from .conftest import make_krita
from .harness.session import Home, Krita


def _docker(k: Any) -> Any:
    """The docker, shown."""
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    docker.setVisible(True)
    docker.setFloating(True)
    return docker


def _shows(k: Any) -> Any:
    docker = k.module("harness_docker")(k)
    yield lambda: k.studio.connection.state == "ready"
    docker.rebuild()
    names = [docker.operations.itemText(i) for i in range(docker.operations.count())]
    described = k.studio.catalogue.find("inpaint")
    docker.show_operation(described)
    yield 0.1
    return {
        "names": names,
        "wanted": [o["title"] for o in k.studio.catalogue.operations if not o.get("hidden")],
        "fields": list(docker.form.fields) == [p["name"] for p in described["parameters"]],
        "roles": list(docker.choosers.boxes) == [r["name"] for r in described["roles"]],
        "values": docker.form.values() == k.studio.parameters(described),
        "problem": docker.problem.text(),
        "run": docker.run_button.isEnabled(),
        "daemon": docker.daemon.text(),
        "start": docker.start_button.isVisible(),
    }


def test_it_is_made_from_the_descriptions(krita: Krita) -> None:
    krita.lend(_docker)
    answer = krita.run(_shows)
    assert answer["names"] == answer["wanted"] != []
    assert answer["fields"]
    assert answer["roles"]
    assert answer["values"]
    assert answer["problem"] == "No picture is open. Open one, or make a new one."
    assert not answer["run"]
    assert answer["daemon"].startswith("Daemon: ")
    assert not answer["start"]


def _changes(k: Any) -> Any:
    docker = k.module("harness_docker")(k)
    operation = k.studio.catalogue.find("inpaint")
    docker.show_operation(operation)
    fields = docker.form.fields
    fields["patch"].slider.setValue(3)
    fields["blend"].widget.setCurrentIndex(1)
    fields["tolerance"].spin.setValue(0.5)
    after = k.studio.parameters(operation)
    yield lambda: k.studio.settings.last(operation)["patch"] == after["patch"]
    docker.presets.keep("Mine", k.studio.parameters(operation))
    docker.form._reset(operation["parameters"][[p["name"] for p in operation["parameters"]].index("patch")])
    reset = k.studio.parameters(operation)["patch"]
    docker.presets.fill()
    actions = [a for a in docker.presets.menu().actions() if a.text()]
    entries = [a.text() for a in actions]
    forget = [a.text() for a in next(a for a in actions if a.text() == "Forget").menu().actions()]
    next(a for a in actions if a.text() == "Sky or gradient").trigger()
    bundled = [k.studio.parameters(operation)["method"], docker.form.values()["method"]]
    docker.presets.keep("Drawn art", None)
    refused = k.said()[-1]
    docker.presets.load("Mine")
    yield 0.05
    return {
        "forget": forget,
        "bundled": bundled,
        "refused": refused,
        "after": [after["patch"], after["blend"], after["tolerance"]],
        "reset": reset,
        "entries": entries,
        "loaded": [k.studio.parameters(operation)["patch"], docker.form.values()["patch"]],
    }


def test_changes_are_kept_reset_and_made_presets(krita: Krita) -> None:
    krita.lend(_docker)
    answer = krita.run(_changes)
    assert answer["after"] == [9, "multiband", 0.5]
    assert answer["reset"] == 7
    bundled = ["Remove an object", "Dust and scratches", "Sky or gradient", "Drawn art"]
    assert answer["entries"] == [*bundled, "Mine", "Keep As...", "Forget", "Reset All Parameters"]
    assert answer["forget"] == ["Mine"]
    assert answer["bundled"] == ["smooth", "smooth"]
    assert answer["refused"] == "“Drawn art” comes with Scumble. Choose another name for yours."
    assert answer["loaded"] == [9, 9]


def _chooses(k: Any, picture: str) -> Any:
    docker = k.module("harness_docker")(k)
    document = yield from k.new(40, 30, pixels=bytes((10, 20, 30, 255)) * 1200)
    strokes = document.createNode("strokes", "paintlayer")
    strokes.setPixelData(k.bytes(bytes((0, 0, 255, 255)) * 16), 4, 4, 4, 4)
    document.rootNode().addChildNode(strokes, document.topLevelNodes()[0])
    yield lambda: document.activeNode() == strokes
    docker.show_operation(k.studio.catalogue.find("test-follow"))
    yield 0.1
    shown = {role: box.currentText() for role, box in docker.choosers.boxes.items()}
    boxes = docker.choosers.boxes
    entries = {role: [box.itemText(i) for i in range(box.count())] for role, box in boxes.items()}
    boxes["image"].showPopup()
    pictures = [
        boxes["image"].itemText(i) for i in range(boxes["image"].count()) if boxes["image"].itemIcon(i).isNull()
    ]
    boxes["image"].hidePopup()
    docker.choosers.choose_file(document, "style", picture)
    place = docker.choosers.boxes["image"].findText("What is visible")
    docker.choosers._activated({"name": "image"}, place)
    after = {role: box.currentText() for role, box in docker.choosers.boxes.items()}
    docker.run_button.click()
    yield lambda: len(k.layers(document)) == 3
    yield k.idle
    made = next(n for n in document.topLevelNodes() if n.name().startswith("Follow"))
    provenance = k.module("writing").provenance_of(document, made.uniqueId().toString())
    return {
        "shown": shown,
        "entries": entries,
        "after": after,
        "pixel": list(bytes(made.pixelData(5, 5, 1, 1))),
        "pictures": pictures,
        "provenance": {role: source.kind for role, source in provenance.sources.items()},
    }


def test_inputs_can_be_chosen(krita: Krita, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), (1, 2, 3)).save(tmp_path / "style.png")
    krita.lend(_docker)
    answer = krita.run(_chooses, picture=str(tmp_path / "style.png"))
    assert answer["shown"] == {
        "image": "Auto: Background",
        "strokes": "Auto: strokes",
        "mask": "Auto: nothing",
        "style": "Auto: nothing",
    }
    assert answer["entries"]["style"] == ["Auto: nothing", "strokes", "Background", "File...", "Nothing"]
    ways = ["What is visible", "Active layer", "Layer below"]
    assert answer["entries"]["image"] == ["Auto: Background", *ways, "strokes", "Background", "File..."]
    assert answer["pictures"] == ["File..."]
    assert answer["after"]["image"] == "What is visible"
    assert answer["after"]["style"] == "style.png"
    assert answer["pixel"] == [245, 235, 225, 255]  # what is visible, but for the strokes: they are another input
    assert answer["provenance"] == {"image": "visible", "strokes": "layer", "style": "file"}


def _damaged(k: Any, picture: str) -> Any:
    document = yield from k.new(40, 30)
    source = k.module("scumble_client.editor.roles").Source
    strokes = document.createNode("Strokes", "paintlayer")
    document.rootNode().addChildNode(strokes, document.topLevelNodes()[0])
    k.studio.choose(document, "test-follow", "style", source("file", path=picture))
    yield 0.1
    k.trigger("scumble_test-follow")
    yield k.idle
    return k.said()[-1]


def test_a_file_that_is_no_picture_is_said(krita: Krita, tmp_path: Path) -> None:
    (tmp_path / "style.png").write_text("no picture")
    said = krita.run(_damaged, picture=str(tmp_path / "style.png"))
    assert said.startswith(f"The file {tmp_path / 'style.png'} can't be read: ")


def _latent(k: Any) -> Any:
    qt, click = k.qt.QtCore.Qt, k.qt.QtTest.QTest.mouseClick
    docker = k.module("harness_docker")(k)
    operation = k.studio.catalogue.find("test-follow")
    docker.show_operation(operation)
    docker.resize(300, 700)
    yield 0.2
    canvas = docker.form.fields["latent"].widget

    def centre(row: int, column: int) -> Any:
        left, side = canvas._grid()
        return k.qt.QtCore.QPoint(int(left + (column + 0.5) * side), int((row + 0.5) * side))

    before = k.studio.parameters(operation)["latent"]
    click(canvas, qt.MouseButton.LeftButton, qt.KeyboardModifier.NoModifier, centre(2, 3))
    lighter = k.studio.parameters(operation)["latent"]
    click(canvas, qt.MouseButton.RightButton, qt.KeyboardModifier.NoModifier, centre(9, 9))
    darker = k.studio.parameters(operation)["latent"]
    canvas.reset()
    return {
        "before": before,
        "lighter": [[i, v] for i, v in enumerate(lighter) if v],
        "darker": [[i, v] for i, v in enumerate(darker) if v],
        "after": k.studio.parameters(operation)["latent"],
    }


def test_the_latent_canvas_is_painted_and_reset(krita: Krita) -> None:
    krita.lend(_docker)
    answer = krita.run(_latent)
    assert answer["before"] == answer["after"] == []
    assert answer["lighter"] == [[23, 0.25]]
    assert answer["darker"] == [[23, 0.25], [99, -0.25]]


def _looks(k: Any, long: str) -> Any:
    """What does not fit into 300 pixels, and how text stands out from its ground."""
    qt = k.qt.QtWidgets
    docker = k.module("harness_docker")(k)
    yield from k.new(40, 30, pixels=bytes((10, 20, 30, 255)) * 1200)
    out = {}
    for name in [o["name"] for o in k.studio.catalogue.operations]:
        docker.show_operation(k.studio.catalogue.find(name))
        docker.fold.setChecked(True)
        docker.resize(300, 800)
        yield 0.2
        width, beyond, cut, parameters = docker.width(), [], [], 0
        for widget in docker.widget().findChildren(qt.QWidget):
            right = widget.mapTo(docker, widget.rect().topRight()).x()
            if widget.isVisible() and right > width:
                beyond.append([type(widget).__name__, right])
        boxes = list(docker.choosers.boxes.items())
        boxes += [(n, f.widget) for n, f in docker.form.fields.items() if isinstance(f.widget, qt.QComboBox)]
        for role, box in boxes:
            option = qt.QStyleOptionComboBox()
            box.initStyleOption(option)
            style = box.style()
            control, part = qt.QStyle.ComplexControl.CC_ComboBox, qt.QStyle.SubControl.SC_ComboBoxEditField
            room = style.subControlRect(control, option, part, box).width()
            if box.isVisible() and box.fontMetrics().boundingRect(box.currentText()).width() > room:
                cut.append([role, box.currentText(), room])
        broken = []
        for rows in docker.widget().findChildren(qt.QFormLayout):
            for row in range(rows.rowCount()):
                pair = [
                    rows.itemAt(row, part)
                    for part in (qt.QFormLayout.ItemRole.LabelRole, qt.QFormLayout.ItemRole.FieldRole)
                ]
                label, field = (item.widget() if item is not None else None for item in pair)
                if label is None or field is None or not label.isVisible():
                    continue
                if field.geometry().top() > label.geometry().bottom():
                    broken.append(label.text())
        docker.fold.setChecked(False)
        for field in docker.form.fields.values():
            parameters += field.widget.isVisibleTo(docker)
        out[name] = [width, beyond, cut, parameters, broken]
    palette = docker.daemon.palette()
    text, ground = palette.windowText().color().lightness(), palette.window().color().lightness()
    k.studio.fail(k.module("scumble_client.errors").ScumbleError("internal", long, "Do this."))
    yield 0.1
    docker.resize(300, 500)
    yield 0.1
    said = docker.message
    seen = (
        said.visibleRegion().boundingRect().height() == said.height() > 20
        and said.mapTo(docker, said.rect().bottomLeft()).y() < 400
    )
    return out, abs(text - ground), ground, seen


@pytest.mark.parametrize(("theme", "dark"), [("Krita dark", True), ("Krita bright", False)])
def test_everything_fits_into_300_pixels_in_both_themes(
    theme: str, dark: bool, display: Display, template: Path, krita_daemon: Daemon, tmp_path: Path
) -> None:
    home = Home(tmp_path / "krita", template)
    home.kritarc.write_text(f"[theme]\nTheme={theme}\n")
    with make_krita(home, display, krita_daemon.folders) as krita:
        krita.lend(_docker)
        out, contrast, ground, seen = krita.run(
            _looks, long="Something is wrong that takes more than one line to tell."
        )
    assert all(width == 300 and not beyond for width, beyond, *_ in out.values()), out
    assert all(not cut for _, _, cut, *_ in out.values()), out
    assert all(parameters <= 6 for _, _, _, parameters, _ in out.values()), out
    assert all(not broken for *_, broken in out.values()), out
    assert contrast > 100
    assert (ground < 128) == dark
    assert seen


def _folds(k: Any) -> Any:
    docker = k.module("harness_docker")(k)
    yield lambda: k.studio.connection.state == "ready"
    described = k.studio.catalogue.find("photo-style")
    docker.show_operation(described)
    fields = docker.form.fields

    def shown() -> Any:
        parameters = [name for name, field in fields.items() if field.widget.isVisibleTo(docker)]
        return parameters, [role for role, box in docker.choosers.boxes.items() if box.isVisibleTo(docker)]

    yield lambda: fields["method"].widget.isVisible()
    out = {"first": shown()}
    docker.fold.click()
    yield lambda: docker.seed.isVisible()
    out["fast"] = shown()
    yield 0.1  # laid out anew
    last = fields["segment_count"].widget
    end = last.mapTo(docker, last.rect().bottomLeft()).y()
    out["gap"] = docker.seed.mapTo(docker, docker.seed.rect().topLeft()).y() - end
    fields["method"].widget.setCurrentIndex(1)
    out["deep"] = shown()
    docker.show_operation(k.studio.catalogue.find("paint-style"))
    yield lambda: docker.form.fields["method"].widget.isVisible()
    out["kept"] = [k.studio.settings.option("advanced"), docker.fold.isChecked(), docker.seed.isVisibleTo(docker)]
    box = docker.form.fields["painting"].widget
    out["labels"] = [box.itemText(i) for i in range(box.count())]
    out["pictures"] = [box.itemText(i) for i in range(box.count()) if not box.itemIcon(i).isNull()]
    return out


def test_what_has_no_effect_is_hidden_and_the_rest_folded(krita: Krita) -> None:
    krita.lend(_docker)
    answer = krita.run(_folds)
    described = operations()["photo-style"].describe()
    fast, deep = (
        {"method": method, "optimizer": "lbfgs", "smooth": True, "segments": "given"} for method in ("fast", "deep")
    )
    basic, advanced = ([p["name"] for p in part] for part in form.shown(described, fast))
    assert answer["first"] == [basic, ["image", "style", "mask"]]
    assert set(answer["fast"][0]) == {*basic, *advanced}
    assert 0 < answer["gap"] < 20, "what is hidden takes no room"
    assert len(answer["fast"][1]) == len(described["roles"])
    assert set(answer["deep"][0]) == {p["name"] for part in form.shown(described, deep) for p in part}
    assert "learning_rate" not in answer["deep"][0]
    assert answer["kept"] == [True, True, True]
    assert answer["labels"][:3] == ["None", "Impasto", "Ocean waves"]
    assert answer["pictures"] == answer["labels"][1:]


def _late(k: Any, picture: str, how: str) -> Any:
    """A file is asked for in one document, and named when another one is active, or the first one is closed."""
    docker = k.module("harness_docker")(k)
    first = yield from k.new(40, 30)
    docker.show_operation(k.studio.catalogue.find("test-follow"))
    yield 0.1
    choosers = docker.choosers
    choosers._open({"name": "style", "title": "A style"})
    dialog = choosers._dialog
    second = yield from k.new(20, 10)
    if how == "closed":
        yield from k.close(first)
    docker.refresh()
    dialog.fileSelected.emit(picture)
    dialog.reject()
    chosen = [k.studio.sources(one, "test-follow") for one in (first, second)]
    return [sorted(one) for one in chosen], k.said()


@pytest.mark.parametrize("how", ["other", "closed"])
def test_a_file_that_is_named_late_is_for_the_document_that_asked(krita: Krita, tmp_path: Path, how: str) -> None:
    krita.lend(_docker)
    krita.run("def main(k):\n    del k.studio.messages[:]")
    chosen, said = krita.run(_late, picture=str(tmp_path / "style.png"), how=how)
    assert chosen == [["style"] if how == "other" else [], []]
    assert said == []


def _twins(k: Any, path: str) -> Any:
    """The same file, opened twice: its layers have the same ids in both."""
    made = yield from k.new(20, 10)
    made.setBatchmode(True)
    assert made.saveAs(path)
    yield 0.2
    yield from k.close(made)
    import shutil

    shutil.copy(path, path + ".kra")
    one = yield from k.open(path)
    other = yield from k.open(path + ".kra")
    source = k.module("scumble_client.editor.roles").Source
    k.studio.choose(one, "test-follow", "style", source("file", path="/style.png"))
    return [sorted(k.studio.sources(document, "test-follow")) for document in (one, other)]


def test_what_is_chosen_in_a_document_is_not_chosen_in_its_copy(krita: Krita, tmp_path: Path) -> None:
    assert krita.run(_twins, path=str(tmp_path / "twin.kra")) == [["style"], []]


def _wheel(k: Any) -> Any:
    docker = k.module("harness_docker")(k)
    docker.show_operation(k.studio.catalogue.find("inpaint"))
    yield 0.2
    gui, core = k.qt.QtGui, k.qt.QtCore
    boxes = [docker.operations, docker.form.fields["blend"].widget]
    before = [box.currentIndex() for box in boxes]
    for box in boxes:
        box.setFocus()  # as after something was chosen in it
        for turn in (-120, 120, 120):
            where = core.QPointF(5, 5)
            event = gui.QWheelEvent(
                where,
                core.QPointF(box.mapToGlobal(where.toPoint())),
                core.QPoint(),
                core.QPoint(0, turn),
                core.Qt.MouseButton.NoButton,
                core.Qt.KeyboardModifier.NoModifier,
                core.Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            k.qt.QtWidgets.QApplication.sendEvent(box, event)
            yield None
            if [one.currentIndex() for one in boxes] != before:
                return False
    return True


def test_the_wheel_changes_no_choice(krita: Krita) -> None:
    krita.lend(_docker)
    assert krita.run(_wheel)
