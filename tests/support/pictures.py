"""Picture files that tests make: noise, hand-made PNG blocks, a small CMYK profile."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from scumble.imaging.io.files import read_picture
from scumble_client.errors import ScumbleError

Pixels = NDArray[Any]

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(channels: int, depth: str = "uint8", height: int = 11, width: int = 7) -> Pixels:
    values = np.random.default_rng(channels).random((height, width, channels))
    return (values * np.iinfo(depth).max if depth.startswith("u") else values).astype(depth)


def smooth(channels: int) -> Pixels:
    rows, columns = np.mgrid[0:32, 0:40]
    planes = [rows * 8, columns * 6, 250 - rows * 4, 255 - columns * 3]
    return np.stack(planes[:channels], axis=-1).astype(np.uint8)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, colours: int, rows: bytes, *extra: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + b"".join([header, *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")])


def gray_ink_profile() -> bytes:
    """A CMYK profile of a press whose four inks are all gray, each leaving six tenths of the lightness."""
    corners = [(c, m, y, k) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)]
    lab = b"".join(bytes([round(255 * 0.6 ** sum(inks)), 128, 128]) for inks in corners)
    identity = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"Inks\0" + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"A2B0": b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + identity * 4 + lab + identity * 3,
    }
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x", 132 + 12 * len(tags) + len(body), 0x02100000, b"prtr", b"CMYK", b"Lab ", b"acsp"
    )
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header + bytes(128 - len(header)) + table + body


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def refusal(path: Path) -> ScumbleError:
    with pytest.raises(ScumbleError) as caught:
        read_picture(path)
    assert caught.value.message.endswith(".")
    assert caught.value.message.count("\n") == 0
    assert caught.value.hint.endswith(".")
    return caught.value
