"""Groups, offsets, masks, partly transparent and off-canvas layers; which layer is read for which role; bad calls."""

from __future__ import annotations

from typing import Any

import pytest

from .harness.session import Gimp


def _group(g: Any) -> Any:
    image = g.new(64, 64)
    g.layer(image, "Below", (0, 0, 64, 64), colour=(1, 2, 3, 255))
    outer = g.group(image, "Outer")
    inner = g.group(image, "Inner", outer)
    source = g.layer(image, "Picture", (5, 7, 40, 40), parent=inner, colour=(200, 100, 50, 255))
    g.layer(image, "Top", (0, 0, 8, 8), parent=inner, colour=(9, 9, 9, 255))
    g.select(image, (10, 12, 8, 8))
    answer = g.call("scumble-inpaint", image, [source])
    assert answer["status"] == "success", answer["error"]
    return g.layers(image), [*list(answer["layer"].get_offsets())[1:], answer["layer"].get_width()]


def test_the_result_lies_right_above_the_source_in_its_group(gimp: Gimp) -> None:
    layers, rect = gimp.run(_group)
    (outer, ((inner, names),)), below = layers
    assert (outer, inner, below) == ("Outer", "Inner", "Below")
    assert [name.split(" ")[0] for name in names] == ["Top", "Inpaint", "Picture"]
    assert rect == [10, 12, 8]


def _group_as_source(g: Any) -> Any:
    image = g.new(32, 32)
    group = g.group(image, "Group")
    g.layer(image, "Left", (4, 4, 8, 8), parent=group, colour=(200, 100, 50, 255))
    g.layer(image, "Right", (12, 4, 8, 8), parent=group, colour=(20, 100, 250, 255))
    answer = g.call("scumble-identity", image, [group])
    assert answer["status"] == "success", answer["error"]
    new = answer["layer"]
    return g.layers(image), list(new.get_offsets())[1:], [list(g.pixels(new, rect=(x, 6, 1, 1))) for x in (6, 14)]


def test_a_group_is_read_as_a_whole_and_the_result_lies_above_it(gimp: Gimp) -> None:
    layers, offsets, colours = gimp.run(_group_as_source)
    assert layers[0].startswith("Identity")
    assert layers[1] == ["Group", ["Right", "Left"]]
    assert offsets == [4, 4]
    assert colours == [[200, 100, 50, 255], [20, 100, 250, 255]]


def _off_canvas(g: Any) -> Any:
    image = g.new(32, 32)
    source = g.layer(image, "Picture", (-20, -10, 40, 30))
    noise = bytearray(g.noise(40 * 30 * 4))
    noise[3::4] = bytes(255 * (alpha > 99) for alpha in noise[3::4])  # a soft one is laid in by another alpha
    data = bytes(noise)
    g.paint(source, (0, 0, 40, 30), "R'G'B'A u8", data)
    answer = g.call("scumble-identity", image, [source])
    assert answer["status"] == "success", answer["error"]
    new = answer["layer"]
    here = g.pixels(new, rect=(-20, -10, 40, 30))
    same = all(
        data[i + 3] == here[i + 3] and (data[i + 3] == 0 or data[i : i + 3] == here[i : i + 3])
        for i in range(0, len(data), 4)
    )
    return same, [*list(new.get_offsets())[1:], new.get_width(), new.get_height()]


def test_what_lies_beyond_the_canvas_is_read_and_comes_back_in_its_place(gimp: Gimp) -> None:
    same, rect = gimp.run(_off_canvas)
    assert same
    assert rect == [-20, -10, 40, 30]


def _beside(g: Any) -> Any:
    image = g.new(64, 64)
    source = g.layer(image, "Picture", (0, 0, 40, 64), colour=(200, 100, 50, 255))
    g.select(image, (30, 20, 20, 20))
    answer = g.call("scumble-inpaint", image, [source])
    assert answer["status"] == "success", answer["error"]
    new = answer["layer"]
    return [list(g.pixels(new, rect=(x, 25, 1, 1))) for x in (31, 48)]


def test_a_selection_that_reaches_beyond_the_layer_is_filled_all_over(gimp: Gimp) -> None:
    for colour in gimp.run(_beside):
        assert colour[3] == 255
        assert max(abs(a - b) for a, b in zip(colour[:3], (200, 100, 50), strict=True)) < 32


def _masked(g: Any, as_mask: bool) -> Any:
    image = g.new(32, 32)
    source = g.layer(image, "Picture", (4, 4, 20, 20), colour=(200, 100, 50, 255))
    mask = source.create_mask(g.Gimp.AddMaskType.WHITE)
    source.add_mask(mask)
    g.paint(mask, (0, 0, 10, 20), "Y u8", bytes(200))
    answer = g.call("scumble-identity", image, [mask if as_mask else source])
    assert answer["status"] == "success", answer["error"]
    new = answer["layer"]
    return [g.pixels(new, rect=(x, 10, 1, 1))[3] for x in (6, 20)], g.layers(image)[1], source.get_mask() is not None


