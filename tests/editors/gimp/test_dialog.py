"""What the dialog shows: made in the test's own process, so that its widgets can be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from scumble.style.inputs import PAINTINGS
from tests.editors.scene_files import NAMES

from .harness.session import Gimp
from .test_inpaint import picture

MOST = 6
"""Parameters in view."""


def _looked(g: Any, operation: str, plugin: str, selected: bool, choose: dict[str, str], values: dict[str, str]) -> Any:
    """The dialog over a picture with a Sketch and a Color layer: its boxes before and after something was chosen there."""
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    g.layer(image, "Color", (8, 8, 4, 4), colour=(0, 0, 0, 255))
    g.layer(image, "Sketch", (8, 8, 4, 4), colour=(0, 0, 0, 255))
    channel = g.Gimp.Channel.new(image, "Kept", 64, 64, 100.0, g.Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    if selected:
        g.select(image, (10, 10, 20, 20))
    dialog = g.dialog(operation, plugin, image, layer)
    try:
        manual = dialog.window.get_widget_for_response(-11)
        boxes = {one.label.get_text(): one.box for one in dialog.choosers}
        before = {
            "help": manual is not None and manual.get_visible(),
            "ok": dialog.ok.get_sensitive(),
            "said": dialog.status.get_text(),
            "shown": {title: box.text for title, box in boxes.items()},
        }
        for title, text in choose.items():
            boxes[title].choose(text)
        for name, value in values.items():
            dialog.config.set_property(name, value)
        then = {
            "ok": dialog.ok.get_sensitive(),
            "said": dialog.status.get_text(),
            "shown": {title: box.text for title, box in boxes.items()},
            "values": {
                role: item.get_name() if item else None
                for role, name in dialog._arguments.layers.items()
                for item in [dialog.config.get_property(name)]
            },
        }
    finally:
        dialog.close()
    return before, then


def looked(
    gimp: Gimp,
    operation: str,
    choose: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    selected: bool = True,
) -> Any:
    plugin = str(gimp.home.plugin)
    return gimp.run(
        _looked, operation=operation, plugin=plugin, selected=selected, choose=choose or {}, values=values or {}
    )


def test_ok_waits_for_what_is_missing(shown_gimp: Gimp) -> None:
    before, then = looked(shown_gimp, "test-follow", {"Strokes": "Sketch"})
    assert before["said"] == "Follow needs strokes. Paint on a layer called Strokes."
    assert not before["ok"]
    assert then["ok"]
    assert "Follow needs strokes." not in then["said"]


def test_layers_that_were_chosen_by_their_names_are_shown_and_can_be_left_out(shown_gimp: Gimp) -> None:
    before, then = looked(shown_gimp, "face-sketch", {"Colours": "None"})
    assert before["shown"]["Sketch"] == "Sketch"
    assert before["shown"]["Colours"] == "Color"
    assert then["shown"]["Colours"] == "None"
    assert then["values"]["sketch"] == "Sketch"
    assert then["values"]["color"] is None


def test_a_channel_can_be_the_mask(shown_gimp: Gimp) -> None:
    title = "Mask in place of the selection"
    before, then = looked(shown_gimp, "inpaint", {title: "Kept (channel)"}, selected=False)
    assert not before["ok"]
    assert then["values"]["mask"] == "Kept"
    assert then["ok"]


def test_there_is_no_button_for_a_manual_that_has_no_page(shown_gimp: Gimp) -> None:
    assert not looked(shown_gimp, "inpaint")[0]["help"]


@pytest.mark.parametrize(
    ("operation", "enough", "said"),
    [
        ("inpaint", {"mask-from": "alpha"}, "Nothing is selected. Select what should be filled."),
        ("photo-style", {"painting": "sunset"}, "Photo style needs a style picture."),
    ],
)
def test_ok_waits_for_what_the_chosen_values_need(
    shown_gimp: Gimp, operation: str, enough: dict[str, str], said: str
) -> None:
    """The roles are optional: what fills the transparent part needs no selection, a painting no layer."""
    before, then = looked(shown_gimp, operation, values=enough, selected=False)
    assert before["said"].startswith(said)
    assert not before["ok"]
    assert then["ok"]
    assert then["said"].startswith("Reads ")


def _selected_meanwhile(g: Any, plugin: str) -> Any:
    from importlib import import_module

    gdk = import_module("gi.repository.Gdk")
    image = g.new(256, 256)
    layer = g.layer(image, "Picture", (0, 0, 256, 256), colour=(200, 100, 50, 255))
    dialog = g.dialog("inpaint", plugin, image, layer)
    try:
        first = dialog.ok.get_sensitive(), dialog.preview.view
        event = gdk.Event.new(gdk.EventType.FOCUS_CHANGE)
        dialog.window.emit("focus-out-event", event)
        g.select(image, (30, 30, 4, 4))
        dialog.window.emit("focus-in-event", event)
        return first, (dialog.ok.get_sensitive(), dialog.preview.view)
    finally:
        dialog.close()


def test_what_is_selected_meanwhile_counts(shown_gimp: Gimp) -> None:
    first, then = shown_gimp.run(_selected_meanwhile, plugin=str(shown_gimp.home.plugin))
    assert first == [False, [0, 0, 256, 256]]
    assert then == [True, [0, 0, 68, 68]]


def _over(g: Any, plugin: str) -> Any:
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    said = []
    for run in (False, True):
        if run:
            assert g.call("scumble-identity", image, [layer])["status"] == "success"
        g.select(image, (8, 8, 12, 12))
        dialog = g.dialog("inpaint", plugin, image, layer)
        said.append(dialog.status.get_text())
        dialog.close()
    return said


def test_it_says_that_results_over_the_layer_are_read(shown_gimp: Gimp) -> None:
    assert shown_gimp.run(_over, plugin=str(shown_gimp.home.plugin)) == [
        "Reads layer “Picture”. The mask is the selection.",
        "Reads layer “Picture”, with the results over it. The mask is the selection.",
    ]


def _rows(g: Any, operation: str, plugin: str, values: dict[str, str], advanced: bool) -> Any:
    """The titles of the parameters in view: those always there, those that are folded away."""
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    dialog = g.dialog(operation, plugin, image, layer)
    try:
        out = [dialog.advanced.get_expanded()]
        for name, value in values.items():
            dialog.config.set_property(name, value)
        dialog.advanced.set_expanded(advanced)
        folded = set(dialog.advanced.get_child().get_children())
        visible = {name: row for name, row in dialog.rows.items() if row.get_visible()}
        out.append([name for name, row in visible.items() if row not in folded])
        out.append([name for name, row in visible.items() if row in folded])
    finally:
        dialog.close()
    return out


def rows(gimp: Gimp, operation: str, advanced: bool = False, **values: str) -> Any:
    return gimp.run(_rows, operation=operation, plugin=str(gimp.home.plugin), values=values, advanced=advanced)


@pytest.mark.parametrize("operation", NAMES)
def test_few_parameters_are_in_view(shown_gimp: Gimp, operation: str) -> None:
    _, basic, _ = rows(shown_gimp, operation)
    assert 1 <= len(basic) <= MOST


def test_what_the_method_does_not_use_is_hidden(shown_gimp: Gimp) -> None:
    _, basic, folded = rows(shown_gimp, "photo-style")
    assert "contrast" in basic
    assert not {"iterations", "optimizer"} & {*basic, *folded}
    _, basic, folded = rows(shown_gimp, "photo-style", method="deep")
    assert "contrast" not in basic
    assert {"iterations", "optimizer", "corrections"} - {*basic} >= {"iterations", "optimizer"}
    assert {"iterations", "optimizer"} <= {*folded}
    assert "learning_rate" not in folded, "only Adam has one"


def test_whether_advanced_is_open_is_remembered(shown_gimp: Gimp) -> None:
    try:
        assert rows(shown_gimp, "inpaint", advanced=True)[0] is False
        assert rows(shown_gimp, "paint-style", advanced=True)[0] is True
    finally:
        rows(shown_gimp, "inpaint", advanced=False)
    assert rows(shown_gimp, "inpaint")[0] is False


def _heights(g: Any, plugin: str) -> Any:
    """Of the window: at first, unfolded, folded again."""
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    dialog = g.dialog("inpaint", plugin, image, layer)

    def height() -> int:
        return int(dialog.window.get_size()[1])

    try:
        first = height()
        dialog.advanced.set_expanded(True)
        unfolded = g.pump(lambda: height() > first and height())
        dialog.advanced.set_expanded(False)
        g.pump(lambda: height() < unfolded)
        return True
    finally:
        dialog.advanced.set_expanded(False)
        dialog.close()


def test_the_window_grows_and_shrinks_with_what_it_shows(shown_gimp: Gimp) -> None:
    assert shown_gimp.run(_heights, plugin=str(shown_gimp.home.plugin))


def _choices(g: Any, plugin: str) -> Any:
    """What an artist reads for inpainting's methods, which value a label stands for, and which paintings have pictures."""
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    dialog = g.dialog("inpaint", plugin, image, layer)
    try:
        combo = dialog.rows["method"].get_children()[-1]
        texts = [[column for column in row if isinstance(column, str)] for row in combo.get_model()]
        combo.set_active("patchmatch")
        chosen = dialog.config.get_property("method")
    finally:
        dialog.close()
    dialog = g.dialog("paint-style", plugin, image, layer)
    try:
        store = dialog._pictured[0].box.combo.get_model()
        paintings = {row[1]: row[0] is not None and row[0].get_width() for row in store}
        dialog._pictured[0].box.choose("Mona Lisa")
        painting = dialog.config.get_property("painting")
    finally:
        dialog.close()
    return texts, chosen, paintings, painting


