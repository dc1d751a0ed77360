"""A DEALER socket that speaks ZMTP 3.1 (ZeroMQ's wire protocol) over a plain socket, without libzmq.

It lives inside the editors' own Python, where no compiled pyzmq can be relied on. Specification:
RFC 37/ZMTP (https://rfc.zeromq.org/spec/37/), mechanisms NULL and RFC 24/ZMTP-PLAIN, and PING/PONG heartbeats.

Nothing here blocks: `poll` does whatever the operating system allows at once and returns what has arrived.
"""

import socket
import struct
import time
from collections import deque
from typing import Deque, Dict, List, Optional, Sequence, Tuple, Union

from .frame import LARGE, LargeFrame

Buffer = Union[bytes, bytearray, memoryview]

MORE, LONG, COMMAND = 1, 2, 4
_GREETING_SIZE = 64
_MAX_COMMAND = 64 * 1024
_READ = 256 * 1024


class ZmtpError(Exception):
    """The connection can't go on: refused, closed by the peer, or the peer speaks something else."""


class Dealer:
    """One connection to one ROUTER.

    Parameters
    ----------
    endpoint
        `ipc://PATH` (a Unix socket) or `tcp://HOST:PORT`.
    plain
        User name and password for the PLAIN mechanism; NULL without.
    max_frame, max_message
        Bytes. A longer frame or message from the peer ends the connection before it is allocated.
    heartbeat
        Seconds between PINGs while nothing else comes; the connection ends after three times that in silence.
        0 switches it off.
    """

    def __init__(
        self,
        endpoint: str,
        plain: Optional[Tuple[str, str]] = None,
        max_frame: int = 2 * 1024**3,
        max_message: int = 4 * 1024**3,
        heartbeat: float = 5.0,
        handshake_timeout: float = 10.0,
    ) -> None:
        self.endpoint = endpoint
        self._plain = plain
        self._max_frame, self._max_message = max_frame, max_message
        self._heartbeat, self._handshake_timeout = heartbeat, handshake_timeout
        self._out: Deque[memoryview] = deque()
        self._pending: List[List[memoryview]] = []  # messages sent before the handshake was done
        self._state = "connecting"
        self._head = bytearray()  # bytes that are not yet a whole frame head, greeting or short frame
        self._frame: Union[bytearray, LargeFrame, None] = None  # a frame that is being received
        self._filled = 0
        self._flags = 0
        self._parts: List[Buffer] = []
        self._parts_size = 0
        self.bytes_sent = 0
        self.bytes_received = 0
        self._started = self._heard = self._moved = self._pinged = time.monotonic()
        self._socket = _open(endpoint)
        self._unanswered = 0
        self._unwritable: Optional[OSError] = None
        self._error: Optional[ZmtpError] = None

    # -- what the owner calls

    @property
    def ready(self) -> bool:
        """Whether the handshake is done. Messages may be sent before; they wait."""
        return self._state == "ready"

    @property
    def closed(self) -> bool:
        """Whether the connection has ended, or was never made."""
        return self._state == "closed"

    @property
    def wants_write(self) -> bool:
        """Whether `poll` should also be called when the socket can be written."""
        return self._state == "connecting" or bool(self._out)

    def fileno(self) -> int:
        """The socket's number, for a selector; -1 once it is closed."""
        return self._socket.fileno()

    def send(self, frames: Sequence[Buffer]) -> None:
        """Queue a message. The buffers are not copied: leave them unchanged until `wants_write` is False.

        Raises ZmtpError once the connection is lost, TypeError or ValueError for what is no buffer of contiguous bytes; nothing of
        the message is sent then.
        """
        if self._error:
            raise self._error
        assert frames
        views = [_flat(frame) for frame in frames]  # all of them first: half a message would spoil all that follow
        if self._state == "ready":
            self._queue(views)
        else:
            self._pending.append(views)

    def poll(self, budget: float = 0.05) -> List[List[Buffer]]:
        """Write and read what is possible now, for about `budget` seconds at most; the messages that are whole.

        Raises ZmtpError once the connection is lost; everything that had come before has been returned by then.
        """
        if self._error:
            raise self._error
        messages: List[List[Buffer]] = []
        try:
            if self._state == "connecting" and not self._finish_connect():
                return messages
            end = time.monotonic() + budget
            while True:
                moved = self._write()
                moved = self._read(messages) or moved
                if not moved and self._unwritable:
                    raise self._unwritable
                if not moved or time.monotonic() > end:
                    break
            self._check_time()
        except (ZmtpError, OSError) as error:
            self._fail(error)
            if not messages:
                raise self._error from error  # type: ignore[misc]
        return messages

    def close(self) -> None:
        """End the connection at once. What was not yet written is lost; a second time does nothing."""
        if self._state != "closed":
            self._state = "closed"
            self._error = self._error or ZmtpError("closed")
            self._socket.close()
            self._out.clear()
            self._pending.clear()
            self._frame = None

    # -- connection

    def _fail(self, error: Exception) -> None:
        self._error = error if isinstance(error, ZmtpError) else ZmtpError(str(error) or type(error).__name__)
        self.close()

    def _finish_connect(self) -> bool:
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "cannot connect")
        try:
            self._socket.getpeername()
        except OSError:
            self._check_time()
            return False
        mechanism = b"PLAIN" if self._plain else b"NULL"
        greeting = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x01" + mechanism.ljust(20, b"\0") + b"\0" + b"\0" * 31
        assert len(greeting) == _GREETING_SIZE
        self._out.append(memoryview(greeting))
        self._state = "greeting"
        return True

    def _check_time(self) -> None:
        now = time.monotonic()
        if self._state != "ready":
            if now - self._started > self._handshake_timeout:
                raise ZmtpError("no answer")
            return
        if not self._heartbeat:
            return
        if self._out:  # behind a frame that the peer is still reading, a PING would not arrive
            if now - max(self._heard, self._moved) > 4 * self._heartbeat:
                raise ZmtpError("the peer has stopped reading")
        elif now - max(self._heard, self._moved, self._pinged) > self._heartbeat:
            # Pings are counted, not seconds: after a long pause of this program the peer must get its chance to answer.
            if self._unanswered >= 3:
                raise ZmtpError("the peer is silent")
            self._unanswered += 1
            self._pinged = now
            self._command(b"PING", struct.pack(">H", 0))

    # -- writing

    def _queue(self, views: Sequence[memoryview]) -> None:
        last = len(views) - 1
        small = bytearray()  # heads and short frames go out together: fewer system calls
        for i, view in enumerate(views):
            flags, size = (MORE if i < last else 0), view.nbytes
            small += struct.pack(">BQ", flags | LONG, size) if size > 255 else bytes((flags, size))
            if size <= 4096:
                small += view
            else:
                self._out.append(memoryview(bytes(small)))
                self._out.append(view)
                small = bytearray()
        if small:
            self._out.append(memoryview(bytes(small)))

    def _command(self, name: bytes, data: bytes) -> None:
        body = bytes((len(name),)) + name + data
        head = struct.pack(">BQ", COMMAND | LONG, len(body)) if len(body) > 255 else bytes((COMMAND, len(body)))
        self._out.append(memoryview(head + body))

    def _write(self) -> bool:
        moved = False
        while self._out:
            view = self._out[0]
            try:
                sent = self._socket.send(view)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:  # it reads no more; what it had said before may still be here to be read
                self._unwritable = error
                self._out.clear()
                break
            self.bytes_sent += sent
            if not self._unanswered:  # a PING that goes out says nothing about the peer
                self._moved = time.monotonic()
            moved = True
            if sent == view.nbytes:
                self._out.popleft()
            else:
                self._out[0] = view[sent:]
        return moved

    # -- reading

    def _read(self, messages: List[List[Buffer]]) -> bool:
        try:
            if self._frame is not None and len(self._frame) - self._filled > _READ // 4:
                with memoryview(self._frame) as view, view[self._filled :] as rest:  # straight to its place
                    count = self._socket.recv_into(rest)
                self._fill(count)
            else:
                data = self._socket.recv(_READ)
                count = len(data)
                self._head += data
        except (BlockingIOError, InterruptedError):
            return False
        if not count:
            raise ZmtpError("the peer closed the connection")
        self.bytes_received += count
        self._heard = time.monotonic()
        self._unanswered = 0
        while self._advance(messages):
            pass
        return True

    def _advance(self, messages: List[List[Buffer]]) -> bool:
        """Take one step through what has been received; False if more bytes are needed."""
        head = self._head
        if self._state == "greeting":
            if len(head) >= 10 and (head[0] != 0xFF or not head[9] & 1):
                raise ZmtpError("the peer does not speak ZMTP")
            if len(head) < _GREETING_SIZE:
                return False
            self._on_greeting(bytes(head[:_GREETING_SIZE]))
            del head[:_GREETING_SIZE]
            return True
        if self._frame is None:
            if len(head) < 2:
                return False
            flags = head[0]
            if flags & ~(MORE | LONG | COMMAND):
                raise ZmtpError("the peer sent an unknown frame")
            if flags & LONG:
                if len(head) < 9:
                    return False
                size, start = int(struct.unpack_from(">Q", head, 1)[0]), 9
            else:
                size, start = head[1], 2
            self._check_size(flags, size)
            del head[:start]
            self._frame = LargeFrame(size) if size >= LARGE else bytearray(size)
            self._filled, self._flags = 0, flags
        take = min(len(head), len(self._frame) - self._filled)
        if take:
            self._frame[self._filled : self._filled + take] = memoryview(head)[:take].tobytes()
            self._fill(take)
            del head[:take]
        if self._filled < len(self._frame):
            return False
        frame, self._frame = self._frame, None
        if self._flags & COMMAND:
            self._on_command(bytes(frame))
        elif self._state != "ready":
            raise ZmtpError("the peer sent a message before the handshake was done")
        else:
            self._parts.append(frame if isinstance(frame, bytearray) else memoryview(frame))
            self._parts_size += len(frame)
            if not self._flags & MORE:
                messages.append(self._parts)
                self._parts, self._parts_size = [], 0
        return True

    def _fill(self, count: int) -> None:
        """The frame that is being received has `count` bytes more."""
        if isinstance(self._frame, LargeFrame):
            self._frame.came(self._filled, self._filled + count)
        self._filled += count

    def _check_size(self, flags: int, size: int) -> None:
        if flags & COMMAND:
            if size > _MAX_COMMAND or flags & MORE:
                raise ZmtpError("the peer sent a command that is too long")
        elif size > self._max_frame or self._parts_size + size > self._max_message or len(self._parts) > 256:
            raise ZmtpError("the peer sent a message that is too large")

    def _on_greeting(self, greeting: bytes) -> None:
        if greeting[10] < 3:
            raise ZmtpError("the peer speaks an old ZMTP")
        mechanism = greeting[12:32].rstrip(b"\0")
        if mechanism != (b"PLAIN" if self._plain else b"NULL"):
            raise ZmtpError("the peer wants another security mechanism")
        if self._plain:
            user, password = (p.encode("utf-8") for p in self._plain)
            self._command(b"HELLO", bytes((len(user),)) + user + bytes((len(password),)) + password)
        else:
            self._command(b"READY", _metadata())
        self._state = "handshake"

    def _on_command(self, frame: bytes) -> None:
        if frame.startswith(b"^RROR"):  # libzmq's PLAIN server writes "\x5ERROR", which C reads as one character, ^
            frame = b"\x05ERROR" + frame[5:]
        if not frame or 1 + frame[0] > len(frame):
            raise ZmtpError("the peer sent half a command")
        name, data = frame[1 : 1 + frame[0]], frame[1 + frame[0] :]
        if name == b"ERROR":
            reason = data[1 : 1 + data[0]].decode("utf-8", "replace") if data else ""
            raise ZmtpError("refused: " + (reason or "no reason given"))
        if name == b"WELCOME" and self._state == "handshake" and self._plain:
            self._command(b"INITIATE", _metadata())
        elif name == b"READY" and self._state == "handshake":
            peer = _properties(data).get("socket-type", b"").decode("ascii", "replace")
            if peer not in ("ROUTER", "DEALER", "REP"):
                raise ZmtpError(f"the peer is a {peer or 'nothing'}, not a ROUTER")
            self._state = "ready"
            waiting, self._pending = self._pending, []
            for views in waiting:
                self._queue(views)
        elif name == b"PING" and self._state == "ready":
            self._command(b"PONG", data[2:18])
        elif name == b"PONG" or self._state == "ready":
            pass  # an unknown command from a newer peer
        else:
            raise ZmtpError("the handshake went wrong")


