"""msgpack 1.1.0 (Apache 2.0), its pure-Python form only; the other files here are unchanged. See LICENSE."""

from .exceptions import ExtraData, FormatError, OutOfData, StackError, UnpackException, UnpackValueError
from .ext import ExtType, Timestamp
from .fallback import Packer, Unpacker, unpackb

__all__ = [
    "ExtType",
    "ExtraData",
    "FormatError",
    "OutOfData",
    "Packer",
    "StackError",
    "Timestamp",
    "UnpackException",
    "UnpackValueError",
    "Unpacker",
    "packb",
    "unpackb",
]


def packb(o, **kwargs):
    return Packer(**kwargs).pack(o)
