"""A result from another machine is checked as if a stranger had sent it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble.daemon.pools.remote_result import keep
from scumble.transport.packing import pack_pixels
from scumble.transport.result_files import ResultFiles
from scumble_client import Pixels, ScumbleError, wire
from scumble_client.wire import Message

PICTURE = Pixels(bytes(range(64)), 4, 4)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ResultFiles]:
    made = ResultFiles([tmp_path])
    yield made
    made.close()


def result(pixels: dict[str, Any] | None = None, frame: bytes | None = None, **more: Any) -> Message:
    layer = {"name": "New", "seed": 1, "pixels": {**PICTURE.describe(), **(pixels or {})}}
    body = {"layers": [layer], "notes": [], "request": {}, "seconds": 0.1, "buffers": [PICTURE.digest], **more}
    return Message("result", body, [bytes(PICTURE.data) if frame is None else frame])


def test_new_pixels_go_into_a_file(files: ResultFiles, tmp_path: Path) -> None:
    (layer,) = keep(result(), "job", (), files)["layers"]
    assert Path(layer["pixels"]["path"]).read_bytes() == PICTURE.data
    assert Path(layer["pixels"]["path"]).parent == tmp_path
    assert layer["pixels"]["buffer"] == PICTURE.digest


def test_packed_ones_too(files: ResultFiles) -> None:
    packed = pack_pixels(memoryview(PICTURE.data), 4)
    (layer,) = keep(result(frame=packed, packed=[4]), "job", (), files)["layers"]
    assert Path(layer["pixels"]["path"]).read_bytes() == PICTURE.data


def test_what_the_request_had_is_only_named(files: ResultFiles, tmp_path: Path) -> None:
    (layer,) = keep(result(), "job", [PICTURE.digest], files)["layers"]
    assert "path" not in layer["pixels"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "odd",
    [
        result(frame=bytes(64)),  # other pixels under this name
        result(frame=bytes(63)),
        result({"width": 5}),
        result({"width": -4}),
        result({"layout": "cmyk"}),
        result({"colour": "icc", "icc": wire.digest(b"a profile of its own")}),
        result({"width": 10**9, "height": 10**9}, packed=[4]),
        result(packed=[4]),
        result(packed=[4, 4]),
        result(packed="x"),
        result(layers=None),
        result(layers=[None]),
        result(layers=[{"pixels": {}}]),
        result(buffers=[b"short"]),
        result(buffers=[]),
    ],
)
def test_anything_odd_is_refused(files: ResultFiles, tmp_path: Path, odd: Message) -> None:
    with pytest.raises(ScumbleError) as raised:
        keep(odd, "job", (), files)
    assert raised.value.code == "bad_request"
    assert list(tmp_path.iterdir()) == []
