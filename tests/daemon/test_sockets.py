"""How much libzmq takes in by itself while the broker holds its clients back."""

from __future__ import annotations

from pathlib import Path

import zmq

from scumble.daemon.security import Keys
from scumble.daemon.sockets import MAX_UNREAD, address, bind
from tests.support.daemon import wait_for

SENT = 200


def test_what_is_not_read_is_bounded(tmp_path: Path) -> None:
    """Without a bound, libzmq reads up to 1000 messages of each client into memory: gigabytes of layers."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    (router,), _ = bind(context, tmp_path, False, [], Keys(tmp_path / "keys"))
    dealer = context.socket(zmq.DEALER)
    dealer.linger, dealer.sndhwm, dealer.sndtimeo = 0, 1, 300
    dealer.connect(address(router))
    message = bytes(1 << 20)
    taken = 0
    try:
        for _ in range(SENT):
            dealer.send(message)
            taken += 1
    except zmq.Again:
        pass
    # what is in the kernel's buffers and on both sides of libzmq, of 200
    assert taken <= 4 * MAX_UNREAD + 8
    for _ in range(taken):
        wait_for(lambda: router.poll(10))
        router.recv_multipart()
    dealer.close(0)
    router.close(0)
    context.term()
