"""Writers of published checkpoint formats: TensorFlow's tensor bundles, and Keras' HDF5."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scumble.weights.formats.tensor_bundle import MAGIC, crc32c

Array = NDArray[Any]
DTYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int64": 9}


def write_bundle(
    prefix: Path, tensors: Mapping[str, Array], per_block: int = 5, shards: int = 1, snappy: bool = False
) -> None:
    """`prefix.index` and `prefix.data-…`, with keys in order, shared beginnings and several blocks."""
    data = [b""] * shards
    entries: list[tuple[bytes, bytes]] = [(b"", _number(1, shards) + _message(3, _number(1, 1)))]
    for place, name in enumerate(sorted(tensors)):
        array, shard = np.ascontiguousarray(tensors[name]), place % shards
        sides = b"".join(_message(2, _number(1, side)) for side in np.shape(tensors[name]))
        entry = _number(1, DTYPES[array.dtype.name]) + _message(2, sides)
        entry += _number(3, shard) + _number(4, len(data[shard])) + _number(5, array.nbytes)
        entries.append((name.encode(), entry + b"\x35" + struct.pack("<I", 0)))
        data[shard] += array.tobytes()
    index, handles = b"", []
    for start in range(0, len(entries), per_block):
        part = entries[start : start + per_block]
        handles.append((part[-1][0], _varint(len(index))))
        block = _block(part, snappy)
        handles[-1] = (handles[-1][0], handles[-1][1] + _varint(len(block) - 5))
        index += block
    footer = b""
    for table in ([], handles):
        block = _block(table, False)
        footer += _varint(len(index)) + _varint(len(block) - 5)
        index += block
    index += footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
    prefix.with_name(f"{prefix.name}.index").write_bytes(index)
    for shard, content in enumerate(data):
        prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}").write_bytes(content)


def _block(entries: list[tuple[bytes, bytes]], snappy: bool) -> bytes:
    body, before, restarts = b"", b"", []
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % 3 == 0:
            restarts.append(len(body))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        body += _varint(shared) + _varint(len(key) - shared) + _varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    body += struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))
    kind = b"\0"
    if snappy:
        import imagecodecs

        body, kind = bytes(imagecodecs.snappy_encode(body)), b"\1"
    return body + kind + struct.pack("<I", crc32c(body + kind))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def write_keras(path: Path, layers: Mapping[str, Mapping[str, Array]], whole_model: bool = False) -> None:
    """As Keras 2 saves weights: a group for each layer, and in it `layer/name:0`; a whole model has them one deeper."""
    import h5py

    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole_model else file
        root.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{w}:0".encode() for w in weights]
            for w, array in weights.items():
                group.create_dataset(f"{name}/{w}:0", data=array)
        if whole_model:
            file.create_dataset("optimizer_weights/training/Adam/p_conv2d_1/img_kernel:0", data=np.zeros((1, 1, 1, 1)))
