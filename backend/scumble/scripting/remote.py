"""Reaching a daemon on another machine: a connection of libzmq's, as CURVE needs it, in the place of the client's own."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import zmq

from scumble.daemon.pools.remote_link import RemoteLink
from scumble.daemon.security import Keys, is_key
from scumble_client.errors import ScumbleError
from scumble_client.paths import config_dir
from scumble_client.wire import Buffer
from scumble_client.zmtp import ZmtpError

LARGE = 65_536
"""Bytes from which on a frame is not copied."""


def dialling(endpoint: str | None, key: str | None) -> Callable[[], RemoteDealer]:
    """A function that begins a connection. Raises ScumbleError `invalid_parameter` for an endpoint or a key that is none."""
    if endpoint is None or not re.fullmatch(r"tcp://(\[[0-9a-fA-F:.%]+\]|[\w.-]+):\d{1,5}", endpoint):
        raise ScumbleError(
            "invalid_parameter",
            f"“{endpoint or ''}” is no address of a daemon.",
            "Write it like tcp://192.168.1.5:7878; this machine's own daemon needs none.",
        )
    if not is_key(key or ""):
        raise ScumbleError(
            "invalid_parameter",
            "A daemon on another machine is known by its key, and there is none here."
            if not key
            else "That is no key.",
            "Run there: scumble keys make; and give the 40 characters as key=…",
        )
    if not zmq.has("curve"):
        raise ScumbleError("unauthorized", "This libzmq has no CURVE encryption.", "Install pyzmq from PyPI.")
    assert key
    server = key.encode("ascii")
    return lambda: RemoteDealer(endpoint, server)


class RemoteDealer:
    """As `scumble_client.zmtp.Dealer`, for one encrypted connection; it is not used again once that has ended."""

    def __init__(self, endpoint: str, server_key: bytes) -> None:
        try:
            mine = Keys(config_dir() / "keys").server()
        except OSError as error:
            raise ScumbleError(
                "unauthorized", f"This machine's key can't be read: {error.strerror}.", "Run: scumble keys make"
            ) from error
        self._where = endpoint.removeprefix("tcp://")
        self._link = RemoteLink(zmq.Context.instance(), endpoint, server_key, mine)
        self._waiting: deque[Sequence[Buffer]] = deque()
        self.closed = False
        self.bytes_sent = 0
        self._link.open()

    wants_write = False
    """libzmq writes in a thread of its own."""

    def fileno(self) -> int:
        return int(self._link.socket.fileno())

    def send(self, frames: Sequence[Buffer]) -> None:
        for frame in frames:
            if not memoryview(frame).c_contiguous:
                raise ValueError("a layer's bytes must be contiguous")
        self._waiting.append(frames)
        self._flush()

    def poll(self) -> list[list[Buffer]]:
        """What has come. Raises ZmtpError once the connection has ended, ScumbleError where this machine is not let in."""
        found = self._read()
        events = self._link.events()
        if self._link.state == "refused":
            raise ScumbleError(
                "unauthorized",
                f"{self._where} does not let this machine in.",
                "Run here: scumble keys make; and there: scumble keys allow NAME KEY",
            )
        if "down" in events:
            if found:
                return found  # the next call raises: the state stays
            raise ZmtpError(f"{self._where} went away")
        if self._link.state == "down" and self.bytes_sent:
            raise ZmtpError(f"{self._where} went away")
        self._flush()
        return found + self._read()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._link.close()

    def _flush(self) -> None:
        while self._waiting and self._link.state == "up":
            frames = self._waiting[0]
            size = sum(memoryview(frame).nbytes for frame in frames)
            try:
                self._link.socket.send_multipart(frames, zmq.NOBLOCK, copy=size < LARGE)
            except zmq.Again:
                return
            self._waiting.popleft()
            self.bytes_sent += size

    def _read(self) -> list[list[Buffer]]:
        found: list[list[Buffer]] = []
        while True:
            try:
                frames: Sequence[Any] = self._link.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return found
            found.append([frame.buffer for frame in frames])
