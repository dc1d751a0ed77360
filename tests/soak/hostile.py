"""Hostile messages: hypothesis makes the structure, a mutator spoils the bytes."""

from __future__ import annotations

import random
import struct
from typing import Any

from hypothesis import strategies as st

from scumble_client import wire

TYPES = ["hello", "operations", "submit", "buffers", "cancel", "fetch", "seen", "received", "status"]
"""All but `shutdown`, which would rightly end the daemon."""
ANSWERS = ["welcome", "operations", "need", "accepted", "progress", "preview", "result", "error", "status"]
KEYS = ["operation", "parameters", "seed", "priority", "replaces", "roles", "previews", "buffers", "checks", "job"]
KEYS += ["digests", "packed", "patience", "pack", "client", "pid", "version", "image", "mask", "layers", "pixels"]
KEYS += ["fraction", "message", "position", "code", "hint", "notes", "request", "seconds", "name", "width", "height"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=40)
    | st.sampled_from(
        [2**31, 2**32, -1, 0, "identity", "../../evil", "a\nb", "inpaint", "rgba", "uint8", "icc", "x" * 9999]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
layers = st.fixed_dictionaries(
    {
        "buffer": st.just(wire.digest(bytes(256))) | st.binary(min_size=32, max_size=32) | values,
        "width": st.just(8) | st.integers(-5, 2**40) | values,
        "height": st.just(8) | st.integers(-5, 2**40) | values,
    },
    optional={
        "x": st.integers() | values,
        "layout": st.sampled_from(["rgba", "gray", "cmyk"]) | values,
        "depth": st.sampled_from(["uint8", "float32", "int7"]) | values,
        "colour": st.sampled_from(["srgb", "icc"]) | values,
        "icc": st.binary(min_size=32, max_size=32) | values,
    },
)
submits = st.fixed_dictionaries(
    {
        "operation": st.sampled_from(["identity", "test-slow", "nope"]) | values,
        "roles": st.dictionaries(st.sampled_from(["image", "mask", "evil"]), layers, max_size=3) | values,
    },
    optional={
        "parameters": st.dictionaries(st.text(max_size=5), values, max_size=3) | values,
        "seed": st.integers(-2, 2**33) | values,
        "priority": st.sampled_from(["interactive", "batch", "now"]) | values,
        "buffers": st.lists(st.binary(min_size=32, max_size=32), max_size=2) | values,
        "checks": st.lists(st.integers(0, 2**32), max_size=2) | values,
        "packed": st.lists(st.integers(-1, 20), max_size=2) | values,
        "previews": st.integers(-1, 600) | values,
        "patience": st.integers(-1, 700) | values,
        "pack": st.booleans() | values,
        "replaces": values,
    },
)
bodies = submits | st.dictionaries(st.sampled_from(KEYS), values, max_size=6) | values


def headers(types: list[str]) -> st.SearchStrategy[Any]:
    whole = st.fixed_dictionaries(
        {"v": st.just(1), "id": st.text(min_size=1, max_size=64), "type": st.sampled_from(types)},
        optional={"parent": st.text(max_size=64) | values, "time": st.floats() | values},
    )
    odd = st.dictionaries(st.sampled_from(["v", "id", "type", "parent", "time"]), values, max_size=5)
    return whole | odd | values


def packable(value: Any) -> bytes:
    try:
        return wire.pack(value)
    except (ValueError, OverflowError, TypeError):
        return b"\xc1"


def messages(types: list[str]) -> st.SearchStrategy[list[bytes]]:
    """Frames of messages that are nearly right."""
    return st.builds(
        lambda header, body, more: [packable(header), packable(body), *more],
        headers(types),
        bodies,
        st.lists(st.just(bytes(256)) | st.binary(max_size=300), max_size=3),
    )


class Mutator:
    """Spoils frames: flipped bits, cuts, insertions, lengths that lie, frames lost, doubled and swapped."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def spoil(self, data: bytes) -> bytes:
        out = bytearray(data)
        for _ in range(self.random.choice((1, 1, 2, 8))):
            kind = self.random.randrange(6)
            at = self.random.randrange(len(out) + 1)
            if kind == 0 and out:
                out[at % len(out)] ^= 1 << self.random.randrange(8)
            elif kind == 1:
                del out[at:]
            elif kind == 2:
                out[at:at] = self.random.randbytes(self.random.randrange(1, 9))
            elif kind == 3:  # msgpack's own lengths: arrays, maps, strings, binaries of up to 4 GiB
                head = self.random.choice((0xDC, 0xDD, 0xDE, 0xDF, 0xDA, 0xDB, 0xC5, 0xC6, 0xC9))
                out[at : at + 5] = struct.pack(">BI", head, self.random.choice((0, 1, 2**16, 2**31, 2**32 - 1)))
            elif kind == 4:
                out[at:at] = bytes([self.random.choice((0x91, 0x81, 0x92))]) * self.random.choice((3, 600, 3000))
            else:
                out[at : at + 9] = struct.pack(">BQ", 2, self.random.choice((0, 255, 2**31 + 1, 2**63)))
        return bytes(out)

    def frames(self, frames: list[bytes]) -> list[bytes]:
        out = list(frames)
        kind = self.random.randrange(8)
        at = self.random.randrange(len(out))
        if kind == 0:
            del out[at]
        elif kind == 1:
            out.insert(at, out[at])
        elif kind == 2:
            self.random.shuffle(out)
        elif kind == 3:
            out += [b""] * self.random.choice((1, 70))
        else:
            out[at] = self.spoil(out[at])
        return out or [b""]
