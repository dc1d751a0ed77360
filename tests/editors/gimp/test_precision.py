"""Every precision and base type: what is outside the selection does not change by one bit, and the fill fits in."""

from __future__ import annotations

from typing import Any

import pytest

from .harness.session import Gimp

PRECISIONS = [
    f"{kind}_{curve}"
    for kind in ("U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE")
    for curve in ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
]
FEW = ["U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR"]


def _fill(g: Any, base: str, precision: str, alpha: bool, profile: bool) -> Any:
    image = g.new(96, 64, base, precision)
    if profile:
        image.set_color_profile(g.Gimp.ColorProfile.new_rgb_adobe())
    source = g.layer(image, "Picture", (0, 0, 96, 64), alpha)
    # A soft gradient, so that a fill of the wrong brightness shows.
    row = b"".join(bytes((120 + x // 3, 90 + x // 3, 60 + x // 3, 255)) for x in range(96))
    g.paint(source, (0, 0, 96, 64), "R'G'B'A u8", row * 64)
    image.select_rectangle(g.Gimp.ChannelOps.REPLACE, 30, 20, 24, 16)
    own = g.Babl.get_name(source.get_format())
    before = g.pixels(source, own)
    # GIMP's own sums of several layers round: so what is seen is compared with an empty layer in the result's place.
    empty = g.layer(image, "Empty", (30, 20, 24, 16))
    seen = g.visible(image, "R'G'B'A float")
    image.remove_layer(empty)
    answer = g.call("scumble-inpaint", image, [source], seed=3)
    assert answer["status"] == "success", answer["error"]
    new = answer["layer"]
    fill = g.pixels(new, "R'G'B'A u8", (30, 20, 24, 16))
    after = g.visible(image, "R'G'B'A float")
    changed = [i for i in range(96 * 64) if seen[16 * i : 16 * i + 16] != after[16 * i : 16 * i + 16]]
    outside = [i for i in changed if not (30 <= i % 96 < 54 and 20 <= i // 96 < 36)]
    wanted = g.pixels(source, "R'G'B'A u8", (30, 20, 24, 16))
    return {
        "untouched": before == g.pixels(source, own),
        "outside": len(outside),
        "precision": new.get_image().get_precision().value_nick,
        "gray": new.is_gray(),
        "alpha": {fill[i] for i in range(3, len(fill), 4)} == {255},
        "far": max(abs(a - b) for a, b in zip(fill, wanted, strict=True)),
        "rect": [*list(new.get_offsets())[1:], new.get_width(), new.get_height()],
    }


def _judge(answer: dict[str, Any], precision: str) -> None:
    assert answer["untouched"]
    assert answer["outside"] == 0
    assert answer["precision"] == precision.lower().replace("_", "-")
    assert answer["alpha"]
    assert answer["far"] <= 16, "the fill is of another brightness"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_rgb_in_every_precision(gimp: Gimp, precision: str) -> None:
    answer = gimp.run(_fill, base="RGB", precision=precision, alpha=True, profile=False)
    _judge(answer, precision)
    assert not answer["gray"]
    assert answer["rect"] == [30, 20, 24, 16]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_gray_stays_gray_in_every_precision(gimp: Gimp, precision: str) -> None:
    answer = gimp.run(_fill, base="GRAY", precision=precision, alpha=True, profile=False)
    _judge(answer, precision)
    assert answer["gray"]


@pytest.mark.parametrize("base", ["RGB", "GRAY"])
@pytest.mark.parametrize("precision", FEW)
def test_a_layer_without_alpha(gimp: Gimp, base: str, precision: str) -> None:
    _judge(gimp.run(_fill, base=base, precision=precision, alpha=False, profile=False), precision)


@pytest.mark.parametrize("precision", FEW)
def test_a_picture_with_a_profile_of_its_own(gimp: Gimp, precision: str) -> None:
    _judge(gimp.run(_fill, base="RGB", precision=precision, alpha=True, profile=True), precision)


def _exact(g: Any, base: str, precision: str, profile: bool) -> Any:
    image = g.new(64, 16, base, precision)
    if profile:
        image.set_color_profile(g.Gimp.ColorProfile.new_rgb_adobe())
    source = g.layer(image, "Picture", (0, 0, 64, 16))
    own = g.Babl.get_name(source.get_format())
    size = len(g.pixels(source, own)) // 1024
    component = precision.partition("_")[0]
    if component in ("U8", "U16"):
        data = bytearray(g.noise(1024 * size))
        channels = size if component == "U8" else size // 2
        step = size // channels
        for pixel in range(1024):  # opaque: a transparent pixel's colour is nobody's
            data[pixel * size + size - step : pixel * size + size] = b"\xff" * step
        g.paint(source, (0, 0, 64, 16), own, bytes(data))
    else:
        data = bytearray(g.noise(1024 * 8))
        data[6::8] = data[7::8] = b"\xff" * 1024  # over a soft alpha a result has another one: test_soft_edges.py
        g.paint(source, (0, 0, 64, 16), "R'G'B'A u16", bytes(data))
    before = g.pixels(source, own)
    answer = g.call("scumble-identity", image, [source])
    assert answer["status"] == "success", answer["error"]
    after = g.pixels(answer["layer"], own, (0, 0, 64, 16))
    if component == "DOUBLE" or component == "U32" or profile:  # they travel as floats of 32 bits
        form = "R'G'B'A u16"
        a, b = g.pixels(source, form), g.pixels(answer["layer"], form, (0, 0, 64, 16))
        pairs = (
            abs(int.from_bytes(a[i : i + 2], "little") - int.from_bytes(b[i : i + 2], "little"))
            for i in range(0, len(a), 2)
        )
        return max(pairs)
    return 0 if before == after else 65535


@pytest.mark.parametrize("base", ["RGB", "GRAY"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_pixels_come_back_as_they_went(gimp: Gimp, base: str, precision: str) -> None:
    assert gimp.run(_exact, base=base, precision=precision, profile=False) <= (
        1 if precision.startswith(("U32", "DOUBLE")) else 0
    )


# Babl's own way from Adobe's curve to floats and back is off by 44 of 65535 with 16-bit integers.
@pytest.mark.parametrize("precision", FEW)
def test_colours_outside_of_srgb_come_back(gimp: Gimp, precision: str) -> None:
    assert gimp.run(_exact, base="RGB", precision=precision, profile=True) <= 64


def _indexed(g: Any) -> Any:
    image = g.new(96, 64)
    source = g.layer(image, "Picture", (0, 0, 96, 64), colour=(200, 100, 50, 255))
    inner = g.layer(image, "Inner", (0, 0, 96, 64), position=1, colour=(20, 100, 250, 255))
    assert image.convert_indexed(g.Gimp.ConvertDitherType.NONE, g.Gimp.ConvertPaletteType.GENERATE, 8, False, False, "")
    g.select(image, (10, 10, 8, 8))
    known = {one.get_id() for one in g.Gimp.get_images()}
    answer = g.call("scumble-inpaint", image, [inner], seed=3)
    assert answer["status"] == "success", answer["error"]
    other = answer["layer"].get_image()
    assert source.is_valid()
    return {
        "new": other.get_id() not in known,
        "base": other.get_base_type().value_nick,
        "layers": g.layers(other),
        "old": g.layers(image),
        "old base": image.get_base_type().value_nick,
        "fill": list(g.pixels(answer["layer"], "R'G'B'A u8", (12, 12, 1, 1))),
    }


def test_an_indexed_picture_stays_and_the_result_is_in_an_rgb_copy_of_it(gimp: Gimp) -> None:
    answer = gimp.run(_indexed)
    assert answer["new"]
    assert (answer["base"], answer["old base"]) == ("rgb", "indexed")
    assert answer["old"] == ["Picture", "Inner"]
    assert [name.split(" ")[0] for name in answer["layers"]] == ["Picture", "Inpaint", "Inner"]
    assert answer["fill"] == [20, 100, 250, 255]
    assert "indexed" in gimp.said(), gimp.said()
