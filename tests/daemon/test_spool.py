"""The spool: what survives, what goes, what is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scumble.daemon import spool as spool_module
from scumble.daemon.spool import Spool
from scumble_client.wire import digest


def keep(spool: Spool, job: str, data: bytes, time: float) -> None:
    path = spool.folder / f"{job}-x.px"
    path.write_bytes(data)
    spool.add(job, {"job": job, "buffers": [digest(data)]}, {digest(data): path}, time)


def test_results_survive_and_dropped_ones_do_not(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1000)
    keep(spool, "one", b"1" * 10, 1.0)
    keep(spool, "two", b"2" * 20, 2.0)
    assert spool.drop("one")
    assert not spool.drop("one")
    again = Spool(tmp_path, 1000)
    assert list(again.results()) == ["two"]
    kept = again.get("two")
    assert kept
    assert (kept.size, kept.time, kept.body["job"]) == (20, 2.0, "two")
    assert kept.paths[digest(b"2" * 20)].read_bytes() == b"2" * 20
    assert len(list(tmp_path.iterdir())) == 2


def test_the_oldest_goes_first_and_the_newest_always_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 25)
    for number, job in enumerate("abc"):
        keep(spool, job, bytes(10), float(number))
    assert list(spool.results()) == ["b", "c"]
    keep(spool, "large", bytes(1000), 9.0)
    assert list(spool.results()) == ["large"]
    assert spool.dropped == 3
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x80", b"\x90", b"\x81\xa4body\xc0"])
def test_damaged_results_and_leftovers_are_removed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.result").write_bytes(content)
    (tmp_path / "left.px").write_bytes(b"x")
    (tmp_path / "left.part").write_bytes(b"x")
    assert list(Spool(tmp_path, 10).results()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_result_without_its_pixels_is_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100)
    keep(spool, "one", b"1", 1.0)
    (tmp_path / "one-x.px").unlink()
    assert list(Spool(tmp_path, 100).results()) == []


def test_a_full_disk_costs_safety_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool", 100)
    elsewhere = tmp_path / "memory.px"
    elsewhere.write_bytes(b"pixels")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    spool.add("job", {"buffers": [digest(b"pixels")]}, {digest(b"pixels"): elsewhere}, 1.0)
    kept = spool.get("job")
    assert kept
    assert kept.paths[digest(b"pixels")].read_bytes() == b"pixels"


def test_adopting_a_copy(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 100)
    source = tmp_path / "input"
    source.write_bytes(b"pixels")
    copy = spool.adopt("job", digest(b"pixels"), source)
    source.unlink()
    assert copy.read_bytes() == b"pixels"
    with pytest.raises(OSError, match="No such file"):
        spool.adopt("job", digest(b"pixels"), source)
    assert list(spool.folder.iterdir()) == []


def held(spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, Path]:
    """A large buffer of an input that is also a result; its name and where it is kept at first."""
    monkeypatch.setattr(spool_module, "SMALL", 3)
    source = tmp_path / "input"
    source.write_bytes(b"pixels")
    name = digest(b"pixels")
    path = spool.hold("job", name, source)
    spool.add("job", {"buffers": [name]}, {name: path}, 1.0)
    source.unlink()  # the input is dropped, the result stays
    assert path.read_bytes() == b"pixels"
    return name, path


def test_a_small_input_that_comes_back_is_on_disk_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 100)
    source = tmp_path / "input"
    source.write_bytes(b"pixels")
    assert spool.hold("job", digest(b"pixels"), source).parent == spool.folder
    assert spool.unsettled(at_once=True) == []


def test_a_large_input_that_comes_back_is_copied_when_nobody_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "spool", 100)
    name, path = held(spool, tmp_path, monkeypatch)
    assert path.parent != spool.folder
    assert Spool(tmp_path / "spool", 100).get("job") is None  # not on disk yet: another daemon would not know it
    spool.add("job", {"buffers": [name]}, {name: path}, 1.0)  # which has tidied up
    [one] = spool.unsettled(at_once=True)
    assert spool.unsettled(at_once=True) == []
    spool.settle(one, spool.adopt(*one))
    assert not path.exists()
    kept = Spool(tmp_path / "spool", 100).get("job")
    assert kept
    assert kept.paths[name].read_bytes() == b"pixels"


def test_what_was_fetched_soon_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool", 100)
    name, path = held(spool, tmp_path, monkeypatch)
    assert spool.unsettled() == []  # it is not time yet
    copy = spool.adopt("job", name, path)
    spool.drop("job")
    assert not path.exists()
    assert spool.unsettled(at_once=True) == []
    spool.settle(("job", name, path), copy)  # the copying had begun before
    assert not copy.exists()