@pytest.mark.parametrize("as_mask", [False, True])
def test_a_layers_mask_is_applied_to_what_is_read(gimp: Gimp, as_mask: bool) -> None:
    assert gimp.run(_masked, as_mask=as_mask) == [[0, 255], "Picture", True]


def _transparent_part(g: Any) -> Any:
    image = g.new(48, 48)
    source = g.layer(image, "Picture", (0, 0, 48, 48), colour=(200, 100, 50, 255))
    g.paint(source, (20, 20, 6, 6), "R'G'B'A u8", bytes(4 * 36))
    answer = g.call("scumble-inpaint", image, [source], mask_from="alpha")
    assert answer["status"] == "success", answer["error"]
    new = answer["layer"]
    return list(g.pixels(new, rect=(22, 22, 1, 1))), list(new.get_offsets())[1:]


def test_the_transparent_part_is_filled_without_a_selection(gimp: Gimp) -> None:
    assert gimp.run(_transparent_part) == [[200, 100, 50, 255], [20, 20]]


def _key_colour(g: Any, colour: str) -> Any:
    image = g.new(48, 48)
    source = g.layer(image, "Picture", (0, 0, 48, 48), colour=(200, 100, 50, 255))
    key = g.Gegl.Color.new(colour or "#00ff00")
    data = bytes(key.get_bytes(g.Babl.format("R'G'B'A u8")).get_data())
    g.paint(source, (20, 20, 6, 6), "R'G'B'A u8", data * 36)
    more = {"key_color": key} if colour else {}
    answer = g.call("scumble-inpaint", image, [source], mask_from="color", **more)
    assert answer["status"] == "success", answer["error"]
    return list(g.pixels(answer["layer"], rect=(22, 22, 1, 1)))


@pytest.mark.parametrize("colour", ["", "#00ff00", "#000000", "#3020f0"])
def test_a_colour_argument_and_its_default_arrive(gimp: Gimp, colour: str) -> None:
    assert gimp.run(_key_colour, colour=colour) == [200, 100, 50, 255]


def _variations(g: Any) -> Any:
    image = g.new(48, 48)
    source = g.layer(image, "Picture", (0, 0, 48, 48))
    g.paint(
        source,
        (0, 0, 48, 48),
        "R'G'B'A u8",
        b"".join(p[:3] + b"\xff" for p in [g.noise(48 * 48 * 4)[i : i + 4] for i in range(0, 48 * 48 * 4, 4)]),
    )
    g.select(image, (20, 20, 6, 6))
    answer = g.call("scumble-inpaint", image, [source], variations=3, seed=5)
    assert answer["status"] == "success", answer["error"]
    return (
        g.layers(image),
        [one.get_visible() for one in image.get_layers()],
        answer["count"],
        answer["layer"].get_name(),
    )


def test_variations_lie_below_the_first_one_and_are_hidden(gimp: Gimp) -> None:
    layers, visible, count, first = gimp.run(_variations)
    assert layers == ["Inpaint 1", "Inpaint 2", "Inpaint 3", "Picture"]
    assert visible == [True, False, False, True]
    assert (count, first) == (3, "Inpaint 1")


def _same_seed(g: Any) -> Any:
    out = []
    for seed in (5, 5, 6):
        image = g.new(48, 48)
        source = g.layer(image, "Picture", (0, 0, 48, 48))
        noise = g.noise(48 * 48 * 4)
        g.paint(source, (0, 0, 48, 48), "R'G'B'A u8", noise)
        g.select(image, (12, 12, 20, 20))
        new = g.call("scumble-inpaint", image, [source], seed=seed)["layer"]
        out.append(g.pixels(new))
    return out[0] == out[1], out[0] == out[2]


def test_the_same_seed_gives_the_same_pixels(gimp: Gimp) -> None:
    assert gimp.run(_same_seed) == [True, False]


