"""What the boxes of AVIF, HEIC and JPEG XL files say of their picture: colours, bits, Exif and XMP (ISO/IEC 14496-12, 23008-12, 18181-2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_BOXES = 4096
"""Of one kind of level; a picture has a few."""


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and start and end of the content, of each box that lies whole in the bytes from `start` to `end`."""
    end = len(data) if end is None else end
    for _ in range(MOST_BOXES):
        if start + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if length == 1 and start + 16 <= end:
            (length,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        stop = end if length == 0 else start + length
        if stop > end or stop < start + head:
            return
        yield kind, start + head, stop
        start = stop


@dataclass
class Properties:
    """Of a file's primary picture."""

    icc: bytes | None = None
    cicp: tuple[int, int] | None = None
    """Primaries and transfer, as in ITU-T H.273."""

    bits: int = 8
    extents: list[tuple[int, int]] = field(default_factory=list)
    """Width and height of the picture, or of all its tiles."""

    of: set[bytes] = field(default_factory=set)
    """The kinds of properties that there are."""


def primary_properties(data: bytes) -> Properties:
    """What is said of the primary picture, and, where it is made of tiles, of these; of all pictures where that can't be told."""
    said: list[tuple[bytes, int, int]] = []
    linked: dict[int, list[int]] = {}
    tiles: dict[int, list[int]] = {}
    primary = None
    for place, start, end in _inside(data, (b"meta",), 4):
        assert place == b"meta"
        for kind, at, stop in boxes(data, start, end):
            if kind == b"pitm" and stop - at >= 6:
                wide = data[at] > 0 and stop - at >= 8
                primary = int.from_bytes(data[at + 4 : at + (8 if wide else 6)], "big")
            elif kind == b"iprp":
                for inner, first, last in boxes(data, at, stop):
                    if inner == b"ipco":
                        said += boxes(data, first, last)
                    elif inner == b"ipma":
                        _associations(data[first:last], linked)
            elif kind == b"iref":
                _tiles(data, at, stop, tiles)
    items = [primary, *tiles.get(primary, [])] if primary is not None else []
    numbers = [number for item in items for number in linked.get(item, [])]
    chosen = [said[number - 1] for number in dict.fromkeys(numbers) if 0 < number <= len(said)]
    found = Properties()
    for kind, start, end in chosen or said:
        _hear(found, kind, data[start:end])
    return found


def _inside(data: bytes, kinds: tuple[bytes, ...], skip: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, start, end in boxes(data):
        if kind in kinds:
            yield kind, start + skip, end


def _hear(found: Properties, kind: bytes, body: bytes) -> None:
    found.of.add(kind)
    if kind == b"colr" and body[:4] == b"nclx" and len(body) >= 8:
        primaries, transfer = struct.unpack_from(">HH", body, 4)
        found.cicp = found.cicp or (primaries, transfer)
    elif kind == b"colr" and body[:4] in (b"prof", b"rICC"):
        found.icc = found.icc or body[4:] or None
    elif kind == b"av1C" and len(body) >= 3 and body[2] & 0x40:
        found.bits = max(found.bits, 12 if body[2] & 0x20 else 10)
    elif kind == b"hvcC" and len(body) >= 18:
        found.bits = max(found.bits, 8 + (body[17] & 7))
    elif kind == b"ispe" and len(body) >= 12:
        found.extents.append(struct.unpack_from(">II", body, 4))


def _associations(body: bytes, linked: dict[int, list[int]]) -> None:
    """ItemPropertyAssociationBox: which properties, counted from 1, belong to which item."""
    version, flags = body[0], int.from_bytes(body[1:4], "big")
    (count,) = struct.unpack_from(">I", body, 4)
    at, width = 8, 2 if version < 1 else 4
    for _ in range(min(count, MOST_BOXES)):
        item = int.from_bytes(body[at : at + width], "big")
        at += width
        if at >= len(body):
            return
        number, at = body[at], at + 1
        size = 2 if flags & 1 else 1
        for _ in range(number):
            value = int.from_bytes(body[at : at + size], "big") & (0x7FFF if size == 2 else 0x7F)
            linked.setdefault(item, []).append(value)
            at += size


def _tiles(data: bytes, start: int, end: int, tiles: dict[int, list[int]]) -> None:
    """ItemReferenceBox: what a picture is derived from."""
    width = 2 if data[start] == 0 else 4
    for kind, at, _stop in boxes(data, start + 4, end):
        if kind == b"dimg":
            source = int.from_bytes(data[at : at + width], "big")
            count = int.from_bytes(data[at + width : at + width + 2], "big")
            at += width + 2
            for number in range(min(count, MOST_BOXES)):
                place = at + number * width
                tiles.setdefault(source, []).append(int.from_bytes(data[place : place + width], "big"))
