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

    def seen() -> Any:
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


@pytest.mark.parametrize(
    ("inner", "precision", "masked"),
    [
        ("", "U8_NON_LINEAR", False),
        ("", "U8_NON_LINEAR", True),
        ("", "FLOAT_NON_LINEAR", False),
        ("group", "U8_NON_LINEAR", False),
        ("passing", "U8_NON_LINEAR", True),
    ],
    ids=["plain", "mask", "float", "group", "passing"],
)
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


def _run(g: Any, operation: str, alpha: int) -> Any:
    """A whole run over a thin picture: what is seen before and after, in the middle and at the corner."""
    image = g.new(48, 48)
    picture = g.layer(image, "Picture", (0, 0, 48, 48), colour=(200, 100, 50, alpha))
    g.select(image, (16, 16, 16, 16), feather=4)
    answer = g.call("scumble-" + operation, image, [picture])
    assert answer["status"] == "success", answer["error"]
    seen = g.visible(image)
    found = [seen[4 * (48 * at + at) :][:4] for at in (24, 17, 16, 2)]
    plain = answer["layer"].get_composite_mode() == g.Gimp.LayerCompositeMode.AUTO
    return [list(one) for one in found], plain


@pytest.mark.parametrize("alpha", [128, 255])
@pytest.mark.parametrize("operation", ["identity", "inpaint"])
def test_a_run_over_a_thin_picture_leaves_it_as_thin_as_it_was(gimp: Gimp, operation: str, alpha: int) -> None:
    found, plain = gimp.run(_run, operation=operation, alpha=alpha)
    for seen in found:
        assert max(abs(a - b) for a, b in zip(seen, (200, 100, 50, alpha), strict=True)) <= 2
    assert plain == (alpha == 255)


def _read_again(g: Any, plugin: str, side: int, base: str, top: str) -> Any:
    """A result that is a group counts as one result: it is read with the picture, and asked for by any of its parts."""
    placing, client = g.module(plugin, "placing"), g.module(plugin, "scumble_client")
    provenance, edited = g.module(plugin, "scumble_client.editor.provenance"), g.module(plugin, "edited_picture")
    image = g.new(side, side)
    picture = g.layer(image, "Picture", (0, 0, side, side))
    g.paint(picture, (0, 0, side, side), "R'G'B'A u8", bytes.fromhex(base))
    made = provenance.Provenance("identity", {}, 5, {"image": edited.EditedPicture(image, picture).source(picture)})
    pixels = client.Pixels(bytes.fromhex(top), side, side)
    result = placing.PlacedResult("Result", [client.ResultLayer("", pixels, 1)], [provenance.dump(made)], False)
    (group,) = placing.place_layers(image, placing.insertion_point(image, picture), result, False)
    view = edited.EditedPicture(image, picture)
    over = view.results_over(picture, lambda _: False)
    read = view.read(view.source(picture), {}, over=over)
    beside = g.visible(image)
    new = group.get_children()[0]
    kinds = [info.why for info in edited.EditedPicture(image, picture).view().layers]
    second = g.call("scumble-identity", image, [picture])
    assert second["status"] == "success", second["error"]
    third = g.call("scumble-run-again", image, [new], seed=1)
    assert third["status"] == "success", third["error"]
    names = g.layers(image)
    return bytes(read.data).hex() == beside.hex(), [one.get_name() for one in over], kinds, placing.request_of(
        new
    ).operation, names  # fmt: skip


def test_a_result_of_two_layers_is_one_result(gimp: Gimp) -> None:
    base, top = (made("fill that moves a soft edge", SIDE).tobytes().hex() for made in (base_of, result_of))
    same, over, kinds, operation, names = gimp.run(
        _read_again, plugin=str(gimp.home.plugin), side=SIDE, base=base, top=top
    )
    assert same
    assert over == ["Result 1"]
    assert kinds == ["a result", "a result", "a result", ""]
    assert operation == "identity"
    assert names[2:] == [["Result 1", ["New", "Taken away"]], "Picture"]
    assert names[:2] == ["Identity 2", "Identity 1"]
