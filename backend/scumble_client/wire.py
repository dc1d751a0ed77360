"""The wire format: how a message becomes ZeroMQ frames and back (docs/protocol.md is the full text).

A message is `[header, body, buffer...]`: two msgpack maps, then raw pixels. Both sides use this file, the
daemon too, so that there is one place that knows the format.
"""

import hashlib
import os
import time
import zlib
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

from .errors import ScumbleError
from .frame import LargeFrame
from .version import PROTOCOL

try:  # the daemon has the compiled msgpack; an editor has the vendored one
    import msgpack
except ImportError:
    from ._vendor import msgpack

Buffer = Union[bytes, bytearray, memoryview]

DIGEST_SIZE = 32
MAX_HEADER = 4 * 1024
MAX_BODY = 4 * 1024 * 1024
MAX_BUFFERS = 64
MAX_BUFFER = 2 * 1024**3
"""Bytes. libzmq refuses a longer frame before it allocates it."""

_HINT_BAD = "Update Scumble and its plugin to the same version; if they are, this is a defect: please report it."


@dataclass
class Message:
    """One message: what the header says, the body, and the buffers that came along."""

    type: str
    body: Dict[str, Any] = field(default_factory=dict)
    buffers: Sequence[Buffer] = ()
    id: str = ""
    parent: Optional[str] = None
    version: int = PROTOCOL
    time: float = 0.0

    def __post_init__(self) -> None:
        self.id = self.id or new_id()
        self.time = self.time or time.time()


def new_id() -> str:
    """128 random bits in hexadecimal: a message's name, and a job's: who knows it may fetch its result."""
    return os.urandom(16).hex()


def digest(buffer: Buffer) -> bytes:
    """The name of a buffer: BLAKE2b, 32 bytes, of its bytes."""
    return hashlib.blake2b(buffer, digest_size=DIGEST_SIZE).digest()


def checksum(buffer: Buffer) -> int:
    """CRC-32: five times as fast as the digest, and enough to find what was damaged on its way."""
    if isinstance(buffer, memoryview) and isinstance(buffer.obj, LargeFrame) and buffer.nbytes == len(buffer.obj):
        return buffer.obj.checksum
    return zlib.crc32(buffer)


def pack(value: Any) -> bytes:
    """One value as msgpack: None, numbers, texts, bytes, lists and maps of them.

    Raises TypeError, ValueError or OverflowError for anything else, and for texts that are no Unicode.
    """
    return bytes(msgpack.packb(value, use_bin_type=True))


def unpack(data: Buffer) -> Any:
    """Read one msgpack value. Raises ValueError for anything that is not exactly one."""
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=True, use_list=True)
    except (RecursionError, TypeError, OverflowError, OSError, msgpack.UnpackException) as error:
        # A hostile message may nest deeper than Python's stack, carry types that no map key may have, or times (the
        # extension type of msgpack's own) that no clock has.
        raise ValueError(f"not msgpack: {error!r}") from error


def encode(message: Message) -> List[Buffer]:
    """The frames of a message. Buffers are passed on as they are, not copied."""
    header = {
        "v": message.version,
        "id": message.id,
        "parent": message.parent,
        "type": message.type,
        "time": message.time,
    }
    return [pack(header), pack(message.body), *message.buffers]


