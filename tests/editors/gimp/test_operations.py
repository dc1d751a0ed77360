"""Every operation with its defaults, as the dialog and a script give them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.editors.scene_files import NAMES, files
from tests.support.daemon import wait_for

from .conftest import close_errors
from .harness.session import Gimp
from .test_windows import press, window

NOTED = ("face-latent",)
"""Operations that have something to say about their defaults: an empty canvas changes nothing."""


def _run(g: Any, operation: str, paths: dict[str, str], mode: str) -> Any:
    image = g.open(paths["image"])
    image.undo_enable()
    given = {
        role + "_file": g.Gio.File.new_for_path(path) for role, path in paths.items() if role not in ("image", "mask")
    }
    if "mask" in paths:
        mask = g.Gimp.file_load_layer(g.Gimp.RunMode.NONINTERACTIVE, image, g.Gio.File.new_for_path(paths["mask"]))
        image.insert_layer(mask, None, 0)
        mask.set_visible(False)
        given["mask"] = mask
    if mode == "INTERACTIVE":
        g.show(image)
    answer = g.call("scumble-" + operation, image, [image.get_layers()[-1]], mode, seed=7, **given)
    return answer["status"], answer["error"]


@pytest.mark.parametrize("operation", NAMES)
def test_its_defaults_are_good_for_a_script(gimp: Gimp, operation: str) -> None:
    paths = files(gimp.home.base, operation)
    assert gimp.run(_run, operation=operation, paths=paths, mode="NONINTERACTIVE") == ["success", ""]


@pytest.mark.parametrize("operation", NAMES)
def test_its_defaults_are_good_in_the_dialog(shown_gimp: Gimp, operation: str) -> None:
    gimp = shown_gimp
    paths = files(gimp.home.base, operation)
    gimp.begin(_run, operation=operation, paths=paths, mode="INTERACTIVE")
    where = window(gimp, "Scumble: ")
    press(gimp, where, "alt+o")
    assert gimp.answer() == ["success", ""]
    if operation in NOTED:
        wait_for(gimp.error_windows)
        # a key may come before its window listens
        wait_for(lambda: not close_errors(gimp) and not gimp.error_windows())