def test_choices_read_as_an_artist_would_say_and_paintings_are_seen(shown_gimp: Gimp) -> None:
    texts, chosen, paintings, painting = shown_gimp.run(_choices, plugin=str(shown_gimp.home.plugin))
    assert {"patchmatch", "Copies alone"} <= {*texts[2]}
    assert chosen == "patchmatch"
    assert paintings.pop("None") is False
    assert set(paintings.values()) == {48}
    assert set(paintings) == {title for name, title in PAINTINGS.items() if name != "none"}
    assert painting == "mona-lisa"


def _presets(g: Any, plugin: str) -> Any:
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    dialog = g.dialog("inpaint", plugin, image, layer)
    try:
        bar = dialog.presets
        names = [row[0] for row in bar.choice.get_model()]
        bar.choice.set_active(names.index("Dust and scratches"))
        values = dialog._arguments.values(dialog.config)
        return names, values["method"], values["context"], bar.save.get_sensitive(), bar.remove.get_sensitive()
    finally:
        dialog.close()


def test_presets_come_along_and_stay(shown_gimp: Gimp) -> None:
    names, method, context, save, remove = shown_gimp.run(_presets, plugin=str(shown_gimp.home.plugin))
    assert names[:5] == ["Defaults", "Remove an object", "Dust and scratches", "Sky or gradient", "Drawn art"]
    assert (method, context) == ("patchmatch", 0.5)
    assert (save, remove) == (False, False)


