"""Menus, several windows, the settings dialog."""

from __future__ import annotations

from typing import Any

from .harness.session import Krita


def _menu(k: Any) -> Any:
    menu = k.app.action("scumble_menu").menu()
    before = [action.text().replace("&", "") for action in menu.actions()]
    catalogue = k.studio.catalogue
    known = list(catalogue.operations)
    catalogue.operations = [*known, {**catalogue.find("inpaint"), "name": "newer", "title": "Newer"}]
    k.studio.operations_changed.emit()
    k.studio.operations_changed.emit()
    after = [action.text().replace("&", "") for action in menu.actions()]
    catalogue.operations = known
    k.studio.operations_changed.emit()
    del k.studio.messages[:]
    next(action for action in menu.actions() if action.text().replace("&", "") == "Newer").trigger()
    return before, after, k.said()


def test_the_menu_has_every_operation_and_the_daemons_new_ones(krita: Krita) -> None:
    before, after, said = krita.run(_menu)
    fixed = ["Run Again", "Cancel", "New Sketch and Color Layers", "New Strokes Layer", "Scumble Settings..."]
    assert "Inpaint" in before
    assert before[-5:] == fixed
    assert "Identity" not in before
    assert after == [*before[:-5], "Newer", *fixed]
    assert said[-1].startswith("There is no operation called “newer”. ")


def _second(k: Any) -> Any:
    first = k.app.activeWindow()
    second = k.app.openWindow()
    yield lambda: len(k.app.windows()) == 2
    yield 0.5
    second.qwindow().close()
    yield lambda: len(k.app.windows()) == 1
    first.activate()
    document = yield from k.new(40, 30, pixels=bytes((9, 8, 7, 255)) * 1200)
    k.studio.jobs_changed.emit()
    k.studio.results_changed.emit()
    k.studio.said.emit("Hello.")
    k.trigger("scumble_identity")
    yield lambda: len(k.layers(document)) == 2
    yield k.idle
    return k.said()[-1]


def test_a_second_window_comes_and_goes_without_harm(krita: Krita) -> None:
    assert krita.run(_second).startswith("New layer: Identity ")


def _settings(k: Any) -> Any:
    k.trigger("scumble_settings")
    yield 0.2
    dialog = next(w for w in k.qt.QtWidgets.QApplication.topLevelWidgets() if w.windowTitle() == "Scumble Settings")
    shown = dialog.isVisible() and not dialog.isModal()
    dialog.start.setChecked(False)
    dialog.count.setValue(3)
    dialog.memory.setValue(64)
    option = k.studio.settings.option
    out = [option("start_daemon"), option("results_count"), option("results_megabytes")]
    dialog.start.setChecked(True)
    dialog.count.setValue(12)
    dialog.memory.setValue(512)
    dialog.close()
    return shown, out


def test_the_settings_count_at_once(krita: Krita) -> None:
    assert krita.run(_settings) == [True, [False, 3, 64]]
