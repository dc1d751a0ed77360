"""A file that can't be removed yet, as on Windows while it is mapped: it is tried again, and nobody waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scumble.daemon.buffer_files import BufferFiles
from scumble.daemon.removal import AGAIN, Remover
from scumble.daemon.spool import Spool
from scumble.transport.result_files import ResultFiles
from scumble_client import ScumbleError
from scumble_client.wire import digest


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Whether files can be removed or renamed: Windows refuses both while somebody has them mapped."""
    refused = [True]
    originals = {name: getattr(os, name) for name in ("unlink", "replace", "rename")}

    def patched(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if refused[0]:
                raise PermissionError(13, "The process cannot access the file", str(arguments[0]))
            return originals[name](*arguments, **more)

        return call

    for name in originals:
        monkeypatch.setattr(os, name, patched(name))
    return lambda value: refused.__setitem__(0, value)


def test_it_is_removed_later(tmp_path: Path, mapped: Callable[[bool], None]) -> None:
    clock = Clock()
    remover = Remover(clock)
    path = tmp_path / "layer"
    path.write_bytes(b"pixels")
    remover.remove([path, tmp_path / "not there"])
    assert path.exists()
    clock.now += AGAIN
    remover.retry()
    assert path.exists()
    mapped(False)
    remover.retry()  # not yet: nothing is tried all the time
    assert path.exists()
    clock.now += AGAIN
    remover.retry()
    assert not path.exists()
    assert len(remover) == 0


def test_a_damaged_layer_is_told_as_such(tmp_path: Path, mapped: Callable[[bool], None]) -> None:
    remover = Remover()
    with pytest.raises(ScumbleError, match="damaged"):
        BufferFiles([tmp_path], remover).write(digest(b"right"), memoryview(b"wrong"), None)
    assert len(remover) == 1


def test_a_result_is_written_all_the_same(tmp_path: Path, mapped: Callable[[bool], None]) -> None:
    files = ResultFiles([tmp_path])
    first, second = files.store("job", memoryview(b"one")), files.store("job", memoryview(b"two"))
    files.close()
    assert [Path(stored["path"]).read_bytes() for stored in (first, second)] == [b"one", b"two"]


def test_a_result_is_kept_and_forgotten_all_the_same(tmp_path: Path, mapped: Callable[[bool], None]) -> None:
    clock = Clock()
    remover = Remover(clock)
    spool = Spool(tmp_path, 100, remover)
    path = tmp_path / "job-x.px"
    path.write_bytes(b"pixels")
    spool.add("job", {"buffers": [digest(b"pixels")]}, {digest(b"pixels"): path}, 1.0)
    assert spool.drop("job")
    assert "job" not in spool
    assert path.exists()
    mapped(False)
    clock.now += AGAIN
    remover.retry()
    assert not path.exists()