def _follow(g: Any, how: str, path: str) -> Any:
    """The operation gives the inverted picture where the strokes are, so that one sees what was read."""
    image = g.new(32, 32)
    source = g.layer(image, "Picture", (0, 0, 32, 32), colour=(200, 100, 50, 255))
    more: dict[str, Any] = {}
    if how == "named":
        g.layer(image, "Strokes", (8, 8, 4, 4), colour=(0, 0, 0, 255))
    elif how == "given":
        more["strokes"] = g.layer(image, "Anything", (8, 8, 4, 4), colour=(0, 0, 0, 255))
        g.layer(image, "Strokes", (20, 20, 4, 4), colour=(0, 0, 0, 255))
    elif how == "elsewhere":
        other = g.new(32, 32)
        more["strokes"] = g.layer(other, "Anything", (8, 8, 4, 4), colour=(0, 0, 0, 255))
    elif how == "file":
        other = g.new(12, 12)
        g.layer(other, "Drawn", (8, 8, 4, 4), colour=(0, 0, 0, 255))
        g.save(other, path)
        more["strokes_file"] = g.Gio.File.new_for_path(path)
    answer = g.call("scumble-test-follow", image, [source], **more)
    if answer["status"] != "success":
        return answer["error"]
    new = answer["layer"]
    return list(g.pixels(new, rect=(9, 9, 1, 1))), [*list(new.get_offsets())[1:], new.get_width(), new.get_height()]


@pytest.mark.parametrize("how", ["named", "given", "elsewhere", "file"])
def test_a_role_is_read_from_the_layer_that_is_named_or_given_or_from_a_file(gimp: Gimp, how: str) -> None:
    path = str(gimp.home.base / "strokes.png")
    assert gimp.run(_follow, how=how, path=path) == [[55, 155, 205, 255], [8, 8, 4, 4]]


def test_a_required_role_that_is_missing_is_said_in_a_sentence(gimp: Gimp) -> None:
    said = gimp.run(_follow, how="", path="")
    assert said == "Follow needs strokes. Paint on a layer called Strokes."


def _channel_as_mask(g: Any) -> Any:
    image = g.new(48, 48)
    source = g.layer(image, "Picture", (0, 0, 48, 48), colour=(200, 100, 50, 255))
    channel = g.Gimp.Channel.new(image, "Saved", 48, 48, 50.0, g.Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    g.paint(channel, (0, 0, 48, 48), "Y u8", bytes(48 * 48))
    g.paint(channel, (20, 20, 8, 8), "Y u8", bytes([128]) * 64)
    answer = g.call("scumble-inpaint", image, [source], mask=channel)
    assert answer["status"] == "success", answer["error"]
    return list(g.pixels(answer["layer"], rect=(22, 22, 1, 1))), list(answer["layer"].get_offsets())[1:]


def test_a_channel_can_stand_in_for_the_selection(gimp: Gimp) -> None:
    assert gimp.run(_channel_as_mask) == [[200, 100, 50, 128], [20, 20]]


def _bad(g: Any, what: str) -> Any:
    image = g.new(32, 32)
    one = g.layer(image, "One", (0, 0, 32, 32), colour=(200, 100, 50, 255))
    two = g.layer(image, "Two", (0, 0, 32, 32), colour=(200, 100, 50, 255))
    drawables, more, name = [one], {}, "scumble-inpaint"
    if what == "two":
        g.select(image, (4, 4, 8, 8))
        drawables = [one, two]
    elif what == "none":
        drawables = []
    elif what == "channel":
        channel = g.Gimp.Channel.new(image, "Saved", 32, 32, 50.0, g.Gegl.Color.new("red"))
        image.insert_channel(channel, None, 0)
        drawables = [channel]
    elif what == "floating":
        g.select(image, (4, 4, 8, 8))
        drawables = [g.Gimp.Selection.float(image, [one], 2, 2)]
    elif what == "grid":
        name, more = "scumble-test-follow", {"latent": "1 2 three"}
        g.layer(image, "Strokes", (8, 8, 4, 4), colour=(0, 0, 0, 255))
    elif what == "file":
        name, more = "scumble-test-follow", {"strokes_file": g.Gio.File.new_for_path("/etc/passwd")}
    elif what == "again":
        name = "scumble-run-again"
    answer = g.call(name, image, drawables, **more)
    return answer["status"], answer["error"], g.layers(image)[-2:]


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("unselected", "Nothing is selected. Select what should be filled"),
        ("two", "2 layers are chosen. Choose one layer."),
        ("none", "0 layers are chosen. Choose one layer."),
        ("channel", "A channel is chosen. Choose a layer."),
        ("floating", "The selection floats. Anchor it"),
        ("grid", "“Latent canvas” can't be '1 2 three'. 10 × 10 numbers from -1.0 to 1.0, or none."),
        ("file", "The file /etc/passwd can't be read. Choose another."),
        ("again", "The active layer was not made by Scumble. Click on one that was."),
    ],
)
def test_a_bad_call_gives_one_sentence_and_what_to_do(gimp: Gimp, what: str, sentence: str) -> None:
    status, error, layers = gimp.run(_bad, what=what)
    assert status in ("execution-error", "calling-error")
    assert error.startswith(sentence), (error, gimp.said())
    assert "Traceback" not in error
    assert layers[-1:] == ["One"] or what == "floating"


