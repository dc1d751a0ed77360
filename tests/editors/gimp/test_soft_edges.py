"""What is seen with a result over partly transparent pictures is what the command line's composite gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scumble.imaging.layer import Layer, composite
from tests.editors.soft_scenes import SCENES, base_of, result_of

from .harness.session import Gimp

SIDE = 32


def _laid(g: Any, plugin: str, side: int, base: str, top: str, inner: str, precision: str, masked: bool) -> Any:
    """Adds a result as a run does; base and result are hexadecimal RGBA. `inner`: a group around the picture."""
    placing, client = g.module(plugin, "placing"), g.module(plugin, "scumble_client")
    whole, form = (0, 0, side, side), "R'G'B'A u8"
    image = g.new(side, side, precision=precision)
    group = None
    if inner:
        wall = g.layer(image, "Wall", whole, colour=(9, 80, 200, 255))
        group = g.group(image, "Group")
        if inner == "passing":
            group.set_mode(g.Gimp.LayerMode.PASS_THROUGH)
            wall.set_visible(False)
    picture = g.layer(image, "Picture", whole, parent=group)
    g.paint(picture, whole, form, bytes.fromhex(base))
    g.layer(image, "Over it", (0, 0, 2, 2), parent=group, colour=(9, 9, 9, 255))
    image.undo_disable()
    image.undo_enable()

    def seen():
        return (g.pixels(group, form, whole) if inner == "group" else g.visible(image, form)).hex()

    before, names = seen(), g.layers(image)
    point = placing.insertion_point(image, picture)
    pixels = client.Pixels(bytes.fromhex(top), side, side)
    result = placing.PlacedResult("Result", [client.ResultLayer("", pixels, 1)], ["{}"], masked)
    (made,) = placing.place_layers(image, point, result, False)
    after = seen()
    clipped = made.get_composite_mode() == g.Gimp.LayerCompositeMode.CLIP_TO_BACKDROP
    how = "mixed" if made.is_group() else "inside" if clipped else "plain"
    plain = made.get_composite_mode() == g.Gimp.LayerCompositeMode.AUTO
    name, mask = made.get_name(), made.get_mask() is not None
    chosen = [one.get_name() for one in image.get_selected_layers()]
    made.set_visible(False)
    hidden = seen() == before
    made.set_visible(True)
    return {"after": after, "how": how, "plain": plain, "name": name, "mask": mask, "hidden": hidden, "chosen": chosen,
            "names": names, "made": g.layers(image)}  # fmt: skip


@pytest.mark.parametrize("masked", [False, True], ids=["layer", "mask"])
@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "FLOAT_NON_LINEAR"])
@pytest.mark.parametrize("inner", ["", "group", "passing"])
@pytest.mark.parametrize("scene", SCENES)
def test_it_is_as_opaque_as_the_more_opaque_of_both(
    gimp: Gimp, scene: str, inner: str, precision: str, masked: bool
) -> None:
    base, top = base_of(scene, SIDE), result_of(scene, SIDE)
    answer = gimp.run(
        _laid,
        plugin=str(gimp.home.plugin),
        side=SIDE,
        base=base.tobytes().hex(),
        top=top.tobytes().hex(),
        inner=inner,
        precision=precision,
        masked=masked,
    )
    assert answer["how"] == SCENES[scene]
    assert answer["name"] == "Result 1"
    assert answer["mask"] == masked
    assert answer["hidden"]
    assert answer["chosen"] == ["Over it"]
    assert answer["plain"] == (SCENES[scene] != "inside")
    shown: NDArray[np.uint8] = np.frombuffer(bytes.fromhex(answer["after"]), np.uint8).reshape(SIDE, SIDE, 4)
    wanted = composite(Layer(base), Layer(top)).pixels
    part = np.s_[2:, 2:]  # what lies over the result is seen over it
    assert np.abs(shown[part][..., 3].astype(int) - wanted[part][..., 3]).max() <= 2
    if SCENES[scene] == "plain" and scene.startswith("soft"):
        return  # GIMP mixes a normal layer in linear light, as artists who use it know
    difference = np.abs(shown[part][..., :3].astype(int) - wanted[part][..., :3]) * (wanted[part][..., 3:] / 255)
    assert difference.max() <= 2
