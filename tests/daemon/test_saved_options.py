"""Options that hold for every start."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.daemon.saved_options import arguments, path
from scumble_client import Client, ScumbleError
from tests.support.daemon import Folders, request, status

from .test_lifecycle import serve


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_CONFIG_DIR", str(tmp_path / "settings"))


def test_nothing_is_remembered_unasked() -> None:
    assert arguments(["--device", "cpu"]) == ["--device", "cpu"]
    assert arguments([]) == []


def test_what_was_remembered_comes_first_and_so_counts_less() -> None:
    assert arguments(["--device", "cpu", "--remember"]) == ["--device", "cpu"]
    assert arguments(["--device", "cuda:1"]) == ["--device", "cpu", "--device", "cuda:1"]
    assert arguments(["--plain", "--loopback"]) == ["--plain", "--loopback"]
    assert arguments(["--forget"]) == ["--forget"]
    assert arguments([]) == []


def test_a_damaged_file_is_one_clear_sentence() -> None:
    path().parent.mkdir(parents=True)
    for damaged in ("{", '{"a": 1}', "[1]"):
        path().write_text(damaged)
        with pytest.raises(ScumbleError, match="damaged"):
            arguments([])
    assert arguments(["--forget"]) == ["--forget"]


def test_a_place_that_can_t_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("")
    with pytest.raises(ScumbleError, match="can't be kept"):
        arguments(["--remember"])


def test_a_daemon_that_a_client_starts_has_them(folders: Folders) -> None:
    (folders.base / "config").mkdir()
    (folders.base / "config" / "serve.json").write_text('["--loopback", "--device", "cpu"]')
    with Client("test") as client:
        client.wait(client.submit(request("identity")), 60)
        assert any(endpoint.startswith("tcp://127.0.0.1") for endpoint in status(client)["endpoints"])
        client.call("shutdown")


def test_a_wrong_one_that_was_remembered_is_one_clear_sentence(folders: Folders) -> None:
    (folders.base / "config").mkdir()
    (folders.base / "config" / "serve.json").write_text('["--pool", "cloud"]')
    ended = serve(folders)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "no pool" in ended.stderr
