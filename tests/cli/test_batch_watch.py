"""`scumble batch --watch` and `--dry-run`: pictures as they come, only whole ones, each once; and what would be done."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from scumble.cli.batch_folder import Item, LeftOut, Places
from scumble.cli.batch_record import RECORD, Record
from scumble.cli.batch_watch import LOOK, PATIENCE, SETTLED, Watch
from tests.support.commands import Call, load, mask_pixels, save, spawn, textured
from tests.support.daemon import Daemon
from tests.support.pictures import put


class Clock:
    """Time that only passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Folder:
    """A watched folder and what came of it."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, Clock()
        path.mkdir()
        self.left_out: list[LeftOut] = []
        self.places = Places(path, path.with_name("out"), None)
        self.watch = Watch(self.places.scan, lambda item: self.places.key(item, []), self.left_out.append, self.clock)
        self.items = self.watch.items()

    def look(self, seconds: float = LOOK) -> list[str]:
        """Let time pass, and take what is ready then."""
        self.clock.now += seconds
        found: list[str] = []
        while (item := next(self.items)) is not None:
            found.append(item.name)
            self.last: Item = item
        return found

    def finish(self) -> None:
        """The last one is done."""
        self.watch.finished(self.last, self.places.key(self.last, []))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "in")


class TestWhichAreWhole:
    def test_one_that_stays_the_same_for_a_while(self, folder: Folder) -> None:
        assert folder.look() == []
        put(folder.path, "a.png", b"half")
        assert folder.look() == []
        put(folder.path, "a.png", b"half, and a bit more")
        assert folder.look() == []
        assert folder.look(SETTLED - 0.1) == []
        assert folder.look(LOOK) == ["a.png"]
        assert folder.look() == []  # it is begun
        folder.finish()
        assert folder.look(1000) == []

    def test_the_folder_is_not_looked_at_all_the_time(self, folder: Folder) -> None:
        put(folder.path, "a.png", b"x")
        folder.look()
        folder.clock.now += SETTLED + LOOK
        assert next(folder.items) is not None
        put(folder.path, "b.png", b"x")
        assert [next(folder.items) for _ in range(50)] == [None] * 50

    def test_one_that_can_t_be_read_is_tried_again_once_before_it_is_given_up(self, folder: Folder) -> None:
        put(folder.path, "a.png", b"half")
        folder.look()
        assert folder.look(SETTLED) == ["a.png"]
        assert folder.watch.may_be_unfinished(folder.last)
        assert folder.look(SETTLED) == []
        assert folder.look(PATIENCE) == ["a.png"]
        assert not folder.watch.may_be_unfinished(folder.last)
        assert folder.look(1000) == []
        put(folder.path, "a.png", b"all of it")
        assert folder.look() == []
        assert folder.look(SETTLED) == ["a.png"]

    def test_one_that_goes_on_being_written_while_it_is_read(self, folder: Folder) -> None:
        put(folder.path, "a.png", b"half")
        folder.look()
        assert folder.look(SETTLED) == ["a.png"]
        put(folder.path, "a.png", b"all of it")
        folder.look()
        assert folder.look(SETTLED) == ["a.png"]

    def test_one_that_takes_long_is_not_begun_twice_and_one_that_changes_meanwhile_is(self, folder: Folder) -> None:
        put(folder.path, "a.png", b"x")
        folder.look()
        assert folder.look(SETTLED) == ["a.png"]
        begun = folder.places.key(folder.last, [])
        assert folder.look(PATIENCE + 1) == []
        put(folder.path, "a.png", b"another")
        folder.look()
        folder.watch.finished(folder.last, begun)  # the one of before
        assert folder.look(SETTLED) == ["a.png"]
        (folder.path / "a.png").unlink()
        folder.look()
        folder.finish()
        assert not folder.watch.may_be_unfinished(folder.last)

    def test_what_is_taken_away_may_come_again(self, folder: Folder) -> None:
        put(folder.path, "a.png", b"x")
        folder.look()
        assert folder.look(SETTLED) == ["a.png"]
        folder.finish()
        (folder.path / "a.png").unlink()
        folder.look()
        put(folder.path, "a.png", b"x")
        folder.look()
        assert folder.look(SETTLED) == ["a.png"]

    def test_what_is_left_out_is_said_once_and_a_folder_that_goes_is_waited_for(self, folder: Folder) -> None:
        put(folder.path, "notes.txt", b"buy milk")
        for _ in range(3):
            folder.look()
        assert [one.path.name for one in folder.left_out] == ["notes.txt"]
        (folder.path / "notes.txt").unlink()
        folder.path.rmdir()
        assert folder.look() == []
        folder.path.mkdir()
        put(folder.path, "a.png", b"x")
        folder.look()
        assert folder.look(SETTLED) == ["a.png"]


class TestWatching:
    def test_pictures_that_come_each_once_until_ctrl_c(self, shared: Daemon, tmp_path: Path) -> None:
        pictures, out = tmp_path / "in", tmp_path / "out"
        save(pictures / "a.png", textured())
        asked = ("batch", "identity", pictures, "--out", out, "--watch", "--json")
        process = spawn(shared.folders.environment, *asked)
        assert process.stdout
        first = json.loads(process.stdout.readline())
        assert first["name"] == "a.png"
        assert first["files"] == [str(out / "a.png")]
        whole = save(tmp_path / "b.png", textured()[::-1]).read_bytes()
        (pictures / "b.png").write_bytes(whole[:1000])
        (pictures / "b.png").write_bytes(whole)
        assert json.loads(process.stdout.readline())["name"] == "b.png"
        np.testing.assert_array_equal(load(out / "b.png"), textured()[::-1])
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=60)
        assert (process.returncode, rest, err) == (130, "", "Stopped. Run the same command again to go on.\n")

        before = (out / "a.png").stat().st_mtime_ns
        save(pictures / "c.png", textured())
        process = spawn(shared.folders.environment, *asked)  # what was done is not done again
        assert process.stdout
        assert json.loads(process.stdout.readline())["name"] == "c.png"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM
        assert (out / "a.png").stat().st_mtime_ns == before
        assert (out / RECORD).read_text().count("\n") == 3

    def test_a_failing_one_is_said_and_the_next_one_done(self, shared: Daemon, tmp_path: Path) -> None:
        pictures, masks, out = tmp_path / "in", tmp_path / "masks", tmp_path / "out"
        save(pictures / "a.png", textured())
        save(masks / "a.png", mask_pixels(8, 8))  # of another size
        save(pictures / "b.png", textured())
        save(masks / "b.png", mask_pixels())
        asked = ("batch", "inpaint", pictures, "--mask", masks, "--set", "method=smooth", "--out", out, "--watch")
        process = spawn(shared.folders.environment, *asked)
        assert process.stdout
        assert process.stdout.readline() == f"b.png → {out / 'b.png'}\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert "error: a.png: The mask is 8 × 8 pixels" in err
        assert "Traceback" not in err


class TestResultsOfOthers:
    def test_they_stay(self, alone: Call, tmp_path: Path) -> None:
        """photo.png is done and taken away, then comes photo.webp: both results are there."""
        pictures, out = tmp_path / "in", tmp_path / "out"
        first = save(pictures / "photo.png", np.full((4, 4, 3), 10, np.uint8))
        asked = ("batch", "identity", pictures, "--out", out, "--local", "--device", "cpu")
        alone(*asked).done()
        first.unlink()
        save(pictures / "photo.webp", np.full((4, 4, 3), 90, np.uint8))
        alone(*asked).done()
        assert load(out / "photo.png").max() == 10
        assert load(out / "photo.webp.png").max() == 90
        assert "0 done, 1 done before" in alone(*asked).done().out
        assert Record(out).files("photo.webp") == [str(out / "photo.webp.png")]


class TestDryRun:
    def test_batch_says_what_it_would_do_and_writes_nothing(self, alone: Call, tmp_path: Path) -> None:
        pictures, out = tmp_path / "in", tmp_path / "out"
        save(pictures / "a.png", textured())
        save(pictures / "sub" / "b.tif", textured())
        asked = ("batch", "identity", pictures, "--out", out, "--composite", tmp_path / "whole")
        ran = alone(*asked, "--dry-run").done()
        assert ran.out.splitlines() == [
            f"a.png → {out / 'a.png'}, {tmp_path / 'whole' / 'a.png'}",
            f"sub/b.tif → {out / 'sub/b.tif'}, {tmp_path / 'whole/sub/b.tif'}",
            "2 to do, 0 done before, 0 would fail, 0 left out",
        ]
        assert sorted(path.name for path in tmp_path.iterdir() if path.name in ("out", "whole")) == []
        alone(*asked, "--local", "--device", "cpu").done()
        put(pictures, "broken.png", b"\x89PNG\r\n\x1a\n")
        put(pictures, "notes.txt", b"buy milk")
        ran = alone(*asked, "--dry-run")
        assert ran.code == 3
        assert "error: broken.png:" in ran.err
        assert ran.out.splitlines()[-1] == "0 to do, 2 done before, 1 would fail, 1 left out"
        found = alone(*asked, "--dry-run", "--json").json
        assert [one["state"] for one in found["pictures"]] == ["done before", "would fail", "done before"]
        assert len(found["reasons"]) == 1

    def test_wrong_wishes_are_said_as_ever(self, alone: Call, tmp_path: Path) -> None:
        save(tmp_path / "in" / "a.png", textured())
        asked = ("batch", "identity", tmp_path / "in", "--out", tmp_path / "out")
        assert "don't go together" in alone(*asked, "--dry-run", "--watch").refused()
        put(tmp_path, "file", b"")
        assert (
            "is a file"
            in alone("batch", "identity", tmp_path / "in", "--out", tmp_path / "file", "--dry-run").refused()
        )

    def test_run(self, alone: Call, tmp_path: Path) -> None:
        image, small = save(tmp_path / "a.png", textured()), save(tmp_path / "m.png", mask_pixels(8, 8))
        asked = ("run", "inpaint", "--image", image, "--out", tmp_path / "o.png", "--dry-run")
        assert alone(*asked).done().out == f"Would write {tmp_path / 'o.png'}.\n"
        assert alone(*asked, "--json").done().json == {"would_write": [str(tmp_path / "o.png")]}
        assert "same size" in alone(*asked, "--mask", small).refused()
        assert "patch" in alone(*asked, "--set", "patch=4").refused()
        assert not (tmp_path / "o.png").exists()