def decode(frames: Sequence[Buffer]) -> Message:
    """Read the frames of a message.

    Raises
    ------
    ScumbleError
        `bad_request` for frames that are no message, `version_mismatch` for another protocol version.
        Lengths are checked before anything is unpacked.
    """
    if len(frames) < 2:
        raise _bad("has fewer than two frames")
    if len(frames) > 2 + MAX_BUFFERS:
        raise ScumbleError("too_large", f"The message carries more than {MAX_BUFFERS} buffers.", "Send fewer layers.")
    if len(frames[0]) > MAX_HEADER or len(frames[1]) > MAX_BODY:
        raise ScumbleError("too_large", "The message's description is too long.", "Send fewer or smaller parameters.")
    try:
        header, body = unpack(frames[0]), unpack(frames[1])
    except ValueError:
        raise _bad("is not msgpack") from None
    if not isinstance(header, dict) or not isinstance(body, dict):
        raise _bad("is not made of two maps")
    version, name, kind = header.get("v"), header.get("id"), header.get("type")
    parent, when = header.get("parent"), header.get("time", 0.0)
    if not isinstance(version, int):
        raise _bad("has no version")
    if version != PROTOCOL:
        raise ScumbleError(
            "version_mismatch",
            f"The other side speaks protocol {version}, this one {PROTOCOL}.",
            "Update Scumble and its plugin to the same version, then restart the daemon with: scumble stop",
        )
    if not isinstance(name, str) or not 0 < len(name) <= 64 or not isinstance(kind, str) or not 0 < len(kind) <= 32:
        raise _bad("has no id or no type")
    if parent is not None and (not isinstance(parent, str) or len(parent) > 64):
        raise _bad("has a parent that is no id")
    stamp = float(when) if isinstance(when, (int, float)) and not isinstance(when, bool) else 0.0
    return Message(kind, body, list(frames[2:]), name, parent, version, stamp)


def kind_and_parent(frames: Sequence[Buffer]) -> Tuple[str, str]:
    """Type and parent in the header of a message that is otherwise unusable; empty where they can't be read."""
    try:
        header = unpack(frames[0]) if frames and len(frames[0]) <= MAX_HEADER else None
    except ValueError:
        return "", ""
    if not isinstance(header, dict):
        return "", ""
    kind, parent = header.get("type"), header.get("parent")
    return (kind if isinstance(kind, str) else ""), (parent if isinstance(parent, str) else "")


def id_of(frames: Sequence[Buffer]) -> Optional[str]:
    """The id in a header that is otherwise unusable, so that its sender knows what the error is about."""
    try:
        header = unpack(frames[0]) if frames and len(frames[0]) <= MAX_HEADER else None
        name = header.get("id") if isinstance(header, dict) else None
        return name if isinstance(name, str) and len(name) <= 64 else None
    except ValueError:
        return None


def attached(message: Message) -> Dict[bytes, Buffer]:
    """The message's buffers by the digests that its body names, not yet verified.

    Raises ScumbleError `bad_request` where names and buffers do not pair up.
    """
    names = message.body.get("buffers", [])
    if not isinstance(names, list) or not all(isinstance(n, bytes) and len(n) == DIGEST_SIZE for n in names):
        raise _bad("names its buffers wrongly")
    if len(names) != len(message.buffers):
        raise _bad(f"names {len(names)} buffers and carries {len(message.buffers)}")
    return dict(zip(names, message.buffers))


def checksums(message: Message) -> Dict[bytes, int]:
    """The buffers' checksums by digest, as far as the message has them. Call `attached` first."""
    checks = message.body.get("checks", [])
    if not isinstance(checks, list) or not all(isinstance(c, int) for c in checks):
        raise _bad("has wrong checksums")
    return dict(zip(message.body.get("buffers", []), checks))


def verify(name: bytes, buffer: Buffer, check: Optional[int] = None) -> None:
    """Raise ScumbleError `bad_request` if `buffer` was damaged on its way.

    With `check`, its sender's checksum, that is compared; without, the digest, which only the right bytes can have.
    """
    if checksum(buffer) != check if check is not None else digest(buffer) != name:
        raise ScumbleError("bad_request", "A layer was damaged on its way.", "Try again.")


def total_size(buffers: Iterable[Buffer]) -> int:
    """Bytes of all buffers together."""
    return sum(memoryview(b).nbytes for b in buffers)


def _bad(what: str) -> ScumbleError:
    return ScumbleError("bad_request", f"The message {what}.", _HINT_BAD)
