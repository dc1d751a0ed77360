"""The sockets that clients come in by: ipc for this machine, TCP with a password or with keys for all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.system.sockets import lie_in_folders

from . import security

MAX_UNREAD = 4
"""Messages of one client that libzmq takes in ahead of the broker, which holds back while layers are being written."""


def bind(
    context: zmq.Context[Any], runtime: Path, loopback: bool, listen: list[str], keys: security.Keys
) -> tuple[list[zmq.Socket[Any]], list[zmq.Socket[Any]]]:
    """The sockets for this machine's clients, and those for other machines'."""

    def router() -> zmq.Socket[Any]:
        s: zmq.Socket[Any] = context.socket(zmq.ROUTER)
        s.router_mandatory = True  # a client that is gone is an error, and so is noticed
        s.maxmsgsize = wire.MAX_BUFFER  # libzmq refuses a longer frame before it takes memory for it
        s.handshake_ivl = 10_000
        s.heartbeat_ivl, s.heartbeat_timeout = 10_000, 60_000
        s.rcvhwm = MAX_UNREAD
        s.sndhwm = 100_000  # messages, not bytes: pixels wait in mapped files
        s.linger = 1000
        return s

    local, remote = [], []
    if lie_in_folders():
        local.append(_bound(router(), f"ipc://{runtime / 'daemon.ipc'}"))
    if loopback:
        s = router()
        s.zap_domain, s.plain_server = security.LOOPBACK_DOMAIN.encode(), True
        local.append(_bound(s, "tcp://127.0.0.1:*"))
    for endpoint in listen:
        s = router()
        s.zap_domain, s.curve_server = security.REMOTE_DOMAIN.encode(), True
        s.curve_publickey, s.curve_secretkey = keys.server()
        remote.append(_bound(s, endpoint))
    return local, remote


def address(s: zmq.Socket[Any]) -> str:
    return s.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")


def _bound(s: zmq.Socket[Any], endpoint: str) -> zmq.Socket[Any]:
    try:
        s.bind(endpoint)
    except (zmq.ZMQError, OSError) as error:
        s.close(0)
        hint = "Choose another address, or end the program that uses it."
        if endpoint.startswith("ipc://"):
            hint = "Set SCUMBLE_RUNTIME_DIR to a folder of your own with a short path."
        raise ScumbleError("unauthorized", f"The daemon can't open {endpoint}: {error}.", hint) from error
    return s