def _again(g: Any, path: str) -> Any:
    image = g.new(48, 48)
    source = g.layer(image, "Picture “é”", (0, 0, 48, 48))
    g.paint(source, (0, 0, 48, 48), "R'G'B' u8", g.noise(48 * 48 * 3))
    g.select(image, (12, 12, 20, 20))
    first = g.call("scumble-inpaint", image, [source], seed=5, patch=5)
    assert first["status"] == "success", first["error"]
    g.save(image, path)
    image.delete()
    image = g.open(path)
    g.Gimp.Selection.none(image)
    old = next(one for one in image.get_layers() if one.get_name() == "Inpaint 1")
    seeded = g.call("scumble-run-again", image, [old], seed=5)
    assert seeded["status"] == "success", seeded["error"]
    other = g.call("scumble-run-again", image, [seeded["layer"]])
    assert other["status"] == "success", other["error"]
    return g.layers(image), g.pixels(seeded["layer"]) == g.pixels(old), other["layer"].get_name()


def test_run_again_works_on_a_result_of_a_file_that_was_saved_and_opened(gimp: Gimp) -> None:
    layers, same, other = gimp.run(_again, path=str(gimp.home.base / "kept.xcf"))
    assert layers == ["Inpaint 3", "Inpaint 2", "Inpaint 1", "Picture “é”"]
    assert same
    assert other == "Inpaint 3"


def _new_layers(g: Any) -> Any:
    image = g.new(48, 32)
    group = g.group(image, "Group")
    source = g.layer(image, "Picture", (5, 7, 20, 20), parent=group, colour=(200, 100, 50, 255))
    before = g.visible(image)
    answer = g.call("scumble-new-layers", image, [source])
    assert answer["status"] == "success", answer["error"]
    sketch = answer["layer"]
    size = [*list(sketch.get_offsets())[1:], sketch.get_width(), sketch.get_height()]
    chosen = [layer.get_name() for layer in image.get_selected_layers()]
    return g.layers(image), answer["count"], size, chosen, g.visible(image) == before, max(g.pixels(sketch))


def test_new_layers_for_sketch_and_colour_lie_above_the_picture(gimp: Gimp) -> None:
    layers, count, size, chosen, same, most = gimp.run(_new_layers)
    assert layers == [["Group", ["Sketch", "Color", "Picture"]]]
    assert count == 2
    assert size == [0, 0, 48, 32]
    assert chosen == ["Sketch"]
    assert same
    assert most == 0


def _sketched(g: Any) -> Any:
    image = g.new(96, 96)
    source = g.layer(image, "Picture", (0, 0, 96, 96), colour=(200, 150, 120, 255))
    g.select(image, (24, 24, 48, 48))
    made = []
    for drawn in (False, True):
        if drawn:
            sketch = g.call("scumble-new-layers", image, [source])["layer"]
            g.paint(sketch, (44, 20, 3, 56), "R'G'B'A u8", bytes((0, 0, 0, 255)) * 3 * 56)
            colours = next(layer for layer in image.get_layers() if layer.get_name() == "Color")
            g.paint(colours, (50, 30, 16, 36), "R'G'B'A u8", bytes((40, 60, 200, 255)) * 16 * 36)
        answer = g.call("scumble-face-sketch", image, [source], seed=3)
        assert answer["status"] == "success", answer["error"]
        new = answer["layer"]
        x, y = list(new.get_offsets())[1:]
        made.append([x, y, new.get_width(), new.get_height(), list(g.pixels(new, rect=(58, 48, 1, 1)))])
    return made, g.layers(image)


def test_sketch_and_colours_are_found_and_followed(gimp: Gimp) -> None:
    (without, with_them), layers = gimp.run(_sketched)
    assert without[:4] == with_them[:4] == [24, 24, 48, 48]
    assert with_them[4][2] > without[4][2] + 30 > with_them[4][0], "blue where blue was painted"
    assert [name.split(" ")[0] for name in layers] == ["Face", "Sketch", "Color", "Face", "Picture"]


def _sketching(g: Any) -> Any:
    image = g.new(64, 64)
    g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    sketch = g.layer(image, "Sketch", (0, 0, 64, 64))
    g.select(image, (8, 8, 16, 16))
    answer = g.call("scumble-identity", image, [sketch], "WITH_LAST_VALS")
    return answer["error"], list(g.pixels(answer["layer"], rect=(10, 10, 1, 1)))


def test_on_an_empty_sketch_layer_the_picture_is_the_layer_below(gimp: Gimp) -> None:
    assert gimp.run(_sketching) == ["", [200, 100, 50, 255]]
