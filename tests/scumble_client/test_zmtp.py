"""The pure-Python DEALER against libzmq's ROUTER, and against peers that misbehave."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq

from scumble_client.zmtp import Dealer, ZmtpError
from tests.support.daemon import wait_for

Context = zmq.Context[Any]


@pytest.fixture
def context() -> Iterator[Context]:
    made: Context = zmq.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture(params=["ipc", "tcp"])
def router(request: pytest.FixtureRequest, context: Context, tmp_path_factory: Any) -> Iterator[zmq.Socket[Any]]:
    made = context.socket(zmq.ROUTER)
    made.router_mandatory = True  # or it drops what its peer is slow to read
    made.rcvtimeo = made.sndtimeo = 60_000
    if request.param == "ipc":
        made.bind(f"ipc:///tmp/scumble-zmtp-{os.getpid()}-{os.urandom(4).hex()}")
    else:
        made.bind("tcp://127.0.0.1:*")
    yield made
    made.close(0)


def endpoint(router: zmq.Socket[Any]) -> str:
    return router.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")


@pytest.fixture
def dealer(router: zmq.Socket[Any]) -> Iterator[Dealer]:
    made = Dealer(endpoint(router))
    yield made
    made.close()
    if endpoint(router).startswith("ipc"):
        Path(endpoint(router)[6:]).unlink(missing_ok=True)


def pump(dealer: Dealer, until: Callable[[], Any], got: list[Any] | None = None) -> Any:
    def step() -> Any:
        messages = dealer.poll()
        if got is not None:
            got.extend(messages)
        return until()

    return wait_for(step)


def receive(router: zmq.Socket[Any], dealer: Dealer) -> list[bytes]:
    """What the ROUTER gets, while the DEALER is being polled."""
    pump(dealer, lambda: router.poll(0))
    return router.recv_multipart()


SIZES = [0, 1, 255, 256, 4096, 4097, 70_000, 3_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_frames_of_every_size_go_both_ways(router: zmq.Socket[Any], dealer: Dealer, size: int) -> None:
    frame = os.urandom(size)
    dealer.send([b"head", frame, b"", frame])
    identity, *frames = receive(router, dealer)
    assert frames == [b"head", frame, b"", frame]
    got: list[Any] = []
    router.send_multipart([identity, frame, b"", frame])
    pump(dealer, lambda: got, got)
    assert [bytes(f) for f in got[0]] == [frame, b"", frame]


def test_a_large_frame_goes_both_ways(router: zmq.Socket[Any], dealer: Dealer) -> None:
    large = os.urandom(1 << 20) * 100
    dealer.send([large])
    identity, frame = receive(router, dealer)
    assert frame == large
    got: list[Any] = []
    router.send_multipart([identity, large], copy=False)
    pump(dealer, lambda: got, got)
    assert got[0][0] == large


def test_many_messages_keep_their_order(router: zmq.Socket[Any], dealer: Dealer) -> None:
    count = 20_000
    for i in range(count):
        dealer.send([b"%d" % i, bytes(i % 300)])
    seen: list[list[bytes]] = []

    def there_and_back() -> None:
        seen.extend(router.recv_multipart() for _ in range(count))
        for i in range(count):
            router.send_multipart([seen[0][0], b"%d" % i])

    thread = threading.Thread(target=there_and_back)
    thread.start()
    got: list[Any] = []
    pump(dealer, lambda: len(got) == count, got)
    thread.join()
    assert [m[1] for m in seen] == [b"%d" % i for i in range(count)]
    assert [bytes(m[0]) for m in got] == [b"%d" % i for i in range(count)]


def test_nothing_is_sent_by_copy(router: zmq.Socket[Any], dealer: Dealer) -> None:
    frame = bytearray(1_000_000)
    pump(dealer, lambda: dealer.ready)
    dealer.send([frame])
    assert any(view.obj is frame for view in dealer._out)


def test_heartbeats_of_libzmq_are_answered(context: Context) -> None:
    router = context.socket(zmq.ROUTER)
    router.heartbeat_ivl, router.heartbeat_timeout = 30, 300
    monitor = router.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    router.bind("tcp://127.0.0.1:*")
    dealer = Dealer(endpoint(router))
    before = 0
    pump(dealer, lambda: dealer.ready)
    before = dealer.bytes_received
    pump(dealer, lambda: dealer.bytes_received > before + 200)  # a dozen PINGs, beyond the timeout
    assert not monitor.poll(0)
    dealer.send([b"alive"])
    assert receive(router, dealer)[1:] == [b"alive"]
    dealer.close()
    router.disable_monitor()
    monitor.close()
    router.close(0)


def test_our_pings_are_answered_by_libzmq(router: zmq.Socket[Any]) -> None:
    dealer = Dealer(endpoint(router), heartbeat=0.02)
    pump(dealer, lambda: dealer.ready)
    before = dealer.bytes_received
    pump(dealer, lambda: dealer.bytes_received > before + 20)
    assert not dealer.closed
    dealer.close()


def test_the_peer_s_end_is_noticed(context: Context) -> None:
    router = context.socket(zmq.ROUTER)
    router.bind("tcp://127.0.0.1:*")
    dealer = Dealer(endpoint(router))
    pump(dealer, lambda: dealer.ready)
    router.close(0)
    with pytest.raises(ZmtpError):
        pump(dealer, lambda: False)
    assert dealer.closed
    with pytest.raises(ZmtpError):
        dealer.send([b"too late"])


def test_plain_with_the_right_and_a_wrong_password(context: Context) -> None:
    from zmq.auth.thread import ThreadAuthenticator

    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_plain(domain="test", passwords={"scumble": "token"})
    router = context.socket(zmq.ROUTER)
    router.plain_server = True
    router.zap_domain = b"test"
    router.bind("tcp://127.0.0.1:*")
    try:
        good = Dealer(endpoint(router), plain=("scumble", "token"))
        good.send([b"in"])
        assert receive(router, good)[1:] == [b"in"]
        good.close()
        for wrong in (("scumble", "nope"), ("nobody", "token"), ("scumble", "")):
            bad = Dealer(endpoint(router), plain=wrong)
            with pytest.raises(ZmtpError, match="refused"):
                pump(bad, partial(getattr, bad, "ready"))
        null = Dealer(endpoint(router))
        with pytest.raises(ZmtpError):
            pump(null, lambda: null.ready)
    finally:
        router.close(0)
        authenticator.stop()


def test_nobody_listens() -> None:
    with pytest.raises(ZmtpError):
        pump(Dealer("tcp://127.0.0.1:1"), lambda: False)
    with pytest.raises(ZmtpError):
        pump(Dealer("ipc:///nowhere/at/all"), lambda: False)
    with pytest.raises(ZmtpError, match="cannot connect"):
        Dealer("udp://127.0.0.1:1")


# -- peers that misbehave: a plain socket that says what the test wants

GREETING = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + b"\0" * 32
READY_BODY = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"ROUTER"
READY = bytes([4, len(READY_BODY)]) + READY_BODY


class Rogue:
    """A server that sends given bytes to whoever connects."""

    def __init__(self, data: bytes, then_close: bool = False) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.dealer = Dealer(
            f"tcp://127.0.0.1:{self.listener.getsockname()[1]}", max_frame=10_000_000, handshake_timeout=600
        )
        self.peer, _ = self.listener.accept()
        self.peer.sendall(data)
        if then_close:
            self.peer.close()

    def __enter__(self) -> Rogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.dealer.close()
        self.peer.close()
        self.listener.close()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak ZMTP"),
        (GREETING[:10] + b"\x02" + GREETING[11:], "old ZMTP"),
        (GREETING[:12] + b"CURVE".ljust(20, b"\0") + GREETING[32:], "mechanism"),
        (GREETING + b"\x04\x05\x04NOPE", "handshake"),
        (GREETING + b"\x04\x09\x05ERROR\x02no", "refused: no"),
        (GREETING + READY.replace(b"\x06ROUTER", b"\x06PUBxxx"), "not a ROUTER"),
        (GREETING + b"\x04\x08\x05READY\xff\0", "half a property"),
        (GREETING + b"\x04\x02\xffx", "half a command"),
        (GREETING + b"\x00\x01x", "before the handshake"),
        (GREETING + READY + b"\xf8\x01x", "unknown frame"),
        (GREETING + READY + b"\x02" + struct.pack(">Q", 2**63), "too large"),
        (GREETING + READY + b"\x06" + struct.pack(">Q", 2**20), "command that is too long"),
        (GREETING + READY + b"\x01\x01x" * 300, "too large"),
    ],
)
def test_a_rogue_peer_is_left(data: bytes, why: str) -> None:
    with Rogue(data) as rogue, pytest.raises(ZmtpError, match=why):
        pump(rogue.dealer, lambda: False)


def test_half_a_frame_then_silence_then_the_end() -> None:
    with Rogue(GREETING + READY + b"\x02" + struct.pack(">Q", 5_000_000) + bytes(1000)) as rogue:
        pump(rogue.dealer, lambda: rogue.dealer.ready)
        wait_for(lambda: rogue.dealer.poll() == [] and rogue.dealer._filled == 1000)
        rogue.peer.close()
        with pytest.raises(ZmtpError):
            pump(rogue.dealer, lambda: False)


def test_a_message_byte_by_byte() -> None:
    with Rogue(b"") as rogue:
        got: list[Any] = []
        for byte in GREETING + READY + b"\x01\x02ab\x00\x01c":
            rogue.peer.sendall(bytes([byte]))
            got += rogue.dealer.poll()
        pump(rogue.dealer, lambda: got, got)
        assert [bytes(f) for f in got[0]] == [b"ab", b"c"]


def test_what_came_before_the_end_is_not_lost() -> None:
    with Rogue(GREETING + READY + b"\x00\x04last", then_close=True) as rogue:
        got: list[Any] = []
        with pytest.raises(ZmtpError):
            pump(rogue.dealer, lambda: False, got)
        assert [[bytes(f) for f in m] for m in got] == [[b"last"]]


def test_a_silent_peer_is_given_up() -> None:
    with Rogue(GREETING + READY) as rogue:
        rogue.dealer._heartbeat = 0.01
        with pytest.raises(ZmtpError, match="silent"):
            pump(rogue.dealer, lambda: False)


def test_what_a_peer_said_before_it_went_away_is_heard(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Also if we have something to say that it no longer reads."""
    path = f"/tmp/scumble-zmtp-{os.getpid()}-{os.urandom(4).hex()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        dealer = Dealer(f"ipc://{path}")
        dealer.send([b"hello"])
        peer, _ = server.accept()
        greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)
        peer.sendall(greeting + b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER" + b"\x00\x04last")
        peer.close()
        heard: list[Any] = []

        def ended() -> bool:
            try:
                heard.extend(dealer.poll())
            except ZmtpError:
                return True
            return False

        wait_for(ended)
        assert [bytes(frame) for frames in heard for frame in frames] == [b"last"]
        Path(path).unlink()


@pytest.mark.parametrize("wrong", [memoryview(bytes(10_000))[::2], 5, "text"], ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize("ready", [True, False])
def test_a_message_with_something_else_in_it_is_not_half_sent(
    router: zmq.Socket[Any], dealer: Dealer, wrong: Any, ready: bool
) -> None:
    """What follows would be read as its rest."""
    if ready:
        pump(dealer, lambda: dealer.ready)
    with pytest.raises((TypeError, ValueError)):
        dealer.send([b"head", bytes(5000), wrong])
    dealer.send([b"whole"])
    assert receive(router, dealer)[1:] == [b"whole"]
