"""What an artist hears of a defect, where the traceback goes, and where a flatpak looks for the daemon."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scumble_client.editor import crash_log
from scumble_client.editor.flatpak import share_runtime_folder
from scumble_client.editor.provenance import Provenance, dump, load
from scumble_client.errors import ScumbleError


def _defect() -> ZeroDivisionError:
    try:
        raise ZeroDivisionError("a defect")
    except ZeroDivisionError as error:
        return error


def test_a_defect_becomes_a_sentence_and_its_traceback_goes_to_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCUMBLE_LOG_DIR", str(tmp_path / "log"))
    told = crash_log.as_error(_defect(), "gimp.log")
    assert (told.code, told.message) == ("internal", "Scumble's plug-in made a mistake.")
    assert told.hint == f"Please report it, with this file: {tmp_path / 'log' / 'gimp.log'}"
    assert "ZeroDivisionError: a defect" in (tmp_path / "log" / "gimp.log").read_text()


def test_an_error_for_artists_stays_as_it_is() -> None:
    error = ScumbleError("cancelled", "Cancelled.")
    assert crash_log.as_error(error, "gimp.log") is error


def test_a_log_that_can_not_be_written_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SCUMBLE_LOG_DIR", str(tmp_path / "file"))
    assert "ZeroDivisionError" in crash_log.as_error(_defect(), "gimp.log").hint


def test_a_long_log_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_LOG_DIR", str(tmp_path))
    (tmp_path / "gimp.log").write_bytes(b"x" * crash_log.MAX_LOG)
    crash_log.write_log(_defect(), "gimp.log")
    assert (tmp_path / "gimp.log").stat().st_size < 2000


def test_in_a_flatpak_the_sockets_are_in_the_folder_that_both_sides_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCUMBLE_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.delenv("FLATPAK_ID", raising=False)
    share_runtime_folder()
    assert "SCUMBLE_RUNTIME_DIR" not in os.environ
    monkeypatch.setenv("FLATPAK_ID", "org.gimp.GIMP")
    monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", "/chosen")
    share_runtime_folder()
    assert os.environ["SCUMBLE_RUNTIME_DIR"] == "/chosen"
    monkeypatch.delenv("SCUMBLE_RUNTIME_DIR")
    share_runtime_folder()
    assert os.environ.pop("SCUMBLE_RUNTIME_DIR") == "/run/user/7/app/org.gimp.GIMP/scumble"


def test_a_request_can_be_kept_in_ascii_alone() -> None:
    text = dump(Provenance("inpaint", {"word": "é"}, 5), ascii_only=True)
    assert text.isascii()
    again = load(text)
    assert again
    assert again.parameters == {"word": "é"}
