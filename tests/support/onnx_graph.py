"""A graph of ONNX with MI-GAN's inputs, written byte by byte (protobuf), so that the tests need no library for it.

It gives back the picture where the mask is 255, and its mask elsewhere: `image AND mask`, bit by bit, by Min on whole bytes.
"""

from __future__ import annotations

UINT8 = 2
OPSET = 13


def graph(picture: str = "image", mask: str = "mask", kind: int = UINT8, op: str = "Min") -> bytes:
    """The file; `op` is applied to picture and mask, whose one channel is repeated."""
    node = _text(1, picture) + _text(1, mask) + _text(2, "result") + _text(4, op)
    body = _bytes(1, node) + _text(2, "small")
    body += (
        _bytes(11, _value(picture, kind, 3)) + _bytes(11, _value(mask, kind, 1)) + _bytes(12, _value("result", kind, 3))
    )
    return _number(1, 7) + _bytes(7, body) + _bytes(8, _text(1, "") + _number(2, OPSET))


def _value(name: str, kind: int, channels: int) -> bytes:
    """A tensor's name and form: (1, channels, H, W)."""
    sides = [_number(1, 1), _number(1, channels), _text(2, "H"), _text(2, "W")]
    shape = b"".join(_bytes(1, one) for one in sides)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, shape)))


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
