"""The store of buffers: bounds, pins, full disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.daemon.buffers import BufferStore
from scumble_client import ScumbleError
from scumble_client.wire import digest


def put(store: BufferStore, data: bytes) -> bytes:
    name = digest(data)
    store.add(name, store.write(name, memoryview(data), None), len(data))
    return name


def files(folder: Path) -> int:
    return len(list(folder.iterdir()))


def test_the_least_recently_used_go_first_and_pinned_ones_stay(tmp_path: Path) -> None:
    store = BufferStore([tmp_path], 300)
    a, b = put(store, b"a" * 100), put(store, b"b" * 100)
    store.pin([a])
    c, d = put(store, b"c" * 100), put(store, b"d" * 100)
    assert [name in store for name in (a, b, c, d)] == [True, False, True, True]
    put(store, b"e" * 100)
    assert c not in store
    assert store.bytes == 300
    assert files(tmp_path) == 3
    store.pin([d])
    put(store, b"f" * 200)
    assert a in store
    assert d in store
    store.unpin([a, d])
    assert store.bytes <= 300
    store.clear()
    assert (store.bytes, files(tmp_path), len(store)) == (0, 0, 0)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    store = BufferStore([tmp_path], 1000)
    assert store.path(put(store, b"pixels")).read_bytes() == b"pixels"
    assert store.path(put(store, b"")).read_bytes() == b""


def test_the_same_buffer_twice_is_one_file(tmp_path: Path) -> None:
    store = BufferStore([tmp_path], 1000)
    name = put(store, b"same")
    put(store, b"same")
    assert files(tmp_path) == 1
    assert store.bytes == 4
    assert store.path(name).read_bytes() == b"same"


def test_damaged_bytes_are_not_written(tmp_path: Path) -> None:
    store = BufferStore([tmp_path], 1000)
    with pytest.raises(ScumbleError, match="damaged"):
        store.write(digest(b"right"), memoryview(b"wrong"), None)
    assert files(tmp_path) == 0


def test_a_full_memory_turns_to_the_disk_and_a_full_disk_says_so(tmp_path: Path) -> None:
    full = Path("/dev/full")  # stands in for a folder: files in it can't be made
    store = BufferStore([tmp_path / "memory", tmp_path / "disk"], 1000)
    store.folders[0] = full
    name = put(store, b"pixels")
    assert store.path(name).parent == tmp_path / "disk"
    store.folders[1] = full
    with pytest.raises(ScumbleError, match="no room") as raised:
        store.write(digest(b"x"), memoryview(b"x"), None)
    assert raised.value.code == "out_of_memory"
