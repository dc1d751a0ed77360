"""The first bits of a JPEG XL: its size, and which colours its values are (ISO/IEC 18181-1, SizeHeader and ImageMetadata)."""

from __future__ import annotations

from dataclasses import dataclass

from .colour_tags import BT709, BT2020, D65, P3

CODESTREAM = b"\xff\x0a"
_RATIOS = ((1, 1), (6, 5), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_WHITES = {1: D65, 10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
_PRIMARIES = {1: BT709, 9: BT2020, 11: P3}
_CUSTOM = 2
_ALPHA, _SPOT, _CFA = 0, 2, 5


@dataclass(frozen=True)
class JxlColours:
    """What a JPEG XL says of its colours without a profile."""

    primaries: tuple[float, ...] = BT709
    """x and y of red, green and blue."""

    white: tuple[float, float] = D65
    transfer: int = 13
    """As in ITU-T H.273; 0 where `gamma` is given."""

    gamma: float = 0.0


@dataclass(frozen=True)
class JxlHeader:
    width: int
    height: int
    colours: JxlColours | None
    """None where an ICC profile says it, which is packed in a way of JPEG XL's own, and where it is unknown."""


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._bits, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("it ends in its header")
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self._left -= count
        return value

    def flag(self) -> bool:
        return bool(self.take(1))

    def number(self, *choices: int | tuple[int, int]) -> int:
        """U32: by two bits one of four, a value, or a value and so many bits that are added."""
        choice = choices[self.take(2)]
        return choice if isinstance(choice, int) else choice[0] + self.take(choice[1])

    def name(self) -> int:
        """Enum."""
        return self.number(0, 1, (2, 4), (18, 6))

    def place(self) -> float:
        """A coordinate of CIE 1931, of Customxy."""
        packed = self.number((0, 19), (524288, 19), (1048576, 20), (2097152, 21))
        return ((packed >> 1) ^ -(packed & 1)) / 1e6


def read_header(codestream: bytes) -> JxlHeader:
    """Raises ValueError where it is none."""
    if not codestream.startswith(CODESTREAM):
        raise ValueError("it has no picture")
    bits = _Bits(codestream[2:2048])
    width, height = _size(bits)
    try:
        colours = _colours(bits)
    except ValueError:
        colours = None
    return JxlHeader(width, height, colours)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        return 8 * (1 + bits.take(5)) if small else bits.number((1, 9), (1, 13), (1, 18), (1, 30))

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    up, down = _RATIOS[ratio - 1]
    return height * up // down, height


def _colours(bits: _Bits) -> JxlColours | None:
    if bits.flag():  # all is as usual
        return JxlColours()
    if bits.flag():
        bits.take(3)
        if bits.flag():
            _size(bits)
        if bits.flag():
            _preview(bits)
        if bits.flag():
            bits.number(100, 1000, (1, 10), (1, 30))
            bits.number(1, 1001, (1, 8), (1, 10))
            bits.number(0, (0, 3), (0, 16), (0, 32))
            bits.flag()
    _depth(bits)
    bits.flag()
    for _ in range(bits.number(0, 1, (2, 4), (1, 12))):
        _extra_channel(bits)
    bits.flag()  # whether it is in XYB
    return _encoding(bits)


def _preview(bits: _Bits) -> None:
    whole = bits.flag()

    def side() -> int:
        return bits.number(16, 32, (1, 5), (33, 9)) if whole else bits.number((1, 6), (65, 8), (321, 10), (1345, 12))

    side()
    if not bits.take(3):
        side()


def _depth(bits: _Bits) -> None:
    if bits.flag():
        bits.number(32, 16, 24, (1, 6))
        bits.take(4)
    else:
        bits.number(8, 10, 12, (1, 6))


def _extra_channel(bits: _Bits) -> None:
    if bits.flag():
        return
    kind = bits.name()
    _depth(bits)
    bits.number(0, 3, 4, (1, 3))
    for _ in range(bits.number(0, (0, 4), (16, 5), (48, 10))):
        bits.take(8)
    if kind == _ALPHA:
        bits.flag()
    elif kind == _SPOT:
        bits.take(64)
    elif kind == _CFA:
        bits.number(1, (0, 2), (3, 4), (19, 8))


def _encoding(bits: _Bits) -> JxlColours | None:
    if bits.flag():
        return JxlColours()
    if bits.flag():  # an ICC profile
        return None
    space = bits.name()
    if space > 1:  # neither RGB nor gray
        return None
    white = bits.name()
    at = (bits.place(), bits.place()) if white == _CUSTOM else _WHITES.get(white)
    primaries: tuple[float, ...] | None = BT709
    if space == 0:
        named = bits.name()
        primaries = tuple(bits.place() for _ in range(6)) if named == _CUSTOM else _PRIMARIES.get(named)
    gamma, transfer = 0.0, 0
    if bits.flag():
        stored = bits.take(24)
        gamma = 1e7 / stored if stored else 0.0
    else:
        transfer = bits.name()
    if at is None or primaries is None:
        return None
    return JxlColours(primaries, at, transfer, gamma)
