"""`scumble run`: what it writes, where, and that it is the same with the daemon and without. Bad input is elsewhere."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scumble import __version__
from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.io.files import read_picture
from scumble.worker import device
from scumble_client import Client
from scumble_client.paths import ConnectionFile
from tests.support.commands import (
    HEIGHT,
    HOLE,
    WIDTH,
    Call,
    Scene,
    ended,
    load,
    mask_pixels,
    outside,
    save,
    spawn,
    textured,
)
from tests.support.daemon import Daemon, Folders, status, wait_for
from tests.support.pictures import SRGB_PROFILE
from tests.support.pretended_device import pretended

WAYS = pytest.mark.parametrize("way", [(), ("--local", "--device", "cpu")], ids=["daemon", "local"])


def inpaint(scumble: Call, scene: Scene, *more: object) -> list[Path]:
    """Run it with the scene's mask; the files that it says it has written."""
    ran = scumble("run", "inpaint", "--image", scene.image, "--mask", scene.mask, *more).done()
    return [Path(line) for line in ran.out.splitlines()]


@pytest.fixture
def large(tmp_path: Path) -> Scene:
    """Of a size at which the search for patches is random."""
    mask = np.zeros((150, 160, 1), np.uint8)
    mask[50:110, 40:100] = 255
    image = save(tmp_path / "large" / "image.png", textured(height=150, width=160))
    return Scene(image.parent, image, save(image.with_name("mask.png"), mask))


class TestFiles:
    @WAYS
    def test_the_layer_has_the_canvas_s_size_and_is_seen_in_the_mask_only(
        self, scumble: Call, scene: Scene, way: tuple[str, ...]
    ) -> None:
        out = scene.path("layer.png")
        assert inpaint(scumble, scene, "--out", out, *way) == [out]
        pixels = load(out)
        assert pixels.shape == (HEIGHT, WIDTH, 4)
        np.testing.assert_array_equal(pixels[..., 3:], mask_pixels())
        assert not outside(pixels).any()

    @WAYS
    def test_the_composite_is_the_layer_over_the_picture(
        self, scumble: Call, scene: Scene, way: tuple[str, ...]
    ) -> None:
        out, whole = scene.path("layer.png"), scene.path("whole.png")
        assert inpaint(scumble, scene, "--out", out, "--composite", whole, *way) == [out, whole]
        composite = load(whole)
        np.testing.assert_array_equal(composite[HOLE], load(out)[HOLE][..., :3])
        np.testing.assert_array_equal(outside(composite), outside(load(scene.image)))
        assert (composite[HOLE] != load(scene.image)[HOLE]).any()

    def test_the_composite_alone(self, scumble: Call, scene: Scene) -> None:
        whole = scene.path("whole.webp")
        assert inpaint(scumble, scene, "--composite", whole) == [whole]
        np.testing.assert_array_equal(outside(load(whole)), outside(load(scene.image)))

    def test_crop_writes_the_layer_s_own_rectangle(self, scumble: Call, scene: Scene) -> None:
        out, cropped = scene.path("layer.png"), scene.path("crop.png")
        inpaint(scumble, scene, "--out", out)
        inpaint(scumble, scene, "--out", cropped, "--crop")
        np.testing.assert_array_equal(load(cropped), load(out)[HOLE])

    def test_crop_leaves_the_composite_whole(self, scumble: Call, scene: Scene) -> None:
        inpaint(scumble, scene, "--composite", scene.path("whole.png"), "--crop")
        assert load(scene.path("whole.png")).shape == (HEIGHT, WIDTH, 3)

    def test_variations_are_numbered_before_the_suffix(self, scumble: Call, large: Scene) -> None:
        out, whole = large.path("layer.png"), large.path("whole.png")
        written = inpaint(scumble, large, "--out", out, "--composite", whole, "--set", "variations=3")
        names = [f"{kind}-{number}.png" for number in (1, 2, 3) for kind in ("layer", "whole")]
        assert [path.name for path in written] == names
        assert sorted(p.name for p in large.folder.iterdir()) == sorted([*names, "image.png", "mask.png"])
        pictures = [load(large.path(f"layer-{number}.png")) for number in (1, 2, 3)]
        assert (pictures[0] != pictures[1]).any()
        assert (pictures[1] != pictures[2]).any()

    def test_an_older_file_is_replaced(self, scumble: Call, scene: Scene) -> None:
        out = save(scene.path("layer.png"), textured(1))
        inpaint(scumble, scene, "--out", out)
        assert load(out).shape == (HEIGHT, WIDTH, 4)

    @WAYS
    def test_json_says_what_was_made_and_how(self, scumble: Call, scene: Scene, way: tuple[str, ...]) -> None:
        out, whole = scene.path("layer.png"), scene.path("whole.png")
        where = ("--out", out, "--composite", whole, "--seed", "7", "--json")
        said = scumble("run", "inpaint", "--image", scene.image, "--mask", scene.mask, *where, *way).done().json
        about = {"name": "Inpaint", "seed": 7, "bounds": [18, 14, 14, 10]}
        assert said["files"] == [
            {"path": str(out), "kind": "layer", **about},
            {"path": str(whole), "kind": "composite", **about},
        ]
        assert said["notes"] == []
        assert 0 < said["seconds"] < 60
        request = said["request"]
        assert (request["operation"], request["seed"], request["version"]) == ("inpaint", 7, __version__)
        assert request["parameters"]["patch"] == 7

    def test_names_with_brackets_and_colons_are_printed_as_they_are(self, scumble: Call, scene: Scene) -> None:
        out = scene.path("[red]a layer :smile:.png")
        assert inpaint(scumble, scene, "--out", out) == [out]


