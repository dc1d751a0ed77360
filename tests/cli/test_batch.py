"""`scumble batch`: folders of pictures; it resumes, counts, names what failed, and leaves nothing out in silence."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scumble.cli.batch import TRIES
from scumble.cli.batch_record import RECORD, Record
from scumble.imaging.io.files import read_picture
from scumble.scripting import Job, Local
from scumble.scripting.jobs import Order
from scumble_client import Client
from scumble_client.errors import ScumbleError
from tests.support.commands import Call, Pixels, Ran, ended, load, mask_pixels, outside, save, spawn, textured
from tests.support.daemon import Daemon, status, wait_for
from tests.support.pictures import put

WAYS = pytest.mark.parametrize("way", [(), ("--local",)], ids=["daemon", "local"])


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Pictures of every kind in two levels of folders."""
    folder = tmp_path / "album"
    for number, name in enumerate(["a.jpg", "b.png", "sub/c.webp", "sub/deeper/d.TIF", "e.tiff"]):
        depth = {"d.TIF": "uint16", "e.tiff": "float32"}.get(Path(name).name, "uint8")
        save(folder / name, np.roll(textured(3, depth), number, axis=1))
    return folder


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    return save(tmp_path / "mask.png", mask_pixels())


def said(ran: Ran) -> str:
    """The last line: the count."""
    return ran.out.splitlines()[-1]


