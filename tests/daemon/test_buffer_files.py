"""The files of buffers that clients have sent: written whole or not at all; a full memory, a full disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scumble.daemon.buffer_files import BufferFiles
from scumble.daemon.removal import Remover
from scumble_client import ScumbleError
from scumble_client.wire import checksum, digest


@pytest.fixture
def files(tmp_path: Path) -> Iterator[BufferFiles]:
    made = BufferFiles([tmp_path / "memory", tmp_path / "disk"], Remover())
    yield made
    made.close()


def put(files: BufferFiles, data: bytes, check: int | None = None) -> Path:
    return files.write(digest(data), memoryview(data), check)


@pytest.mark.parametrize("data", [b"pixels", b""])
def test_what_is_written_is_what_is_read(files: BufferFiles, data: bytes) -> None:
    assert put(files, data).read_bytes() == data
    assert put(files, data, checksum(data)).read_bytes() == data


def test_a_name_may_be_written_again_while_its_old_file_is_still_there(files: BufferFiles) -> None:
    first, second = put(files, b"same"), put(files, b"same")
    assert first != second
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("check", [None, 7])
def test_damaged_bytes_leave_no_file(files: BufferFiles, tmp_path: Path, check: int | None) -> None:
    with pytest.raises(ScumbleError, match="damaged"):
        files.write(digest(b"right"), memoryview(b"wrong"), check)
    assert not list(tmp_path.glob("*/*"))


def test_a_full_memory_turns_to_the_disk_and_a_full_disk_says_so(files: BufferFiles, tmp_path: Path) -> None:
    full = Path("/dev/full")  # stands in for a folder: files in it can't be made
    files._folders[0] = full
    assert put(files, b"pixels").parent == tmp_path / "disk"
    files._folders[1] = full
    with pytest.raises(ScumbleError, match="no room") as raised:
        put(files, b"x")
    assert raised.value.code == "out_of_memory"