def _cells(g: Any, plugin: str) -> Any:
    """A stroke over three cells of the upper row, a darker touch, one cell set back, all cleared."""
    from importlib import import_module

    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    dialog = g.dialog("face-latent", plugin, image, layer)
    gdk = import_module("gi.repository.Gdk")
    seen = []

    def event(kind: str, signal: str, column: int, row: int, button: int = 1) -> None:
        made = gdk.Event.new(getattr(gdk.EventType, kind))
        made.x, made.y = column * 20 + 9.0, row * 20 + 9.0
        if kind != "MOTION_NOTIFY":
            made.button.button = button
        canvas.area.emit(signal, made)
        seen.append(dialog._arguments.values(dialog.config)["canvas"])

    try:
        canvas = dialog._pictured[0]
        event("BUTTON_PRESS", "button-press-event", 0, 0)
        event("MOTION_NOTIFY", "motion-notify-event", 1, 0)
        event("MOTION_NOTIFY", "motion-notify-event", 1, 0)
        event("BUTTON_RELEASE", "button-release-event", 1, 0)
        event("BUTTON_PRESS", "button-press-event", 3, 2, button=3)
        event("BUTTON_RELEASE", "button-release-event", 3, 2, button=3)
        event("DOUBLE_BUTTON_PRESS", "button-press-event", 0, 0)
        canvas.clear.clicked()
        seen.append(dialog._arguments.values(dialog.config)["canvas"])
    finally:
        dialog.close()
    return [{place: value for place, value in enumerate(cells) if value} for cells in seen]