class TestSeeds:
    def test_same_seed_same_pixels_and_another_seed_others(self, scumble: Call, large: Scene) -> None:
        for name, seed in (("a", 3), ("b", 3), ("c", 4)):
            inpaint(scumble, large, "--out", large.path(f"{name}.png"), "--seed", seed)
        np.testing.assert_array_equal(load(large.path("a.png")), load(large.path("b.png")))
        assert (load(large.path("a.png")) != load(large.path("c.png"))).any()

    def test_the_daemon_and_this_process_make_the_same(self, scumble: Call, large: Scene) -> None:
        inpaint(scumble, large, "--out", large.path("daemon.png"), "--seed", 3, "--set", "feather=3")
        inpaint(scumble, large, "--out", large.path("local.png"), "--seed", 3, "--set", "feather=3", "--local")
        np.testing.assert_array_equal(load(large.path("daemon.png")), load(large.path("local.png")))


class TestDepthsAndColour:
    @WAYS
    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    @pytest.mark.parametrize(
        ("suffix", "depth"),
        [(".png", "uint8"), (".png", "uint16"), (".tif", "uint16"), (".tif", "float16"), (".tif", "float32")],
    )
    def test_outside_the_mask_every_bit_stays(
        self, scumble: Call, scene: Scene, way: tuple[str, ...], suffix: str, depth: str, channels: int
    ) -> None:
        image = save(scene.path(f"deep{suffix}"), textured(channels, depth))
        whole = scene.path(f"whole{suffix}")
        scumble("run", "inpaint", "--image", image, "--mask", scene.mask, "--composite", whole, *way).done()
        before, after = load(image), load(whole)
        assert (after.dtype, after.shape) == (before.dtype, before.shape)
        assert outside(after).tobytes() == outside(before).tobytes()
        assert (after[HOLE] != before[HOLE]).any()

    @WAYS
    @pytest.mark.parametrize("colour", [SRGB, LINEAR, Colour("icc", SRGB_PROFILE)], ids=lambda colour: colour.kind)
    def test_the_profile_goes_into_layer_and_composite(
        self, scumble: Call, scene: Scene, way: tuple[str, ...], colour: Colour
    ) -> None:
        image = save(scene.path("coloured.tif"), textured(3, "uint16"), colour)
        out, whole = scene.path("layer.png"), scene.path("whole.tif")
        where = ("--out", out, "--composite", whole)
        scumble("run", "inpaint", "--image", image, "--mask", scene.mask, *where, *way).done()
        assert read_picture(out).layer.colour == colour
        assert read_picture(whole).layer.colour == colour
        np.testing.assert_array_equal(outside(load(whole)), outside(load(image)))


