"""Pixels as files: written where there is room, mapped."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.transport.pixel_files import map_file, write_pixels


def test_the_first_folder_with_room_is_used(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    free = tmp_path / "free"
    free.mkdir()
    assert write_pixels([free, blocked], "a", memoryview(b"pixels")) == free / "a"
    assert write_pixels([blocked, free], "b", memoryview(b"pixels")) == free / "b"
    assert bytes(map_file(free / "b")) == b"pixels"
    with pytest.raises(OSError, match="Not a directory"):
        write_pixels([blocked], "c", memoryview(b"pixels"))
    with pytest.raises(OSError, match="no folder"):
        write_pixels([], "d", memoryview(b"pixels"))


def test_half_a_file_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        """A disk with room for three bytes."""

        def __init__(self, path: Path, *_: object, **__: object) -> None:
            self.path = path
            path.write_bytes(b"pix")

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None: ...

        def write(self, data: memoryview) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("scumble.transport.pixel_files.open", Full, raising=False)
    with pytest.raises(OSError, match="No space"):
        write_pixels([tmp_path], "a", memoryview(b"pixels"))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_mapped_too(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert bytes(map_file(tmp_path / "empty")) == b""
