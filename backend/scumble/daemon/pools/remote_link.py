"""The connection of a broker to the daemon on another machine: CURVE, and it comes back by itself.

One DEALER for good. `ZMQ_IMMEDIATE` is set, so that nothing waits in a connection that is gone: what was on its way
is lost, and the pool says it again when the link is ready.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.wire import Message

log = logging.getLogger(__name__)

PING = 2_000
GONE = 6_000
"""Milliseconds after which bytes that the other machine does not confirm mean that it is gone."""
_REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH
_BROKEN = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_UP, _DOWN = zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED


class RemoteLink:
    """States: `down`, `refused` (it does not know this machine's key), `up`.

    Parameters
    ----------
    endpoint, server_key
        `tcp://HOST:PORT` and the public CURVE key (Z85) of the daemon there.
    keys
        This machine's public and secret key.
    """

    def __init__(self, context: zmq.Context[Any], endpoint: str, server_key: bytes, keys: tuple[bytes, bytes]) -> None:
        self.endpoint = endpoint
        self.state = "down"
        self.since = time.monotonic()
        self._connecting = False
        s = context.socket(zmq.DEALER)
        s.curve_serverkey = server_key
        s.curve_publickey, s.curve_secretkey = keys
        s.linger = 0
        s.immediate = True
        s.ipv6 = "[" in endpoint
        s.maxmsgsize = wire.MAX_BUFFER
        s.reconnect_ivl, s.reconnect_ivl_max = 100, 2_000
        s.connect_timeout, s.handshake_ivl = 5_000, 20_000
        # A PING every two seconds, so that there always are bytes to be confirmed. Its answer may have to wait behind a
        # large frame: the system's own confirmations say sooner, and rightly, that the other machine is gone.
        s.heartbeat_ivl, s.heartbeat_timeout, s.tcp_maxrt = PING, 60_000, GONE
        s.sndhwm = 0
        self.socket: zmq.Socket[Any] = s
        self.monitor = s.get_monitor_socket(_UP | _DOWN | _REFUSED | _BROKEN)

    def open(self) -> None:
        """Begin to connect. Calling it again does nothing."""
        if not self._connecting:
            self._connecting = True
            self.since = time.monotonic()
            self.socket.connect(self.endpoint)

    def events(self) -> list[str]:
        """What has happened to the connection since the last call: `up` and `down`."""
        from zmq.utils.monitor import recv_monitor_message  # it brings asyncio, and most daemons have no such pool

        found = []
        while self.monitor.poll(0):
            event = int(recv_monitor_message(self.monitor)["event"])
            if event & _UP:
                self._change("up")
                found.append("up")
            elif event & _REFUSED:
                self._change("refused")
            elif event & (_DOWN | _BROKEN):
                if self.state == "up":
                    found.append("down")
                if self.state != "refused":  # the connection also ends after a refusal
                    self._change("down")
        return found

    def send(self, message: Message) -> bool:
        """False if the link is down."""
        large = any(memoryview(b).nbytes > 65536 for b in message.buffers)
        try:
            self.socket.send_multipart(wire.encode(message), zmq.NOBLOCK, copy=not large)
        except zmq.Again:
            return False
        return True

    def receive(self) -> Message | None:
        """The next message; None if there is none. What can't be read is dropped."""
        while True:
            try:
                frames: Sequence[Any] = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return None
            try:
                return wire.decode([frame.buffer for frame in frames])
            except ScumbleError as error:
                log.warning("%s sent something unreadable: %s", self.endpoint, error)

    def close(self) -> None:
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(500)

    def _change(self, state: str) -> None:
        if state != self.state:
            log.info("the link to %s is %s", self.endpoint, state)
            if "up" in (state, self.state):
                self.since = time.monotonic()
            self.state = state
