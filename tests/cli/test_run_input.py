"""`scumble run` with bad input: one clear line on stderr, the exit code 2 or 3, no traceback, and no file is left."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scumble.imaging.io.files import read_picture
from tests.support.commands import HOLE, Call, Ran, Scene, load, mask_pixels, save, textured
from tests.support.daemon import Daemon, Folders
from tests.support.pictures import png, put

WAYS = pytest.mark.parametrize("way", [(), ("--local",)], ids=["daemon", "local"])


def attempt(scumble: Call, scene: Scene, *more: object, image: Path | None = None, mask: Path | None = None) -> Ran:
    """Inpaint the scene, or with other pictures in the place of its own, to out.png."""
    pictures = ("--image", image or scene.image, "--mask", mask or scene.mask)
    return scumble("run", "inpaint", *pictures, "--out", scene.path("out.png"), *more)


def refusal(ran: Ran, scene: Scene, code: int = 2) -> str:
    """The one line; nothing was written."""
    line = ran.refused(code)
    assert not scene.path("out.png").exists()
    assert line.count(". ") >= 1, "a sentence on what is wrong, and one on what to do"
    return line


class TestMasks:
    def test_of_another_size(self, scumble: Call, scene: Scene) -> None:
        other = save(scene.path("other.png"), np.full((30, 20, 1), 255, np.uint8))
        line = refusal(attempt(scumble, scene, mask=other), scene)
        assert line == "The mask is 20 × 30 pixels, the image 48 × 40. Make both the same size."

    @WAYS
    def test_empty(self, scumble: Call, scene: Scene, way: tuple[str, ...]) -> None:
        empty = save(scene.path("empty.png"), mask_pixels() * 0)
        line = refusal(attempt(scumble, scene, *way, mask=empty), scene)
        assert line == "The selection is empty. Select what should be filled."

    @WAYS
    def test_full(self, scumble: Call, scene: Scene, way: tuple[str, ...]) -> None:
        full = save(scene.path("full.png"), np.full_like(mask_pixels(), 255))
        line = refusal(attempt(scumble, scene, *way, mask=full), scene)
        assert line == "Everything is selected, so there is nothing left to copy from. Select a smaller part."

    def test_none(self, scumble: Call, scene: Scene) -> None:
        ran = scumble("run", "inpaint", "--image", scene.image, "--out", scene.path("out.png"))
        assert refusal(ran, scene) == "Nothing is selected. Select what should be filled."

    def test_nothing_is_transparent(self, scumble: Call, scene: Scene) -> None:
        ran = scumble("run", "inpaint", "--image", scene.image, "--mask-from", "alpha", "--out", scene.path("out.png"))
        assert "no transparent part" in refusal(ran, scene)

    def test_nothing_has_the_colour(self, scumble: Call, scene: Scene) -> None:
        asked = ("--mask-from", "color=#ff00ff", "--out", scene.path("out.png"))
        assert "#ff00ff" in refusal(scumble("run", "inpaint", "--image", scene.image, *asked), scene)

    @pytest.mark.parametrize("source", ["nothing", "color=blue", "color=#12", "alpha=#ff0000x", ""])
    def test_mask_from_what_there_is_not(self, scumble: Call, scene: Scene, source: str) -> None:
        asked = ("--mask-from", source, "--out", scene.path("out.png"))
        refusal(scumble("run", "inpaint", "--image", scene.image, *asked), scene)

    def test_mask_from_is_not_for_every_operation(self, scumble: Call, scene: Scene) -> None:
        asked = ("--mask-from", "alpha", "--out", scene.path("out.png"))
        line = refusal(scumble("run", "identity", "--image", scene.image, *asked), scene)
        assert line == "Identity has no --mask-from. Leave it out."


class TestPictures:
    def test_no_pixels(self, scumble: Call, scene: Scene) -> None:
        image = put(scene.folder, "empty.png", png(0, 0, 8, 2, b""))
        assert "0 × 0" in refusal(attempt(scumble, scene, image=image), scene)

    @WAYS
    def test_one_pixel_that_is_selected(self, scumble: Call, scene: Scene, way: tuple[str, ...]) -> None:
        image = save(scene.path("one.png"), np.full((1, 1, 3), 99, np.uint8))
        mask = save(scene.path("selected.png"), np.full((1, 1, 1), 255, np.uint8))
        assert "Everything is selected" in refusal(attempt(scumble, scene, *way, image=image, mask=mask), scene)

    def test_one_pixel_that_is_not(self, scumble: Call, scene: Scene) -> None:
        image = save(scene.path("one.png"), np.full((1, 1, 3), 99, np.uint8))
        mask = save(scene.path("selected.png"), np.zeros((1, 1, 1), np.uint8))
        assert "empty" in refusal(attempt(scumble, scene, image=image, mask=mask), scene)

    def test_one_pixel_comes_back(self, scumble: Call, scene: Scene) -> None:
        image = save(scene.path("one.png"), np.full((1, 1, 3), 99, np.uint8))
        scumble("run", "identity", "--image", image, "--out", scene.path("out.png")).done()
        assert load(scene.path("out.png")).tolist() == [[[99, 99, 99]]]

    @WAYS
    def test_values_that_are_not_finite_are_said_and_kept_outside(
        self, scumble: Call, scene: Scene, way: tuple[str, ...]
    ) -> None:
        pixels = textured(3, "float32")
        pixels[0, 0], pixels[20, 20], pixels[39, 47, 1] = np.nan, np.inf, -np.inf
        image, whole = save(scene.path("odd.tif"), pixels), scene.path("whole.tif")
        pictures = ("--image", image, "--mask", scene.mask)
        ran = scumble("run", "inpaint", *pictures, "--composite", whole, *way).done()
        assert ran.notes == [
            "The layer held 7 infinite values or values that are not numbers; they were replaced.",
        ]
        after = load(whole)
        assert np.isfinite(after[HOLE]).all()
        assert after[0, 0].tobytes() == pixels[0, 0].tobytes()
        assert after[39, 47].tobytes() == pixels[39, 47].tobytes()

    def test_a_broken_png(self, scumble: Call, scene: Scene) -> None:
        whole = scene.image.read_bytes()
        broken = put(scene.folder, "broken.png", whole[: len(whole) // 2])
        assert "“broken.png” is a damaged PNG file" in refusal(attempt(scumble, scene, image=broken), scene)

    def test_a_file_that_is_no_picture(self, scumble: Call, scene: Scene) -> None:
        text = put(scene.folder, "notes.png", b"buy milk")
        line = refusal(attempt(scumble, scene, image=text), scene)
        assert (
            line
            == "“notes.png” is not a picture that Scumble can read. Scumble reads PNG, JPEG, WebP, TIFF, OpenRaster, Krita, Photoshop, AVIF and JPEG XL."
        )

    def test_a_file_that_is_not_there(self, scumble: Call, scene: Scene) -> None:
        line = refusal(attempt(scumble, scene, mask=scene.path("nowhere.png")), scene)
        assert "There is no file “nowhere.png”" in line

    def test_a_palette_is_converted_and_said(self, scumble: Call, scene: Scene) -> None:
        Image.fromarray(textured()).quantize(32).save(scene.path("palette.png"))
        ran = attempt(scumble, scene, image=scene.path("palette.png")).done()
        assert ran.notes == ["palette.png: The picture has a palette; it was converted to RGB."]
        assert load(scene.path("out.png")).shape == (40, 48, 4)

    def test_cmyk_is_converted_and_said(self, scumble: Call, scene: Scene) -> None:
        Image.fromarray(textured()).convert("CMYK").save(scene.path("press.jpg"))
        ran = attempt(scumble, scene, image=scene.path("press.jpg")).done()
        assert len(ran.notes) == 1
        assert ran.notes[0].startswith("press.jpg: ")
        assert "CMYK" in ran.notes[0]
        assert read_picture(scene.path("out.png")).layer.layout == "rgba"


class TestWishes:
    @WAYS
    def test_an_unknown_operation(self, scumble: Call, scene: Scene, way: tuple[str, ...]) -> None:
        ran = scumble("run", "nope", "--image", scene.image, "--out", scene.path("out.png"), *way)
        line = refusal(ran, scene)
        assert "no operation called “nope”" in line
        assert "inpaint" in line

    @WAYS
    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ("colour=3", "Inpaint has no parameter called “colour”. It has: method, domain"),
            ("variations=0", "The parameter “variations” can't be '0'."),
            ("variations=9", "less than or equal to 8"),
            ("patch=4", "odd"),
            ("patch=big", "can't be 'big'"),
            ("tolerance=nan", "can't be"),
            ("method=magic", "patchmatch"),
            ("variations", "“variations” sets nothing. Write it like --set variations=2"),
            ("=2", "sets nothing"),
        ],
    )
    def test_parameters(self, scumble: Call, scene: Scene, way: tuple[str, ...], setting: str, words: str) -> None:
        assert words in refusal(attempt(scumble, scene, "--set", setting, *way), scene)

    def test_an_input_that_the_operation_does_not_take(self, scumble: Call, scene: Scene) -> None:
        line = refusal(attempt(scumble, scene, "--strokes", scene.image), scene)
        assert (
            line == "Inpaint does not take an input called “strokes”. It takes: image, mask, sketch, source, reference."
        )

    @pytest.mark.parametrize("seed", ["-1", "4294967296", "x"])
    def test_a_seed_out_of_bounds(self, scumble: Call, scene: Scene, seed: str) -> None:
        assert "--seed" in attempt(scumble, scene, "--seed", seed).refused()

    @pytest.mark.parametrize("arguments", [("run",), ("run", "inpaint"), ("run", "--nope"), ("nope",)])
    def test_wrong_usage(self, scumble: Call, arguments: tuple[str, ...]) -> None:
        scumble(*arguments).refused()

    def test_a_device_that_is_not_there(self, scumble: Call, scene: Scene) -> None:
        line = refusal(attempt(scumble, scene, "--local", "--device", "abacus"), scene)
        assert "There is no device “abacus”" in line
        assert "cpu" in line


class TestPlaces:
    def test_none_given(self, scumble: Call, scene: Scene) -> None:
        line = scumble("run", "inpaint", "--image", scene.image, "--mask", scene.mask).refused()
        assert line == "There is nowhere to put the result. Give --out LAYER.png or --composite PICTURE.png"

    @pytest.mark.parametrize("option", ["--out", "--composite"])
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("sub/layer.png", "There is no folder"),
            ("image.png/layer.png", "There is no folder"),
            ("image.png", "“image.png” would replace a picture that is read."),
            ("mask.png", "“mask.png” would replace a picture that is read."),
            ("layer.xcf", "in which format to write “layer.xcf”"),
            ("layer", "in which format to write “layer”"),
        ],
    )
    def test_that_can_t_be_written(self, scumble: Call, scene: Scene, option: str, name: str, words: str) -> None:
        before = {path: path.read_bytes() for path in scene.folder.iterdir()}
        ran = scumble("run", "inpaint", "--image", scene.image, "--mask", scene.mask, option, scene.path(name))
        assert words in ran.refused()
        assert {path: path.read_bytes() for path in scene.folder.iterdir()} == before

    def test_one_file_for_both(self, scumble: Call, scene: Scene) -> None:
        ran = attempt(scumble, scene, "--composite", scene.path("out.png"))
        assert refusal(ran, scene) == "Layer and composite can't be one file. Choose two names."

    def test_a_folder_in_the_way(self, scumble: Call, scene: Scene) -> None:
        scene.path("out.png").mkdir()
        assert "“out.png” is a folder" in attempt(scumble, scene).refused()

    @pytest.mark.parametrize(
        ("number", "code", "words"),
        [(errno.ENOSPC, 3, "The disk is full"), (errno.EROFS, 2, "may not be written")],
    )
    def test_a_disk_that_does_not_take_it(
        self, scumble: Call, scene: Scene, monkeypatch: pytest.MonkeyPatch, number: int, code: int, words: str
    ) -> None:
        def fsync(_: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)
        assert words in refusal(attempt(scumble, scene), scene, code)
        assert sorted(path.name for path in scene.folder.iterdir()) == ["image.png", "mask.png"]


class TestTheMachine:
    def test_a_home_that_can_t_be_written(
        self, folders: Folders, calling: Call, scene: Scene, start_daemon: Callable[..., Daemon]
    ) -> None:
        """A file is where the folders of results, log and settings would be made."""
        for name in ("cache", "log", "config"):
            put(folders.base, name, b"")
        start_daemon()
        attempt(calling, scene).done()
        assert load(scene.path("out.png"))[HOLE][..., 3].all()

    def test_a_full_disk_for_the_spool(
        self, calling: Call, scene: Scene, start_daemon: Callable[..., Daemon], folders: Folders
    ) -> None:
        """/dev/full says "no space left" to whoever writes there."""
        start_daemon()
        folders.results.rmdir()
        folders.results.symlink_to("/dev/full")
        attempt(calling, scene).done()
        assert load(scene.path("out.png"))[HOLE][..., 3].all()

    def test_no_place_for_the_socket(
        self, alone: Call, folders: Folders, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = put(folders.base, "file", b"")
        monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", str(file / "run"))
        line = refusal(attempt(alone, scene), scene, 3)
        assert str(file / "run") in line
        assert "set SCUMBLE_RUNTIME_DIR" in line

    def test_a_defect_is_told_with_a_log_file_and_no_traceback(
        self, alone: Call, folders: Folders, scene: Scene
    ) -> None:
        out = ("--out", scene.path("out.png"))
        ran = alone("run", "test-broken", "--image", scene.image, *out, "--local")
        log = folders.log.with_name("scumble-command.log")
        assert ran.refused(3) == f"Scumble made a mistake. Please report it, with this file: {log}"
        assert "ZeroDivisionError" in log.read_text()

    def test_a_defect_in_the_worker_names_the_daemon_s_log(self, scumble: Call, shared: Daemon, scene: Scene) -> None:
        ran = scumble("run", "test-broken", "--image", scene.image, "--out", scene.path("out.png"))
        assert str(shared.folders.log) in ran.refused(3)

    @WAYS
    def test_too_little_memory(self, scumble: Call, scene: Scene, way: tuple[str, ...]) -> None:
        ran = scumble("run", "test-insatiable", "--image", scene.image, "--out", scene.path("out.png"), *way)
        assert "There is not enough memory" in ran.refused(3)

    def test_where_no_log_can_be_written_the_temporary_folder_has_it(
        self, alone: Call, folders: Folders, scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        put(folders.base, "log", b"")
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        ran = alone("run", "test-broken", "--image", scene.image, "--out", scene.path("out.png"), "--local")
        assert str(tmp_path / "scumble-command.log") in ran.refused(3)
