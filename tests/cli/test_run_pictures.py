"""`scumble run` with pictures as they come: soft edges, masks the other way round, metadata; and any picture with any operation."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.io.colour_tags import D65, P3
from scumble.imaging.io.files import Metadata, read_picture, write_picture
from scumble.imaging.io.metadata import exif_of
from scumble.imaging.layer import DEPTHS, Layer
from scumble.imaging.profiles import gray_profile_of, profile_of
from tests.support.commands import HOLE, Call, Scene, load, mask_pixels, outside, save, textured
from tests.support.pictures import SRGB_PROFILE

LOCAL = ("--local", "--device", "cpu")


def soft_edged() -> np.ndarray:
    pixels = textured(4)
    pixels[..., 3] = np.clip(np.arange(48) * 8 - 60, 0, 255)
    pixels[pixels[..., 3] == 0] = (255, 0, 255, 0)
    return pixels


@pytest.mark.parametrize(
    "asked", [("photo-style", "--set", "painting=sunset"), ("paint-style", "--set", "painting=mosaic"), ("identity",)]
)
def test_soft_edges_stay_as_soft_as_they_were(alone: Call, scene: Scene, asked: tuple[str, ...]) -> None:
    image, out, whole = save(scene.path("soft.png"), soft_edged()), scene.path("out.png"), scene.path("whole.png")
    alone("run", *asked, "--image", image, "--out", out, "--composite", whole, *LOCAL).done()
    assert np.array_equal(load(whole)[..., 3], soft_edged()[..., 3])
    assert np.array_equal(load(out)[..., 3], soft_edged()[..., 3])


def test_a_mask_the_other_way_round(alone: Call, scene: Scene) -> None:
    turned = save(scene.path("turned.png"), 1 - mask_pixels() // 255)  # of 0 and 1, too
    first, second = scene.path("first.png"), scene.path("second.png")
    asked = ("run", "inpaint", "--image", scene.image, "--set", "method=smooth", *LOCAL)
    alone(*asked, "--mask", scene.mask, "--out", first).done()
    ran = alone(*asked, "--mask", turned, "--invert-mask", "--out", second).done()
    assert ran.notes == ["The mask has the values 0 and 1 only; 1 was taken as selected."]
    assert np.array_equal(load(first), load(second))


def photo(scene: Scene) -> Path:
    exif = Image.Exif()
    exif[0x8298], exif[0x0112] = "(c) Me", 1
    Image.fromarray(textured()).save(scene.path("photo.jpg"), exif=exif.tobytes(), dpi=(300, 300), quality=95)
    return scene.path("photo.jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_composite_keeps_what_the_file_says_and_a_layer_its_resolution(
    alone: Call, scene: Scene, suffix: str
) -> None:
    out, whole = scene.path(f"out{suffix}"), scene.path(f"whole{suffix}")
    alone("run", "identity", "--image", photo(scene), "--out", out, "--composite", whole, *LOCAL).done()
    kept, layer = read_picture(whole).metadata, read_picture(out).metadata
    assert exif_of(kept.exif)[0x8298] == "(c) Me"
    assert kept.resolution == pytest.approx((300, 300), abs=0.02)
    assert layer.exif is None
    assert layer.resolution == pytest.approx((300, 300), abs=0.02)


def test_without_metadata(alone: Call, scene: Scene) -> None:
    whole = scene.path("whole.png")
    alone("run", "identity", "--image", photo(scene), "--composite", whole, "--no-metadata", *LOCAL).done()
    assert read_picture(whole).metadata == Metadata()


FORMATS = {"png": ("uint8", "uint16"), "jpg": ("uint8",), "webp": ("uint8",), "tif": DEPTHS}
OPERATIONS = {
    "inpaint": {"method": ["smooth", "patchmatch", "network"]},
    "photo-style": {"painting": ["sunset"]},
    "identity": {},
}


@st.composite
def pictures(draw: st.DrawFn) -> tuple[str, Layer]:
    """A format, and a layer that it can hold, of any colour."""
    form = draw(st.sampled_from(sorted(FORMATS)))
    depth = draw(st.sampled_from(FORMATS[form]))
    channels = draw(st.sampled_from({"jpg": (1, 3), "webp": (3, 4)}.get(form, (1, 2, 3, 4))))
    kind = draw(st.sampled_from(["srgb", "linear", "wide", "own"]))
    if kind == "wide":
        colour = Colour("icc", gray_profile_of(1.7) if channels <= 2 else profile_of(P3, D65, 2.2))
    elif kind == "own" and channels > 2:
        colour = Colour("icc", SRGB_PROFILE)
    else:
        colour = LINEAR if kind == "linear" and form in ("png", "tif") else SRGB
    pixels = textured(channels, depth).copy()
    if channels in (2, 4):
        full = np.iinfo(depth).max if depth.startswith("u") else 1
        pixels[:, :9, -1] = 0
        pixels[:, 9:12, -1] = (full * np.array([0.25, 0.5, 0.75])).astype(depth)
    return form, Layer(pixels, colour=colour)


@settings(deadline=None, max_examples=25)
@given(pictures(), st.data())
def test_any_picture_with_any_operation(made: tuple[str, Layer], data: st.DataObject) -> None:
    """No traceback; outside the mask nothing changes by a bit, and profile, depth and metadata are kept."""
    from scumble.cli.app import call

    form, layer = made
    operation = data.draw(st.sampled_from(sorted(OPERATIONS)))
    chosen = {name: data.draw(st.sampled_from(values)) for name, values in OPERATIONS[operation].items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image, whole = folder / f"image.{form}", folder / f"whole.{'png' if form in ('jpg', 'webp') else form}"
        write_picture(image, layer, metadata=Metadata((200.0, 200.0)))
        before = read_picture(image)
        save(folder / "mask.png", mask_pixels())
        words = [word for pair in chosen.items() for word in ("--set", "=".join(pair))]
        asked = [
            "run",
            operation,
            "--image",
            image,
            "--mask",
            folder / "mask.png",
            "--composite",
            whole,
            *words,
            *LOCAL,
        ]
        assert call([str(word) for word in asked]) == 0
        after = read_picture(whole)
    assert after.layer.depth == before.layer.depth
    assert after.layer.colour == before.layer.colour
    assert outside(after.layer.pixels).tobytes() == outside(before.layer.pixels).tobytes()
    if form != "webp":
        assert after.metadata.resolution == pytest.approx((200, 200), abs=0.02)
    if operation != "identity":
        assert (after.layer.pixels[HOLE] != before.layer.pixels[HOLE]).any()
