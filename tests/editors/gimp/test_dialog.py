"""What the dialog shows: made in the test's own process, so that its widgets can be looked at."""

from __future__ import annotations

from typing import Any

from .harness.session import Gimp


def _looked(g: Any, operation: str, plugin: str, selected: bool, choose: dict[str, str]) -> Any:
    """The dialog over a picture with a Sketch and a Color layer: its boxes before and after something was chosen there."""
    import sys
    from importlib import import_module

    sys.path.insert(0, plugin)

    image = g.new(64, 64)
    g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    g.layer(image, "Color", (8, 8, 4, 4), colour=(0, 0, 0, 255))
    g.layer(image, "Sketch", (8, 8, 4, 4), colour=(0, 0, 0, 255))
    channel = g.Gimp.Channel.new(image, "Kept", 64, 64, 100.0, g.Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    image.set_selected_layers([image.get_layers()[-1]])
    if selected:
        g.select(image, (10, 10, 20, 20))
    g.show(image)
    described = next(one for one in import_module("catalogue").registered() if one["name"] == operation)
    procedure = g.Gimp.get_pdb().lookup_procedure("scumble-" + operation)
    config = procedure.create_config()
    named = import_module("arguments").Arguments(described)
    gtk, gimp_ui = import_module("host").user_interface("test")
    out: dict[str, Any] = {}

    def inside(widget: Any) -> Any:
        yield widget
        for one in widget.get_children() if isinstance(widget, gtk.Container) else []:
            yield from inside(one)

    def look() -> bool:
        shown = next(one for one in gtk.Window.list_toplevels() if (one.get_title() or "").startswith("Scumble: "))

        def said() -> list[str]:
            return [widget.get_text() for widget in inside(shown) if isinstance(widget, gtk.Label)]

        try:
            boxes = {}
            for widget in inside(shown):
                pair = widget.get_children() if isinstance(widget, gtk.Box) else []
                if len(pair) == 2 and isinstance(pair[0], gtk.Label) and isinstance(pair[1], gtk.ComboBoxText):
                    boxes[pair[0].get_text()] = pair[1]
            ok = shown.get_widget_for_response(gtk.ResponseType.OK)
            manual = shown.get_widget_for_response(gtk.ResponseType.HELP)
            out["help"] = manual is not None and manual.get_visible()
            out["ok"] = ok.get_sensitive()
            out["shown"] = {title: box.get_active_text() for title, box in boxes.items()}
            out["entries"] = {title: [row[0] for row in box.get_model()] for title, box in boxes.items()}
            out["said before"] = said()
            for title, text in choose.items():
                boxes[title].set_active(out["entries"][title].index(text))
            out["then"] = {title: boxes[title].get_active_text() for title in choose}
            out["ok then"] = ok.get_sensitive()
            out["said"] = said()
        except BaseException as error:
            out["error"] = repr(error)
        shown.response(gtk.ResponseType.CANCEL)
        return False

    g.GLib.timeout_add(400, look)
    picture = import_module("edited_picture").EditedPicture(image, image.get_layers()[-1])
    out["confirmed"] = import_module("dialog").ask(procedure, config, named, picture, (gtk, gimp_ui))
    out["values"] = {
        role: item.get_name() if item else None
        for role, name in named.layers.items()
        for item in [config.get_property(name)]
    }
    return out


def looked(gimp: Gimp, operation: str, selected: bool = True, **choose: str) -> Any:
    answer = gimp.run(_looked, operation=operation, plugin=str(gimp.home.plugin), selected=selected, choose=choose)
    assert "error" not in answer, answer
    return answer


def test_ok_waits_for_what_is_missing(shown_gimp: Gimp) -> None:
    answer = looked(shown_gimp, "test-follow", Strokes="Sketch")
    assert "Follow needs strokes." in " ".join(answer["said before"])
    assert not answer["ok"]
    assert answer["ok then"]
    assert "Follow needs strokes." not in " ".join(answer["said"])


def test_layers_that_were_chosen_by_their_names_are_shown_and_can_be_left_out(shown_gimp: Gimp) -> None:
    answer = looked(shown_gimp, "face-sketch", Colours="None")
    assert answer["shown"]["Sketch"] == "Sketch"
    assert answer["shown"]["Colours"] == "Color"
    assert answer["then"]["Colours"] == "None"
    assert answer["values"]["sketch"] == "Sketch"
    assert answer["values"]["color"] is None


def test_a_channel_can_be_the_mask(shown_gimp: Gimp) -> None:
    title = "Mask in place of the selection"
    answer = looked(shown_gimp, "inpaint", selected=False, **{title: "Kept (channel)"})
    assert answer["values"]["mask"] == "Kept"


def test_there_is_no_button_for_a_manual_that_has_no_page(shown_gimp: Gimp) -> None:
    assert not looked(shown_gimp, "inpaint")["help"]
