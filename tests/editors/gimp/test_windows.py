"""With windows: the menu, the dialog, the progress window and its Cancel, undo. Driven by keys, as an artist would."""

from __future__ import annotations

import json
import time
from typing import Any

from scumble_client.editor.settings import SETTINGS_FILE
from tests.support.daemon import wait_for

from .conftest import close_errors
from .harness.session import Gimp
from .test_inpaint import picture


def _show(g: Any, path: str) -> Any:
    image = g.open(path)
    image.undo_enable()  # a script that opens a file has none
    g.select(image, (40, 200, 60, 50))
    g.store["image"] = image
    g.store["display"] = g.show(image)


def _layers(g: Any) -> Any:
    return g.layers(g.store["image"])


def _call(g: Any, name: str, mode: str = "INTERACTIVE", **arguments: Any) -> Any:
    image = g.store["image"]
    answer = g.call(name, image, [image.get_layers()[-1]], mode, **arguments)
    return answer["status"], answer["error"], g.layers(image)


def window(gimp: Gimp, title: str, timeout: float = 30.0) -> str:
    """The id of the window whose title begins so, once it is there."""
    return str(
        wait_for(lambda: gimp.xdotool("search", "--onlyvisible", "--name", f"^{title}", check=False), timeout)
    ).split()[0]


def gone(gimp: Gimp, title: str) -> None:
    wait_for(lambda: not gimp.xdotool("search", "--onlyvisible", "--name", f"^{title}", check=False), 30)


def press(gimp: Gimp, where: str, *keys: str) -> None:
    gimp.xdotool("windowactivate", "--sync", where)
    gimp.xdotool("key", *keys)


def from_menu(gimp: Gimp, *keys: str) -> None:
    """Filters ▸ Scumble, the last submenu, and an entry by its letter."""
    press(gimp, window(gimp, ".*GIMP$"), "alt+r", "Up", "Right", *keys)


def count(gimp: Gimp, layers: int) -> list[str]:
    """The names of the layers, once there are so many."""
    wait_for(lambda: len(gimp.run(_layers)) == layers, 30)
    return [name.split(" ")[0] for name in gimp.run(_layers)]


def test_menu_dialog_new_layer_undo_and_redo(shown_gimp: Gimp) -> None:
    gimp = shown_gimp
    gimp.run(_show, path=picture(gimp))
    main = window(gimp, ".*GIMP$")
    from_menu(gimp, "i")
    press(gimp, window(gimp, "Scumble: Inpaint"), "Return")
    assert count(gimp, 2) == ["Inpaint", "Background"]
    gone(gimp, "Scumble: Inpaint")
    press(gimp, main, "ctrl+z")
    assert count(gimp, 1) == ["Background"]
    press(gimp, main, "ctrl+y")
    assert count(gimp, 2) == ["Inpaint", "Background"]


def test_escape_in_the_dialog_changes_nothing(shown_gimp: Gimp) -> None:
    shown_gimp.run(_show, path=picture(shown_gimp))
    shown_gimp.begin(_call, name="scumble-inpaint")
    press(shown_gimp, window(shown_gimp, "Scumble: Inpaint"), "Escape")
    assert shown_gimp.answer() == ["cancel", "cancelled", ["Background"]]


def test_cancel_in_the_progress_window_ends_the_job(shown_gimp: Gimp) -> None:
    gimp = shown_gimp
    gimp.run(_show, path=picture(gimp))
    marker = gimp.home.base / "marker"
    gimp.begin(_call, name="scumble-test-slow", mode="WITH_LAST_VALS", seconds=60.0, marker=str(marker))
    where = window(gimp, "Scumble: Test")
    wait_for(marker.exists)
    press(gimp, where, "Escape")
    assert gimp.answer(20)[::2] == ["cancel", ["Background"]]
    gone(gimp, "Scumble: Test")


def test_a_picture_that_is_closed_in_the_middle_gives_one_message(shown_gimp: Gimp) -> None:
    gimp = shown_gimp
    gimp.run(_show, path=picture(gimp))
    marker = gimp.home.base / "closing"
    from_menu(gimp, "w")
    where = window(gimp, "Scumble: Waiting")
    gimp.xdotool("windowactivate", "--sync", where)
    _type_parameters(gimp, "30", str(marker))
    press(gimp, where, "alt+o")
    wait_for(marker.exists)
    gimp.run("def main(g):\n    g.clear()")
    wait_for(lambda: not gimp.plugin_processes(), 20)
    window(gimp, "GIMP Message")
    close_errors(gimp)
    assert gimp.run("def main(g):\n    return len(g.Gimp.get_images())") == 0


