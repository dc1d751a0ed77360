"""The dialog on a small screen, its rows, the mouse wheel over it; and the window that says how far a run is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.scene_files import NAMES

from .harness.session import Gimp

SCREEN = 600
"""Pixels."""


def _heights(g: Any, operation: str, plugin: str, screen: int) -> Any:
    """The window's height folded and unfolded; whether a bar is seen then; how large the preview's picture is."""
    module = g.module(plugin, "dialog")
    real, module.screen_height = module.screen_height, lambda: screen
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    dialog = g.dialog(operation, plugin, image, layer)
    try:
        first = dialog.window.get_preferred_height()[1]
        dialog.advanced.set_expanded(True)
        shown = g.pump(lambda: dialog.scrolling.get_vadjustment())
        g.pump(lambda: shown.get_upper() > dialog.advanced.get_child().get_allocated_height() > 1)
        bar = dialog.scrolling.get_vscrollbar()
        longer = shown.get_upper() > shown.get_page_size()
        unfolded = dialog.window.get_preferred_height()[1]
        return first, unfolded, longer, bar.get_mapped(), dialog.preview.area.get_allocated_height()
    finally:
        dialog.advanced.set_expanded(False)
        dialog.close()
        module.screen_height = real


@pytest.mark.parametrize("operation", NAMES)
def test_a_dialog_fits_on_a_small_screen_and_says_that_there_is_more(shown_gimp: Gimp, operation: str) -> None:
    plugin = str(shown_gimp.home.plugin)
    first, unfolded, longer, bar, preview = shown_gimp.run(_heights, operation=operation, plugin=plugin, screen=SCREEN)
    assert max(first, unfolded) <= SCREEN - 30, "a title bar has room as well"
    assert bar == longer
    assert longer, "there is more than fits on such a screen"
    assert 120 <= preview < 360


def _file_row(g: Any, plugin: str) -> Any:
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    dialog = g.dialog("photo-style", plugin, image, layer)
    try:
        chooser = next(one for one in dialog.choosers if one.label.get_text() == "Style picture")
        before = chooser.button.get_visible()
        chooser.box.choose("A file…")
        field = next(one for one in chooser.button.get_children() if one not in chooser.file_labels)
        g.pump(lambda: chooser.button.get_mapped() and field.get_allocated_width() > 1)
        said = [one.get_text() for one in chooser.file_labels]
        return before, said, field.get_allocation().x - chooser.box.combo.get_allocation().x
    finally:
        dialog.close()


def test_a_file_is_chosen_right_below_the_box_that_asks_for_it(shown_gimp: Gimp) -> None:
    before, said, moved = shown_gimp.run(_file_row, plugin=str(shown_gimp.home.plugin))
    assert not before
    assert said == [""], "what it is for stands in the row above"
    assert abs(moved) <= 1


def _turned(g: Any, operation: str, plugin: str) -> Any:
    """What the wheel changes: of fields that nobody has prepared, and of those in a dialog, clicked into or not."""
    from importlib import import_module

    gdk, gtk = import_module("gi.repository.Gdk"), import_module("gi.repository.Gtk")

    def turn(widget: Any) -> None:
        for direction in (gdk.ScrollDirection.UP, gdk.ScrollDirection.DOWN, gdk.ScrollDirection.DOWN):
            event = gdk.Event.new(gdk.EventType.SCROLL)
            event.scroll.window = widget.get_window()
            event.scroll.direction = direction
            widget.emit("scroll-event", event)

    def value(widget: Any) -> Any:
        return widget.get_active() if isinstance(widget, gtk.ComboBox) else widget.get_value()

    def fields(widget: Any) -> Any:
        if isinstance(widget, (gtk.ComboBox, gtk.SpinButton, gtk.Scale)):
            yield widget
        elif isinstance(widget, gtk.Container):
            for inner in widget.get_children():
                yield from fields(inner)

    plain = gtk.SpinButton.new_with_range(0, 10, 1)
    plain.set_value(5)
    window = gtk.Window()
    window.add(plain)
    window.show_all()
    turn(plain)
    by_itself = plain.get_value()
    window.destroy()
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    dialog = g.dialog(operation, plugin, image, layer)
    try:
        dialog.advanced.set_expanded(True)
        found = list(fields(dialog.window.get_content_area()))
        before = [value(one) for one in found]
        for one in found:
            turn(one)
        kinds = [sum(isinstance(one, kind) for one in found) for kind in (gtk.ComboBox, gtk.SpinButton)]
        return by_itself, kinds, [value(one) for one in found] == before
    finally:
        dialog.advanced.set_expanded(False)
        dialog.close()


@pytest.mark.parametrize("operation", ["inpaint", "photo-style"])
def test_the_wheel_over_a_field_changes_nothing(shown_gimp: Gimp, operation: str) -> None:
    by_itself, (boxes, numbers), same = shown_gimp.run(_turned, operation=operation, plugin=str(shown_gimp.home.plugin))
    assert by_itself == 4, "the event is one that GTK's own fields follow"
    assert boxes >= 3
    assert numbers >= 3
    assert same


def _progress(g: Any, plugin: str, marker: str) -> Any:
    """A run with the window: what stood in it, and how far the bar was."""
    module, runs = g.module(plugin, "progress"), g.module(plugin, "runs")
    edited, catalogue = g.module(plugin, "edited_picture"), g.module(plugin, "catalogue")
    provenance, roles = (
        g.module(plugin, "scumble_client.editor.provenance"),
        g.module(plugin, "scumble_client.editor.roles"),
    )
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    progress = module.WindowProgress("Test", g.module(plugin, "host").user_interface("test"))
    seen = []
    real = progress.report

    def report(fraction: float, text: str) -> None:
        real(fraction, text)
        seen.append(
            (progress._label.get_text(), round(progress._bar.get_fraction(), 2), progress._window.get_visible())
        )

    progress.report = report
    operation = next(one for one in catalogue.registered() if one["name"] == "test-slow")
    asked = provenance.Provenance("test-slow", {"seconds": 1.5, "marker": marker}, 5)
    try:
        made, _ = runs.run_operation(
            operation,
            edited.EditedPicture(image, layer),
            {"image": roles.Source("active")},
            asked,
            progress,
            True,
            "active",
        )
    finally:
        progress.close()
    return seen, len(made)


def test_the_window_says_what_is_done_and_how_far_it_is(shown_gimp: Gimp) -> None:
    seen, made = shown_gimp.run(_progress, plugin=str(shown_gimp.home.plugin), marker="")
    assert made == 1
    assert seen[0][0] == "Reading layers"
    assert ["Sleeping, 50 %", 0.5, True] in seen
    assert seen[-1][:2] == ["Adding the layer, 100 %", 1.0]