class TestMaskFrom:
    @WAYS
    def test_alpha_fills_the_transparent_part(self, scumble: Call, scene: Scene, way: tuple[str, ...]) -> None:
        pixels = textured(4)
        pixels[HOLE] = 0
        image, out, whole = save(scene.path("hole.png"), pixels), scene.path("layer.png"), scene.path("whole.png")
        where = ("--out", out, "--composite", whole)
        scumble("run", "inpaint", "--image", image, "--mask-from", "alpha", *where, *way).done()
        np.testing.assert_array_equal(load(out)[..., 3:], mask_pixels())
        assert (load(whole)[..., 3] == 255).all()
        np.testing.assert_array_equal(outside(load(whole)), outside(pixels))

    def test_colour_fills_what_is_painted_in_it(self, scumble: Call, scene: Scene) -> None:
        pixels = textured()
        pixels[HOLE] = (255, 0, 128)
        image, out = save(scene.path("key.png"), pixels), scene.path("layer.png")
        scumble("run", "inpaint", "--image", image, "--mask-from", "color=#ff0080", "--out", out).done()
        filled = load(out)
        assert (filled[HOLE][..., 3] == 255).all()
        assert not ((filled[..., 3] > 0) & (np.abs(filled[..., :3] - [255.0, 0, 128]).max(axis=2) < 40)).any()
        assert not filled[:10].any()


class TestTheDaemon:
    def test_it_is_started_where_there_is_none(self, alone: Call, folders: Folders, scene: Scene) -> None:
        inpaint(alone, scene, "--out", scene.path("layer.png"))
        assert ConnectionFile.read(folders.runtime) is not None

    def test_local_starts_none(self, alone: Call, folders: Folders, scene: Scene) -> None:
        inpaint(alone, scene, "--out", scene.path("layer.png"), "--local")
        assert list(folders.runtime.iterdir()) == []

    def test_it_forgets_the_result_once_the_files_are_written(
        self, scumble: Call, scene: Scene, client: Client
    ) -> None:
        before = len(status(client)["results"])
        inpaint(scumble, scene, "--out", scene.path("layer.png"))
        wait_for(lambda: len(status(client)["results"]) == before)

    @pytest.mark.parametrize("kind", ["cuda", "mps"])
    def test_local_on_a_device_that_is_named(
        self, alone: Call, scene: Scene, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(device, "repeatable", lambda where: None)  # it would last for all tests that follow
        with pretended(kind):
            inpaint(alone, scene, "--out", scene.path("there.png"), "--local", "--device", kind)
        inpaint(alone, scene, "--out", scene.path("here.png"), "--local", "--device", "cpu")
        there, here = load(scene.path("there.png")), load(scene.path("here.png"))
        assert (there[..., 3] == here[..., 3]).all()
        assert np.abs(there.astype(int) - here).mean() < 1

    def test_local_where_the_device_does_not_compute(
        self, alone: Call, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(device, "failure", lambda where: "no kernel image is available")
        ran = alone("run", "identity", "--image", scene.image, "--out", scene.path("out.png"), "--local").done()
        assert device.NOT_USED in ran.notes

    def test_another_device_is_for_local_or_for_the_daemon_s_start(self, scumble: Call, scene: Scene) -> None:
        ran = scumble("run", "identity", "--image", scene.image, "--out", scene.path("a.png"), "--device", "cpu")
        assert "scumble serve --device cpu" in ran.refused()


class TestCtrlC:
    def test_it_cancels_the_job_in_the_daemon(
        self, shared: Daemon, client: Client, scene: Scene, tmp_path: Path
    ) -> None:
        marker = tmp_path / "began"
        asked = ("--set", "seconds=600", "--set", f"marker={marker}", "--out", scene.path("layer.png"))
        process = spawn(shared.folders.environment, "run", "test-slow", "--image", scene.image, *asked)
        wait_for(lambda: marker.exists() and status(client)["jobs"])
        process.send_signal(signal.SIGINT)
        assert ended(process).refused(130) == "Cancelled."
        wait_for(lambda: status(client)["jobs"] == [])
        assert not scene.path("layer.png").exists()

    def test_it_ends_local_work(self, folders: Folders, scene: Scene, tmp_path: Path) -> None:
        marker = tmp_path / "began"
        asked = ("--set", "seconds=600", "--set", f"marker={marker}", "--out", scene.path("layer.png"), "--local")
        process = spawn(folders.environment, "run", "test-slow", "--image", scene.image, *asked)
        wait_for(marker.exists)
        process.send_signal(signal.SIGINT)
        assert ended(process).refused(130) == "Cancelled."

    def test_a_daemon_that_is_killed_under_it_is_said(
        self, start_daemon: Callable[..., Daemon], scene: Scene, tmp_path: Path
    ) -> None:
        daemon, marker = start_daemon(), tmp_path / "began"
        asked = ("--set", "seconds=600", "--set", f"marker={marker}", "--out", scene.path("layer.png"))
        process = spawn(daemon.folders.environment, "run", "test-slow", "--image", scene.image, *asked)
        wait_for(marker.exists)
        daemon.kill()
        assert ended(process).refused(3).startswith("The daemon went away before the job was finished.")