def tree(folder: Path) -> list[str]:
    """Files below the folder, hidden ones left out."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in files if not path.name.startswith("."))


class TestFolders:
    @WAYS
    def test_every_kind_of_picture_in_every_folder(
        self, scumble: Call, album: Path, mask: Path, tmp_path: Path, way: tuple[str, ...]
    ) -> None:
        out, whole = tmp_path / "out", tmp_path / "whole"
        ran = scumble("batch", "inpaint", album, "--mask", mask, "--out", out, "--composite", whole, *way).done()
        assert said(ran) == "5 done, 0 failed"
        assert ran.notes == []
        names = ["a.png", "b.png", "e.tif", "sub/c.png", "sub/deeper/d.tif"]
        assert tree(out) == names
        assert tree(whole) == names
        layers = [read_picture(out / name).layer for name in names]
        assert [layer.depth for layer in layers] == ["uint8", "uint8", "float32", "uint8", "uint16"]
        assert all((layer.alpha() == mask_pixels()[..., 0] / 255).all() for layer in layers)
        for name, source in zip(names, ["a.jpg", "b.png", "e.tiff", "sub/c.webp", "sub/deeper/d.TIF"], strict=True):
            np.testing.assert_array_equal(outside(load(whole / name)), outside(load(album / source)))

    def test_it_is_what_run_makes(self, scumble: Call, album: Path, mask: Path, tmp_path: Path) -> None:
        scumble("batch", "inpaint", album, "--mask", mask, "--out", tmp_path / "out", "--seed", 3).done()
        one = tmp_path / "one.png"
        scumble("run", "inpaint", "--image", album / "b.png", "--mask", mask, "--out", one, "--seed", 3).done()
        np.testing.assert_array_equal(load(tmp_path / "out" / "b.png"), load(one))

    def test_pictures_of_one_name_stay_apart(self, scumble: Call, tmp_path: Path) -> None:
        for name, value in (("a.png", 10), ("a.webp", 20), ("a.png.png", 30), ("a.tif", 40)):
            save(tmp_path / "in" / name, np.full((4, 4, 3), value, np.uint8))
        out = tmp_path / "out"
        assert said(scumble("batch", "identity", tmp_path / "in", "--out", out).done()) == "4 done, 0 failed"
        values = {name: int(load(out / name)[0, 0, 0]) for name in tree(out)}
        assert sorted(values.values()) == [10, 20, 30, 40]
        assert values["a.tif.tif"] == 40

    def test_the_output_may_lie_inside_the_folder(self, scumble: Call, album: Path) -> None:
        out = album / "done"
        for _ in range(2):
            scumble("batch", "identity", album, "--out", out).done()
        assert len(tree(out)) == 5

    def test_variations_are_numbered(self, scumble: Call, tmp_path: Path, mask: Path) -> None:
        save(tmp_path / "in" / "a.png", textured())
        asked = ("--mask", mask, "--out", tmp_path / "out", "--set", "variations=2")
        scumble("batch", "inpaint", tmp_path / "in", *asked).done()
        assert tree(tmp_path / "out") == ["a-1.png", "a-2.png"]

    def test_mask_from_each_picture_itself(self, scumble: Call, tmp_path: Path) -> None:
        pixels = textured(4)
        pixels[4:9, 6:12] = 0
        save(tmp_path / "in" / "a.png", pixels)
        scumble("batch", "inpaint", tmp_path / "in", "--mask-from", "alpha", "--out", tmp_path / "out").done()
        assert (load(tmp_path / "out" / "a.png")[..., 3] > 0).sum() == 30


class TestInput:
    """What of a folder is input, whatever it is called, and what is not."""

    def test_large_and_small_letters_of_endings(self, scumble: Call, tmp_path: Path, mask: Path) -> None:
        for name in ("A.PNG", "b.png", "C.Jpg"):
            save(tmp_path / "in" / name, textured())
        for name in ("a.png", "B.PNG", "c.TIF"):
            save(tmp_path / "masks" / name, mask_pixels())
        asked = ("--mask", tmp_path / "masks", "--set", "method=smooth", "--out", tmp_path / "out")
        assert said(scumble("batch", "inpaint", tmp_path / "in", *asked).done()) == "3 done, 0 failed"

    def test_links_and_unreadable_folders_are_named_and_counted(
        self, alone: Call, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(tmp_path / "elsewhere" / "x.png", textured())
        (album / "linked").symlink_to(tmp_path / "elsewhere")
        (album / "locked").mkdir()
        scandir = os.scandir

        def refusing(path: Any = ".") -> Any:  # chmod would not keep root out
            if not isinstance(path, int) and Path(path).name == "locked":
                raise PermissionError(13, "Permission denied", str(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refusing)
        ran = alone("batch", "identity", album, "--out", tmp_path / "out", "--local").done()
        assert said(ran) == "5 done, 0 failed, 2 left out"
        assert ran.notes == [
            f"{album / 'linked'} is a link to a folder; it was left out.",
            f"{album / 'locked'} can't be read (Permission denied); it was left out.",
        ]

    def test_results_of_earlier_runs_and_hidden_files_are_no_input(self, alone: Call, album: Path) -> None:
        save(album / ".hidden" / "x.png", textured())
        save(album / ".y.png", textured())
        first = ("--out", album / "first", "--composite", album / "whole")
        assert said(alone("batch", "identity", album, *first, "--local").done()) == "5 done, 0 failed, 1 left out"
        ran = alone("batch", "identity", album, "--out", album / "second", "--local").done()
        assert said(ran) == "5 done, 0 failed, 3 left out"
        assert ran.notes == [
            f"{album / '.y.png'} is hidden; it was left out.",
            *(f"{album / name} holds results of an earlier run; it was left out." for name in ("first", "whole")),
        ]

    def test_loops_of_links_and_names_that_are_too_long(self, alone: Call, album: Path, tmp_path: Path) -> None:
        (album / "loop.png").symlink_to("loop.png")
        ran = alone("batch", "identity", album, "--out", tmp_path / "out", "--local")
        assert said(ran) == "5 done, 1 failed"
        assert "loop.png: The name “loop.png” is a link to itself." in ran.err
        long = "x" * 300
        for option in ("--image", "--mask", "--out", "--composite"):
            files = {"--image": album / "b.png", "--out": tmp_path / "o.png", option: tmp_path / f"{long}.png"}
            asked = [word for pair in files.items() for word in pair]
            assert "is too long." in alone("run", "identity", *asked, "--local").refused()


class TestPlaces:
    @pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 3), (errno.EROFS, 2), (errno.EACCES, 2)])
    def test_they_are_tried_before_the_first_picture(
        self, alone: Call, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
    ) -> None:
        def fsync(_: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr("scumble.scripting.given.read_picture", lambda path: pytest.fail("work has begun"))
        alone("batch", "identity", album, "--out", tmp_path / "out", "--local").refused(code)
        assert tree(tmp_path / "out") == []


class TestFormats:
    @pytest.mark.parametrize(
        ("form", "suffix", "words"),
        [
            ("png", ".png", b"\x89PNG"),
            ("jpeg", ".jpg", b"\xff\xd8"),
            ("webp", ".webp", b"RIFF"),
            ("tiff", ".tif", b"II*"),
        ],
    )
    def test_all_in_one(self, alone: Call, album: Path, tmp_path: Path, form: str, suffix: str, words: bytes) -> None:
        whole = tmp_path / "whole"
        alone("batch", "identity", album, "--composite", whole, "--format", form, "--local").done()
        assert len(tree(whole)) == 5
        assert all(name.endswith(suffix) for name in tree(whole))
        assert all((whole / name).read_bytes().startswith(words) for name in tree(whole))

    def test_quality_of_jpeg(self, alone: Call, album: Path, tmp_path: Path) -> None:
        sizes = []
        for quality in (30, 95):
            whole = tmp_path / str(quality)
            asked = ("--format", "jpeg", "--quality", quality, "--local")
            alone("batch", "identity", album, "--composite", whole, *asked).done()
            sizes.append((whole / "b.jpg").stat().st_size)
        assert sizes[0] < 0.7 * sizes[1]


class TestMasks:
    def masks(self, tmp_path: Path, **holes: int) -> Path:
        """A folder of masks; each selects a column of its own."""
        for name, column in holes.items():
            pixels: Pixels = np.zeros((40, 48, 1), np.uint8)
            pixels[10:20, column : column + 2] = 255
            save(tmp_path / "masks" / name.replace("__", "/").replace("_dot_", "."), pixels)
        return tmp_path / "masks"

    def test_each_picture_has_its_own(self, scumble: Call, tmp_path: Path) -> None:
        for name in ("a.png", "b.jpg", "sub/a.png"):
            save(tmp_path / "in" / name, textured())
        masks = self.masks(tmp_path, a_dot_png=4, b_dot_jpg_dot_png=14, sub__a_dot_png=24)
        scumble("batch", "inpaint", tmp_path / "in", "--mask", masks, "--out", tmp_path / "out").done()
        found = {name: int(load(tmp_path / "out" / name)[12, :, 3].argmax()) for name in tree(tmp_path / "out")}
        assert found == {"a.png": 4, "b.png": 14, "sub/a.png": 24}

    def test_a_picture_without_one_fails_by_name_and_the_others_are_done(self, scumble: Call, tmp_path: Path) -> None:
        for name in ("a.png", "b.png"):
            save(tmp_path / "in" / name, textured())
        masks = self.masks(tmp_path, b_dot_png=4)
        ran = scumble("batch", "inpaint", tmp_path / "in", "--mask", masks, "--out", tmp_path / "out")
        assert ran.code == 3
        assert ran.err == f"error: a.png: There is no mask for it in {masks}. Put one there: a.png\n"
        assert said(ran) == "1 done, 1 failed"
        assert tree(tmp_path / "out") == ["b.png"]

    def test_masks_inside_the_folder_are_no_pictures(self, scumble: Call, tmp_path: Path) -> None:
        save(tmp_path / "a.png", textured())
        masks = self.masks(tmp_path, a_dot_png=4)
        ran = scumble("batch", "inpaint", tmp_path, "--mask", masks, "--out", tmp_path / "out").done()
        assert said(ran) == "1 done, 0 failed"


class TestResuming:
    def test_a_second_run_does_nothing_again(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        scumble("batch", "identity", album, "--out", out).done()
        before = {name: (out / name).stat().st_mtime_ns for name in tree(out)}
        ran = scumble("batch", "identity", album, "--out", out).done()
        assert said(ran) == "0 done, 5 done before, 0 failed"
        assert {name: (out / name).stat().st_mtime_ns for name in tree(out)} == before

    def test_after_ctrl_c_only_the_rest_is_done(
        self, shared: Daemon, scumble: Call, client: Client, tmp_path: Path
    ) -> None:
        """The jobs wait for a file: while it is not there they go on, and each says that it began in `marker`."""
        folder, out, marker = tmp_path / "in", tmp_path / "out", tmp_path / "began"
        for name in ("a.png", "b.png", "c.png", "d.png"):
            save(folder / name, textured())
        files = ("--set", f"gate={tmp_path}/gate", "--set", f"marker={marker}")
        asked = ("batch", "test-gated", folder, "--out", out, *files)
        process = spawn(shared.folders.environment, *asked)
        wait_for(lambda: marker.exists())
        put(tmp_path, "gate", b"2")  # two may pass
        wait_for(lambda: (out / RECORD).exists() and (out / RECORD).read_text().count("\n") == 2)
        wait_for(lambda: marker.stat().st_size == 3)
        process.send_signal(signal.SIGINT)
        ran = ended(process)
        assert (ran.code, ran.err) == (130, "Stopped. Run the same command again to go on.\n")
        wait_for(lambda: status(client)["jobs"] == [])
        first = {name: (out / name).stat().st_mtime_ns for name in tree(out)}
        assert list(first) == ["a.png", "b.png"]

        put(tmp_path, "gate", b"9")
        marker.unlink()
        ran = scumble(*asked).done()
        assert said(ran) == "2 done, 2 done before, 0 failed"
        assert marker.stat().st_size == 2
        assert {name: (out / name).stat().st_mtime_ns for name in first} == first

    @pytest.mark.parametrize("local", [True, False])
    def test_a_failed_picture_is_tried_again(self, scumble: Call, album: Path, tmp_path: Path, local: bool) -> None:
        broken = put(album, "broken.png", b"\x89PNG\r\n\x1a\n broken")
        asked = ("batch", "identity", album, "--out", tmp_path / "out", *(["--local"] if local else []))
        assert said(scumble(*asked)) == "5 done, 1 failed"
        save(broken, textured())
        assert said(scumble(*asked).done()) == "1 done, 5 done before, 0 failed"

    @pytest.mark.parametrize("change", ["picture", "mask", "seed", "parameter", "lost result", "operation"])
    def test_what_changed_is_done_again(self, scumble: Call, tmp_path: Path, mask: Path, change: str) -> None:
        folder, out = tmp_path / "in", tmp_path / "out"
        for name in ("a.png", "b.png"):
            save(folder / name, textured())
        asked = ["batch", "inpaint", folder, "--mask", mask, "--out", out]
        scumble(*asked).done()
        if change == "picture":
            save(folder / "a.png", textured()[::-1])
            os.utime(folder / "a.png", ns=(1, 1))
        elif change == "mask":
            os.utime(mask, ns=(1, 1))
        elif change == "seed":
            asked += ["--seed", 4]
        elif change == "parameter":
            asked += ["--set", "feather=2"]
        elif change == "operation":
            asked[1] = "identity"
        else:
            (out / "a.png").unlink()
        again = 1 if change in ("picture", "lost result") else 2
        before = f", {2 - again} done before" if again < 2 else ""
        assert said(scumble(*asked).done()) == f"{again} done{before}, 0 failed"

    @pytest.mark.parametrize(
        "tail", ['{"name": "a.p', "[]\n", "null\n", '{"name": 3, "key": [], "files": 7}\n', "\xff"]
    )
    def test_a_damaged_record_costs_nothing_but_work(
        self, scumble: Call, album: Path, tmp_path: Path, tail: str
    ) -> None:
        out = tmp_path / "out"
        scumble("batch", "identity", album, "--out", out).done()
        lines = (out / RECORD).read_text().splitlines(keepends=True)
        (out / RECORD).write_bytes("".join([*lines[1:], tail]).encode("latin-1"))
        assert said(scumble("batch", "identity", album, "--out", out).done()) == "1 done, 4 done before, 0 failed"
        # and what was written behind the damage counts
        assert said(scumble("batch", "identity", album, "--out", out).done()) == "0 done, 5 done before, 0 failed"


class TestNothingInSilence:
    def test_failed_files_are_named_and_counted(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        put(album, "broken.png", b"\x89PNG\r\n\x1a\n broken")
        put(album / "sub", "text.jpg", b"buy milk")
        put(album, "empty.tif", b"")
        ran = scumble("batch", "identity", album, "--out", tmp_path / "out")
        assert ran.code == 3
        assert said(ran) == "5 done, 3 failed"
        lines = ran.err.splitlines()
        assert [line.split(": ")[:2] for line in lines] == [
            ["error", "broken.png"],
            ["error", "empty.tif"],
            ["error", "sub/text.jpg"],
        ]
        assert "Traceback" not in ran.err

    def test_what_is_no_picture_is_said(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        put(album, "notes.txt", b"buy milk")
        put(album / "sub", "work.xcf", b"PK")
        put(album, ".DS_Store", b"left by the system")
        put(album, "._b.png", b"left by the system")
        ran = scumble("batch", "identity", album, "--out", tmp_path / "out").done()
        assert said(ran) == "5 done, 0 failed, 3 left out"
        assert ran.notes == [
            f"{album / '._b.png'} is hidden; it was left out.",
            f"{album / 'notes.txt'} is no picture that Scumble reads; it was left out.",
            f"{album / 'sub/work.xcf'} is no picture that Scumble reads; it was left out.",
        ]

    def test_a_link_to_nowhere_fails_by_name(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        (album / "gone.png").symlink_to(tmp_path / "nowhere.png")
        ran = scumble("batch", "identity", album, "--out", tmp_path / "out")
        assert "error: gone.png: There is no file" in ran.err
        assert said(ran) == "5 done, 1 failed"

    def test_notes_name_their_picture(self, scumble: Call, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        Image.fromarray(textured()).quantize(16).save(tmp_path / "in" / "palette.png")
        ran = scumble("batch", "identity", tmp_path / "in", "--out", tmp_path / "out").done()
        assert ran.notes == ["palette.png: The picture has a palette; it was converted to RGB."]

    @WAYS
    def test_a_defect_costs_its_picture_only(
        self, scumble: Call, album: Path, tmp_path: Path, way: tuple[str, ...]
    ) -> None:
        ran = scumble("batch", "test-broken", album, "--out", tmp_path / "out", *way)
        assert ran.code == 3
        assert "Traceback" not in ran.err
        assert ran.err.count("with th") == 5  # "the log file", or "this file", of each
        assert said(ran) == "0 done, 5 failed"

    def test_a_record_that_can_t_be_written_is_said(self, tmp_path: Path) -> None:
        record = Record(tmp_path)
        (tmp_path / RECORD).symlink_to("/dev/full")
        with pytest.raises(ScumbleError, match="could not be noted") as raised:
            record.add("a.png", "key", [])
        assert "No space left on device" in raised.value.message

    def test_a_record_that_can_t_be_read_is_said(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        (tmp_path / "out" / RECORD).mkdir(parents=True)
        ran = scumble("batch", "identity", album, "--out", tmp_path / "out")
        assert f"{tmp_path / 'out' / RECORD} can't be read" in ran.refused(3)

    def test_json_has_all_of_it(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        put(album, "notes.txt", b"buy milk")
        put(album, "empty.png", b"")
        ran = scumble("batch", "identity", album, "--out", tmp_path / "out", "--json")
        assert ran.code == 3
        found = ran.json
        assert found.pop("failures") == [
            {
                "name": "empty.png",
                "code": "bad_request",
                "message": "“empty.png” is empty.",
                "hint": "Open it in a picture editor and save it anew, or use another copy.",
            }
        ]
        assert found == {
            "done": 5,
            "before": 0,
            "failed": 1,
            "left_out": 1,
            "not_pictures": [str(album / "notes.txt")],
            "reasons": {str(album / "notes.txt"): "is no picture that Scumble reads"},
        }

    def test_the_record_has_a_line_for_each_picture(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        scumble("batch", "identity", album, "--out", tmp_path / "out").done()
        lines = [json.loads(line) for line in (tmp_path / "out" / RECORD).read_text().splitlines()]
        assert {line["name"] for line in lines} == {"a.jpg", "b.png", "e.tiff", "sub/c.webp", "sub/deeper/d.TIF"}


class TestWrongUse:
    def test_no_place(self, scumble: Call, album: Path) -> None:
        assert "nowhere to put the results" in scumble("batch", "identity", album).refused()

    def test_the_same_folder(self, scumble: Call, album: Path) -> None:
        assert "would lie among the pictures" in scumble("batch", "identity", album, "--out", album).refused()

    def test_one_folder_for_both(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        both = ("--out", tmp_path / "out", "--composite", tmp_path / "out")
        assert "can't share a folder" in scumble("batch", "identity", album, *both).refused()

    def test_no_such_folder(self, scumble: Call, tmp_path: Path) -> None:
        ran = scumble("batch", "identity", tmp_path / "nowhere", "--out", tmp_path / "out")
        assert ran.refused() == f"There is no folder {tmp_path / 'nowhere'}. Check its name."

    def test_no_such_mask(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        asked = ("--mask", tmp_path / "nowhere", "--out", tmp_path / "out")
        assert "There is no mask" in scumble("batch", "inpaint", album, *asked).refused()

    def test_no_pictures(self, scumble: Call, tmp_path: Path) -> None:
        folder = put(tmp_path, "notes.txt", b"buy milk").parent
        assert "There are no pictures" in scumble("batch", "identity", folder, "--out", tmp_path / "out").refused()

    def test_a_file_where_the_folder_should_be(self, scumble: Call, album: Path, tmp_path: Path) -> None:
        place = put(tmp_path, "file", b"")
        assert "can't be made" in scumble("batch", "identity", album, "--out", place).refused()

    @pytest.mark.parametrize("wrong", [("nope",), ("inpaint", "--set", "patch=4"), ("identity", "--style", "a.png")])
    def test_wrong_wishes_are_said_once_and_not_for_each_picture(
        self, scumble: Call, album: Path, tmp_path: Path, wrong: tuple[str, ...]
    ) -> None:
        scumble("batch", wrong[0], album, "--out", tmp_path / "out", *wrong[1:]).refused()
        assert not (tmp_path / "out").exists()

    def test_a_daemon_that_dies_is_replaced_and_its_picture_done_again(
        self, start_daemon: Callable[..., Daemon], album: Path, tmp_path: Path
    ) -> None:
        daemon, marker = start_daemon(), tmp_path / "began"
        asked = ("--set", "seconds=2", "--set", f"marker={marker}", "--out", tmp_path / "out")
        process = spawn(daemon.folders.environment, "batch", "test-slow", album, *asked)
        wait_for(marker.exists)
        daemon.kill()
        assert said(ended(process).done()) == "5 done, 0 failed"

    def test_a_picture_that_a_daemon_dies_over_twice_is_given_up(
        self, alone: Call, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Dying(Local):
            """Goes away over pictures of 16 bits."""

            lives = 0

            def _begin(self, order: Order) -> Job:
                job = super()._begin(order)
                if order.layers["image"].depth == "uint16":
                    self.lives += 1
                    job._end(error=ScumbleError("unreachable", "The daemon went away.", "Try again."))
                return job

        engine = Dying("cpu")
        monkeypatch.setattr("scumble.cli.batch.choose", lambda *_: engine)
        ran = alone("batch", "identity", album, "--out", tmp_path / "out")
        assert said(ran) == "4 done, 1 failed"
        assert "sub/deeper/d.TIF: The daemon went away." in ran.err
        assert engine.lives == TRIES
