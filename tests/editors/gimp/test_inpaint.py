"""The whole way: a call from a script, the daemon's real inpainting, a new layer."""

from __future__ import annotations

import shutil
from typing import Any

from tests.support.daemon import ROOT

from .harness.session import Gimp

PICTURE = ROOT / "backend" / "scumble" / "pictures" / "wren.jpg"


def picture(gimp: Gimp) -> str:
    """The bundled picture, where GIMP can read it."""
    path = gimp.home.base / PICTURE.name
    shutil.copy(PICTURE, path)
    return str(path)


def _inpaint(g: Any, path: str, feather: float) -> Any:
    image = g.open(path)
    source = image.get_layers()[0]
    width = image.get_width()
    g.select(image, (40, 200, 60, 50), feather)
    before = g.visible(image)
    answer = g.call("scumble-inpaint", image, [source], seed=7)
    assert answer["status"] == "success", answer["error"]
    after = g.visible(image)
    new = image.get_layers()[0]
    selection = g.pixels(image.get_selection(), "Y u8", (0, 0, width, image.get_height()))
    alpha = g.pixels(new, "R'G'B'A u8", (0, 0, width, image.get_height()))[3::4]
    changed = [i for i in range(len(before) // 4) if before[4 * i : 4 * i + 4] != after[4 * i : 4 * i + 4]]
    return {
        "layers": g.layers(image),
        "returned": [answer["layer"].get_name(), answer["count"]],
        "outside": sum(selection[i] == 0 for i in changed),
        "inside": len(changed) / sum(v > 0 for v in selection),
        "alpha is the selection": max(abs(a - s) for a, s in zip(alpha, selection, strict=True)),
        "values": len(set(alpha)),
        "chosen": [one.get_name() for one in image.get_selected_layers()],
    }


def test_the_call_makes_a_new_layer_above_the_source(gimp: Gimp) -> None:
    answer = gimp.run(_inpaint, path=picture(gimp), feather=0)
    assert [name.split(" ")[0] for name in answer["layers"]] == ["Inpaint", "Background"]
    assert answer["returned"] == [answer["layers"][0], 1]
    assert answer["outside"] == 0
    assert answer["alpha is the selection"] == 0
    assert answer["inside"] > 0.9


def test_a_soft_selection_gives_a_soft_layer(gimp: Gimp) -> None:
    answer = gimp.run(_inpaint, path=picture(gimp), feather=12)
    assert answer["outside"] == 0
    assert answer["alpha is the selection"] <= 1
    assert answer["values"] > 20


def test_the_artists_layer_stays_the_chosen_one(gimp: Gimp) -> None:
    answer = gimp.run(_inpaint, path=picture(gimp), feather=0)
    assert answer["chosen"] == ["Background"]
