"""Entries that this machine builds a folder of: downloaded as an archive, built, checked, mended, removed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from scumble.weights import Manifest, Patience, Progress, WeightsEntry, WeightStore, parse_manifest
from scumble_client.errors import ScumbleError

from .conftest import CONTENT, SHA256, FileServer, breaks_off_after, hangs_up


def manifest(server: FileServer, folder: Path) -> Manifest:
    return parse_manifest(
        f"""
        [[weights]]
        name = "faces"
        title = "The portraits"
        architecture = "pieces"
        licence = "CC0-1.0"
        file = "faces"
        url = "{server.url}"
        built_from = ["one/512", "two"]
        """,
        folder,
    )


class Pieces:
    """Builds a folder of the archive's two halves; `error` is raised instead, once."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.calls = 0

    def __call__(self, archive: Path, folder: Path, entry: WeightsEntry, progress: Progress | None) -> None:
        self.calls += 1
        assert entry.built_from == ("one/512", "two")
        data = archive.read_bytes()
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        folder.mkdir(exist_ok=True)
        (folder / "a.jpg").write_bytes(data[: len(data) // 2])
        (folder / "b.jpg").write_bytes(data[len(data) // 2 :])
        (folder / ".lock").write_bytes(b"")
        if progress:
            progress(len(data), len(data))


@pytest.fixture
def pieces() -> Pieces:
    return Pieces()


@pytest.fixture
def store(server: FileServer, tmp_path: Path, pieces: Pieces) -> WeightStore:
    patience = Patience(attempts=2, sleep=lambda _: None)
    return WeightStore(tmp_path / "store", manifest(server, tmp_path), patience, {"pieces": pieces})


def state(store: WeightStore) -> str:
    return store.status("faces").state


def test_pulling_builds_and_the_archive_goes(store: WeightStore) -> None:
    assert state(store) == "missing"
    seen: list[int] = []
    folder = store.pull("faces", progress=lambda here, _: seen.append(here))
    assert folder == store.directory / "faces"
    assert (folder / "a.jpg").read_bytes() + (folder / "b.jpg").read_bytes() == CONTENT
    assert not list(store.directory.glob("faces.archive*"))
    status = store.status("faces")
    assert (status.state, status.bytes_here) == ("present", len(CONTENT))
    assert seen[-1] == len(CONTENT)


def test_the_first_download_s_digest_is_recorded(store: WeightStore) -> None:
    store.pull("faces")
    records = json.loads((store.directory / "digests.json").read_text("utf-8"))
    assert records["faces.archive"] == {"sha256": SHA256, "size": len(CONTENT)}
    assert records["faces"]["size"] == len(CONTENT)
    assert store.digest("faces") == records["faces"]["sha256"] != SHA256


def test_what_is_here_is_not_pulled_again(store: WeightStore, server: FileServer, pieces: Pieces) -> None:
    store.pull("faces")
    store.pull("faces")
    assert len(server.requests) == pieces.calls == 1


def test_a_broken_download_goes_on(store: WeightStore, server: FileServer) -> None:
    server.script = [breaks_off_after(1000), hangs_up, hangs_up, hangs_up]
    with pytest.raises(ScumbleError):
        store.pull("faces")
    assert (state(store), store.status("faces").bytes_here) == ("partial", 1000)
    store.pull("faces")
    assert server.ranges[-1] == "bytes=1000-"
    assert state(store) == "present"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ScumbleError("internal", "The disk is full.", "Make room.")])
def test_building_that_was_interrupted_needs_no_second_download(
    store: WeightStore, server: FileServer, pieces: Pieces, error: BaseException
) -> None:
    pieces.error = error
    with pytest.raises(type(error)):
        store.pull("faces")
    assert state(store) == "partial"
    store.pull("faces")
    assert len(server.requests) == 1
    assert state(store) == "present"


def test_an_archive_that_is_no_use_is_downloaded_anew(store: WeightStore, server: FileServer, pieces: Pieces) -> None:
    pieces.error = ScumbleError("weights_missing", "The archive is damaged.", "Try again.")
    with pytest.raises(ScumbleError, match="damaged"):
        store.pull("faces")
    assert state(store) == "missing"
    store.pull("faces")
    assert len(server.requests) == 2


def test_a_full_disk(store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.disk_usage", full)
    with pytest.raises(ScumbleError) as caught:
        store.pull("faces")
    assert caught.value.message == "The disk is full: The portraits does not fit."
    assert "scumble weights pull faces" in caught.value.hint


def test_damage_is_found_and_mended(store: WeightStore, pieces: Pieces) -> None:
    store.pull("faces")
    assert [check.ok for check in store.verify()] == [True]
    piece = store.directory / "faces" / "a.jpg"
    piece.write_bytes(piece.read_bytes()[::-1])
    assert state(store) == "present", "by its size"
    (check,) = store.verify()
    assert not check.ok
    assert check.message.endswith("mend it with: scumble weights verify --repair faces")
    piece.unlink()
    assert state(store) == "damaged"
    with pytest.raises(ScumbleError, match="damaged"):
        store.path("faces")
    (check,) = store.verify(repair=True)
    assert (check.ok, check.repaired) == (True, True)
    assert [check.ok for check in store.verify()] == [True]
    assert pieces.calls == 2


def test_without_who_builds_it_the_command_is_named(server: FileServer, tmp_path: Path) -> None:
    store = WeightStore(tmp_path / "store", manifest(server, tmp_path))
    with pytest.raises(ScumbleError) as caught:
        store.pull("faces")
    assert "scumble weights pull faces" in caught.value.hint
    assert server.requests == []


def test_a_folder_is_no_program(store: WeightStore) -> None:
    store.pull("faces")
    assert not store.may_run("faces")
    with pytest.raises(ScumbleError, match="no program"):
        store.trust("faces")


def test_removing(store: WeightStore) -> None:
    assert not store.remove_folder("faces")
    assert not store.directory.exists()
    store.pull("faces")
    assert store.remove_folder("faces")
    assert state(store) == "missing"
    assert not (store.directory / "faces").exists()
