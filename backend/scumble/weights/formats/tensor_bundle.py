"""TensorFlow checkpoints (`X.index`, `X.data-00000-of-00001`) without TensorFlow.

The index is a sorted table of blocks in LevelDB's format; its values are the protocol buffers BundleHeaderProto and
BundleEntryProto of tensorflow/core/protobuf/tensor_bundle.proto; the data files hold the tensors' bytes one after the
other. Only plain number types are read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = 0xDB4775248B80FB57
FOOTER = 48
TRAILER = 5
"""After every block: how it is compressed, and a checksum."""

DTYPES: Mapping[int, str] = {
    1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 17: "<u2", 19: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip
"""The enumeration DataType; bfloat16 (14) is widened."""

BFLOAT16 = 14


class BundleError(ValueError):
    """The files are no checkpoint, or damaged."""


@dataclass(frozen=True)
class BundleEntry:
    """Where one tensor lies."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    sliced: bool = False


def prefix_of(path: Path) -> Path:
    """The common beginning of a checkpoint's files, from any one of them or from itself."""
    name = path.name
    for end in (".index", ".meta"):
        if name.endswith(end):
            return path.with_name(name.removesuffix(end))
    stem, data, _ = name.rpartition(".data-")
    return path.with_name(stem) if data else path


def is_bundle(path: Path) -> bool:
    prefix = prefix_of(path)
    return prefix.with_name(f"{prefix.name}.index").is_file()


def read_bundle(path: Path, wanted: tuple[str, ...] = ()) -> dict[str, NDArray[np.generic]]:
    """All tensors by name, or those whose names begin with one of `wanted`.

    Raises
    ------
    BundleError
        Where the files are not what they should be.
    OSError
        Where one of them is missing.
    """
    prefix = prefix_of(path)
    content = prefix.with_name(f"{prefix.name}.index").read_bytes()
    shards, entries = 1, dict[str, BundleEntry]()
    for key, value in _table(content):
        if key == b"":
            shards = _header(value)
        elif not wanted or key.decode("utf-8", "replace").startswith(wanted):
            entries[key.decode("utf-8", "replace")] = _entry(value)
    found: dict[str, NDArray[np.generic]] = {}
    data = {
        n: prefix.with_name(f"{prefix.name}.data-{n:05d}-of-{shards:05d}") for n in {e.shard for e in entries.values()}
    }
    maps = {n: np.memmap(file, np.uint8, "r") for n, file in data.items() if file.stat().st_size}
    for name, entry in entries.items():
        if not entry.sliced and (entry.dtype in DTYPES or entry.dtype == BFLOAT16):
            found[name] = _tensor(name, entry, maps)
    return found


def _tensor(name: str, entry: BundleEntry, maps: Mapping[int, NDArray[np.uint8]]) -> NDArray[np.generic]:
    dtype = np.dtype(DTYPES.get(entry.dtype, "<u2"))
    count = int(np.prod(entry.shape, dtype=np.int64))
    if count * dtype.itemsize != entry.size:
        raise BundleError(f"{name} has {entry.size} bytes where its shape needs {count * dtype.itemsize}")
    if entry.shard not in maps and entry.size:
        raise BundleError(f"{name} lies in an empty file")
    if entry.size == 0:
        return np.zeros(entry.shape, dtype)
    part = maps[entry.shard][entry.offset : entry.offset + entry.size]
    if len(part) != entry.size:
        raise BundleError(f"the data ends before {name} does")
    values = np.frombuffer(part.tobytes(), dtype).reshape(entry.shape)
    if entry.dtype == BFLOAT16:
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(content) < FOOTER or struct.unpack("<Q", content[-8:])[0] != MAGIC:
        raise BundleError("the index does not end as a table does")
    footer = content[-FOOTER:]
    _, at = _handle(footer, 0)
    (start, size), _ = _handle(footer, at)
    for _, handle in _block(content, start, size):
        (offset, length), _ = _handle(handle, 0)
        yield from _block(content, offset, length)


def _handle(content: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and where the handle ends."""
    offset, at = _varint(content, at)
    size, at = _varint(content, at)
    return (offset, size), at


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    block = content[offset : offset + size]
    trailer = content[offset + size : offset + size + TRAILER]
    if len(block) != size or len(trailer) != TRAILER:
        raise BundleError("the index ends within a block")
    if crc32c(block + trailer[:1]) != struct.unpack("<I", trailer[1:])[0]:
        raise BundleError("a block of the index is damaged")
    if trailer[0] == 1:
        import imagecodecs

        block = bytes(imagecodecs.snappy_decode(block))
    elif trailer[0] != 0:
        raise BundleError(f"a block is compressed in an unknown way ({trailer[0]})")
    if len(block) < 4:
        raise BundleError("a block of the index is too short")
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise BundleError("a block of the index is too short")
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + fresh + length > end:
            raise BundleError("an entry of the index reaches beyond its block")
        key = key[:shared] + block[at : at + fresh]
        yield key, block[at + fresh : at + fresh + length]
        at += fresh + length


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        if at >= len(content) or shift > 63:
            raise BundleError("a number of the index has no end")
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a protocol buffer's fields."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise BundleError("an entry of the index is no protocol buffer")
        if at + length > len(message):
            raise BundleError("an entry of the index ends too early")
        yield number, message[at : at + length]
        at += length


def _header(message: bytes) -> int:
    """The number of data files."""
    shards = 1
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            shards = value
        elif number == 2 and value:
            raise BundleError("the checkpoint was written by a big-endian machine")
    if not 0 < shards <= 99999:
        raise BundleError(f"a checkpoint of {shards} files")
    return shards


def _entry(message: bytes) -> BundleEntry:
    numbers: dict[int, int] = {}
    shape: tuple[int, ...] = ()
    sliced = False
    for number, value in _fields(message):
        if number == 2 and isinstance(value, bytes):
            shape = _shape(value)
        elif number == 7:
            sliced = True
        elif isinstance(value, int):
            numbers[number] = value
    return BundleEntry(numbers.get(1, 0), shape, numbers.get(3, 0), numbers.get(4, 0), numbers.get(5, 0), sliced)


def _shape(message: bytes) -> tuple[int, ...]:
    sides = []
    for number, value in _fields(message):
        if number == 2 and isinstance(value, bytes):
            sides.append(next((v for n, v in _fields(value) if n == 1 and isinstance(v, int)), 0))
    if any(side > 2**40 for side in sides):
        raise BundleError("a tensor of impossible size")
    return tuple(sides)


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC_TABLE = _crc_table()


def crc32c(content: bytes) -> int:
    """CRC-32C, masked as LevelDB stores it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