def test_the_latent_canvas_is_painted_cell_by_cell(shown_gimp: Gimp) -> None:
    seen = shown_gimp.run(_cells, plugin=str(shown_gimp.home.plugin))
    assert seen[0] == {"0": 0.25}
    assert seen[3] == {"0": 0.25, "1": 0.25}, "each cell is touched once on the way"
    assert seen[5] == {"0": 0.25, "1": 0.25, "23": -0.25}
    assert seen[6] == {"1": 0.25, "23": -0.25}
    assert seen[7] == {}


def _previewed(g: Any, plugin: str, path: str) -> Any:
    """Before and after, first coarse and then fine; what a slow method says; off; and again, with other values."""
    image = g.open(path)
    image.scale(4 * image.get_width(), 4 * image.get_height())
    g.select(image, (160, 800, 240, 200))
    dialog = g.dialog("paint-style", plugin, image, image.get_layers()[0])
    preview = dialog.preview
    sizes: list[Any] = []

    def fine() -> Any:
        pair = preview.pair
        if pair and (not sizes or sizes[-1] != pair[1][1:]):
            sizes.append(pair[1][1:])
        return pair if pair and max(pair[1][1:]) == 360 and preview._job.ended else None

    try:
        before, after = g.pump(fine)
        out = {"sizes": sizes[:], "same size": before[1:] == after[1:], "view": preview.view}
        out["changed"] = sum(a != b for a, b in zip(before[0], after[0], strict=True))
        out["said"] = preview.text
        preview._show(before=True)
        out["held"] = preview.text
        dialog.config.set_property("strength", 0.0)
        g.pump(lambda: preview.pair[1] != after)
        calm = preview.pair
        out["calm"] = sum(a != b for a, b in zip(calm[0][0], calm[1][0], strict=True)) / len(calm[0][0])
        dialog.config.set_property("method", "gatys")
        g.pump(lambda: preview.pair is None)
        out["slow"] = preview.text
        preview.on.set_active(False)
        dialog.config.set_property("method", "fast")
        g.pump(lambda: not preview.text)
        out["off"] = preview.pair
        preview.on.set_active(True)
        first = g.pump(lambda: preview.pair)
        preview.zoom(0.5, 0.5, 0.5)
        out["near"] = preview.view
        g.pump(lambda: preview.pair != first)
    finally:
        preview.on.set_active(True)
        dialog.close()
    return out


def _asks(g: Any, plugin: str, path: str) -> Any:
    """What is asked for before anything is shown, and what from then on until all is there and a while longer."""
    import time

    image = g.open(path)
    g.select(image, (40, 200, 60, 50))
    dialog = g.dialog("inpaint", plugin, image, image.get_layers()[0])
    preview = dialog.preview
    begun = preview._job is not None
    sides: list[int] = []
    client = preview._client
    submit = client.submit

    def noted(request: Any) -> Any:
        sides.append(request.view["side"])
        return submit(request)

    client.submit = noted
    try:
        g.pump(lambda: preview.pair and preview.is_fine and preview._job.ended)
        end = time.monotonic() + 0.5
        g.pump(lambda: time.monotonic() > end)
        at_first = list(sides)
        dialog.config.set_property("seed", 5)
        g.pump(lambda: len(sides) > len(at_first))
        return begun, at_first, sides[len(at_first) :]
    finally:
        dialog.close()


def test_the_first_preview_is_asked_for_before_the_dialog_stands_and_once(shown_gimp: Gimp) -> None:
    begun, at_first, changed = shown_gimp.run(_asks, plugin=str(shown_gimp.home.plugin), path=picture(shown_gimp))
    assert begun
    assert at_first == [360], "the coarse one had been asked for; then the fine one"
    assert changed == [120]


def test_a_preview_follows_the_controls(shown_gimp: Gimp) -> None:
    seen = shown_gimp.run(_previewed, plugin=str(shown_gimp.home.plugin), path=picture(shown_gimp))
    assert [max(size) for size in seen["sizes"]] == [120, 360], "something is seen soon"
    assert seen["same size"]
    assert seen["view"] == [8, 648, 544, 504], "what is selected, and some of what lies around it"
    assert seen["changed"] > 1000
    assert seen["calm"] < 0.01
    assert seen["held"] != seen["said"]
    assert seen["slow"] == "No preview: this method takes minutes."
    assert seen["off"] is None
    assert seen["near"] == [144, 774, 272, 252]