def _flat(frame: Buffer) -> memoryview:
    view = memoryview(frame)
    return view if view.format == "B" and view.ndim == 1 and view.contiguous else view.cast("B")


def _open(endpoint: str) -> socket.socket:
    kind, _, address = endpoint.partition("://")
    if kind == "ipc":
        if not hasattr(socket, "AF_UNIX"):
            raise ZmtpError("this system has no Unix sockets")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        target: Union[str, Tuple[str, int]] = address
    elif kind == "tcp":
        host, _, port = address.rpartition(":")
        s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        _hint(s, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        target = (host.strip("[]"), int(port))
    else:
        raise ZmtpError(f"cannot connect to {endpoint}")
    s.setblocking(False)
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        _hint(s, socket.SOL_SOCKET, option, 1 << 20)
    try:
        s.connect(target)
    except (BlockingIOError, InterruptedError):
        pass
    except OSError as error:
        s.close()
        raise ZmtpError(str(error)) from error
    return s


def _hint(s: socket.socket, level: int, option: int, value: int) -> None:
    """Ask for what makes a connection quicker; a system that refuses it gets along without."""
    try:
        s.setsockopt(level, option, value)
    except OSError:
        pass


def _metadata() -> bytes:
    out = b""
    for key, value in ((b"Socket-Type", b"DEALER"), (b"Identity", b"")):
        out += bytes((len(key),)) + key + struct.pack(">I", len(value)) + value
    return out


def _properties(data: bytes) -> Dict[str, bytes]:
    out: Dict[str, bytes] = {}
    at = 0
    while at < len(data):
        name_end = at + 1 + data[at]
        if name_end + 4 > len(data):
            raise ZmtpError("the peer sent half a property")
        size = struct.unpack_from(">I", data, name_end)[0]
        if name_end + 4 + size > len(data):
            raise ZmtpError("the peer sent half a property")
        out[data[at + 1 : name_end].decode("ascii", "replace").lower()] = data[name_end + 4 : name_end + 4 + size]
        at = name_end + 4 + size
    return out