def _type_parameters(gimp: Gimp, seconds: str, marker: str) -> None:
    """Through the preset, which is the one way to a parameter that needs no pixel's place."""
    path = gimp.home.base / "config" / "scumble" / SETTINGS_FILE
    presets = {"test-waiting": {"p": {"seconds": float(seconds), "marker": marker}}}
    path.write_text(json.dumps({"presets": presets}))
    gimp.xdotool("key", "alt+p")
    gimp.xdotool("type", "p")
    gimp.xdotool("key", "Return")


def _patch(g: Any) -> Any:
    new = g.store["image"].get_layers()[0]
    data = bytes(byte & 255 for byte in new.get_parasite("scumble-request").get_data())
    return json.loads(data)["parameters"]["patch"]


def test_a_preset_is_used_kept_and_the_last_values_come_again(shown_gimp: Gimp) -> None:
    gimp = shown_gimp
    gimp.run(_show, path=picture(gimp))
    path = gimp.home.base / "config" / "scumble" / SETTINGS_FILE
    path.write_text(json.dumps({"presets": {"inpaint": {"coarse": {"patch": 11}}}}))
    gimp.begin(_call, name="scumble-inpaint")
    where = window(gimp, "Scumble: Inpaint")
    press(gimp, where, "alt+p")
    gimp.xdotool("type", "coarse")
    gimp.xdotool("key", "Return")
    gimp.xdotool("key", "ctrl+a")
    gimp.xdotool("type", "mine")
    gimp.xdotool("key", "alt+v")
    kept = wait_for(lambda: json.loads(path.read_text())["presets"]["inpaint"].get("mine"))
    assert kept["patch"] == 11
    press(gimp, where, "alt+o")
    assert gimp.answer()[0] == "success"
    assert gimp.run("import json\n" + _source(_patch)) == 11
    answer = gimp.run(_call, name="scumble-inpaint", mode="WITH_LAST_VALS")
    assert answer[0] == "success"
    assert gimp.run("import json\n" + _source(_patch)) == 11


def _source(scenario: Any) -> str:
    import inspect

    return inspect.getsource(scenario).replace(f"def {scenario.__name__}", "def main", 1)


def _strokes(g: Any) -> Any:
    image = g.new(64, 64)
    g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    g.layer(image, "Strokes", (8, 8, 4, 4), colour=(0, 0, 0, 255))
    g.store["image"] = image
    g.show(image)


def test_layers_called_by_a_roles_name_are_chosen_in_the_dialog(shown_gimp: Gimp) -> None:
    gimp = shown_gimp
    gimp.run(_strokes)
    gimp.begin(_call, name="scumble-test-follow")
    press(gimp, window(gimp, "Scumble: Follow"), "Return")
    status, error, layers = gimp.answer()
    assert (status, error) == ("success", "")
    assert layers == ["Follow 1", "Strokes", "Picture"]


def test_ok_waits_while_something_required_is_missing(shown_gimp: Gimp) -> None:
    gimp = shown_gimp
    gimp.run(_show, path=picture(gimp))
    gimp.begin(_call, name="scumble-test-follow")
    where = window(gimp, "Scumble: Follow")
    press(gimp, where, "alt+o")
    press(gimp, where, "Return")
    time.sleep(1.0)
    press(gimp, window(gimp, "Scumble: Follow"), "Escape")
    assert gimp.answer() == ["cancel", "cancelled", ["Background"]]


def _channel(g: Any, path: str) -> Any:
    image = g.open(path)
    g.store["image"] = image
    g.select(image, (40, 200, 60, 50))
    channel = g.Gimp.Channel.new(image, "Kept", image.get_width(), image.get_height(), 100.0, g.Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    image.set_selected_channels([channel])
    g.store["display"] = g.show(image)
    return [one.get_name() for one in image.get_selected_drawables()]


def _chosen(g: Any) -> Any:
    return [one.get_name() for one in g.store["image"].get_selected_drawables()]


def test_with_a_channel_chosen_the_one_layer_is_read(shown_gimp: Gimp) -> None:
    """As after Select ▸ Save to Channel."""
    gimp = shown_gimp
    assert gimp.run(_channel, path=picture(gimp)) == ["Kept"]
    from_menu(gimp, "i")
    press(gimp, window(gimp, "Scumble: Inpaint"), "Return")
    assert count(gimp, 2) == ["Inpaint", "Background"]
    wait_for(lambda: not gimp.plugin_processes(), 20)
    assert gimp.run(_chosen) == ["Kept"]
