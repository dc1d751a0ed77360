"""docs/protocol.md is true: its bytes are what we write, and what the daemon understands."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
import zmq

from scumble_client import ScumbleError, wire
from scumble_client.errors import CODES
from scumble_client.zmtp import _metadata
from tests.support.daemon import ROOT, Daemon, request

PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")


def example(name: str) -> bytes:
    found = re.search(rf"```hex {name}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return bytes.fromhex(found[1])


def test_the_example_is_what_we_write() -> None:
    body = {"client": "example", "pid": 4242}
    hello = wire.Message("hello", body, id="00112233445566778899aabbccddeeff", time=1_700_000_000.0)
    frames = [bytes(f) for f in wire.encode(hello)]
    assert frames == [example("header"), example("body")]
    ready = b"\x05READY" + _metadata()
    whole = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + b"\0" * 32
    whole += bytes([4, len(ready)]) + ready
    whole += b"".join(bytes([flag, len(f)]) + f for flag, f in zip((1, 0), frames, strict=True))
    assert example("connection") == whole


def test_the_daemon_answers_these_very_bytes(shared: Daemon) -> None:
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(60)
        raw.connect(str(shared.folders.runtime / "daemon.ipc"))
        raw.sendall(example("connection")[:64])
        got = b""
        while len(got) < 64:  # libzmq wants to have its greeting read first
            got += raw.recv(64 - len(got))
        raw.sendall(example("connection")[64:])
        while b"welcome" not in got:
            got += raw.recv(4096)
    assert got.startswith(b"\xff")
    assert b"00112233445566778899aabbccddeeff" in got


def test_every_code_and_type_is_on_the_page() -> None:
    for code in CODES:
        assert f"`{code}`" in PAGE
    for kind in ("hello", "operations", "submit", "buffers", "cancel", "fetch", "received", "status", "shutdown"):
        assert f"| `{kind}` |" in PAGE


# -- pyzmq's own DEALER against the daemon


@pytest.fixture
def dealer(shared: Daemon) -> Any:
    context: zmq.Context[Any] = zmq.Context()
    made = context.socket(zmq.DEALER)
    made.rcvtimeo = 60_000
    made.connect(f"ipc://{shared.folders.runtime / 'daemon.ipc'}")
    yield made
    made.close(0)
    context.term()


def ask(dealer: zmq.Socket[Any], message: wire.Message) -> wire.Message:
    dealer.send_multipart([bytes(memoryview(f)) for f in wire.encode(message)])
    return hear(dealer)


def hear(dealer: zmq.Socket[Any]) -> wire.Message:
    return wire.decode(dealer.recv_multipart())


def test_a_whole_job_with_pyzmq(dealer: zmq.Socket[Any]) -> None:
    assert ask(dealer, wire.Message("hello", {"client": "pyzmq"})).type == "welcome"
    names = [o["name"] for o in ask(dealer, wire.Message("operations")).body["operations"]]
    assert "inpaint" in names
    wanted = request("test-slow", 3)
    pixels = wanted.roles["image"]
    submit = wire.Message("submit", {**wanted.describe(), "buffers": []})
    answer = ask(dealer, submit)
    if answer.type == "need":  # else an earlier test has left it there
        assert (answer.body["digests"], answer.parent) == ([pixels.digest], submit.id)
        body = {"job": submit.id, "buffers": [pixels.digest]}
        answer = ask(dealer, wire.Message("buffers", body, [pixels.data]))
    assert answer.type == "accepted"
    while answer.type != "result":
        assert answer.parent == submit.id
        answer = hear(dealer)
    buffers = wire.attached(answer)
    (data,) = buffers.values()
    assert bytes(data) == bytes([252]) * 256
    assert ask(dealer, wire.Message("status")).type == "status"
    dealer.send_multipart([bytes(memoryview(f)) for f in wire.encode(wire.Message("received", {"job": submit.id}))])
    assert ask(dealer, wire.Message("fetch", {"job": submit.id})).type == "error"


def test_damaged_and_wrongly_named_buffers_are_found(dealer: zmq.Socket[Any]) -> None:
    wanted = request("identity", 77)
    name = wanted.roles["image"].digest
    good = wanted.describe()
    cases = [
        ({**good, "buffers": [name]}, [b"x" * 256], "damaged"),
        ({**good, "buffers": [name]}, [b"x" * 255], "should have 256 bytes"),
        ({**good, "buffers": [bytes(32)]}, [b"x"], "does not use"),
        ({**good, "buffers": []}, [b"x"], "names 0 buffers and carries 1"),
    ]
    for body, frames, why in cases:
        answer = ask(dealer, wire.Message("submit", body, frames))
        assert (answer.type, answer.body["code"]) == ("error", "bad_request")
        assert why in answer.body["message"]


def test_a_layer_that_says_it_is_huge_is_refused_before_anything_is_allocated(dealer: zmq.Socket[Any]) -> None:
    good = request("identity").describe()
    for change, code in (
        ({"width": 900_000, "height": 900_000}, "too_large"),
        ({"width": 2**40, "height": 1}, "too_large"),
        ({"width": -1}, "too_large"),
        ({"depth": "float64"}, "bad_request"),
        ({"layout": "cmyk"}, "bad_request"),
        ({"colour": "icc"}, "bad_request"),
        ({"buffer": b"short"}, "bad_request"),
        ({"width": "8"}, "bad_request"),
    ):
        body = {**good, "roles": {"image": {**good["roles"]["image"], **change}}, "buffers": []}
        answer = ask(dealer, wire.Message("submit", body))
        assert (answer.type, answer.body["code"]) == ("error", code), change


def test_another_version_is_told_so(dealer: zmq.Socket[Any]) -> None:
    answer = ask(dealer, wire.Message("hello", version=99, id="1"))
    assert (answer.type, answer.body["code"], answer.parent) == ("error", "version_mismatch", "1")


def test_an_unknown_type_is_told_so(dealer: zmq.Socket[Any]) -> None:
    answer = ask(dealer, wire.Message("dance"))
    assert (answer.type, answer.body["code"]) == ("error", "bad_request")


def test_noise_gets_an_error_and_harms_nobody(dealer: zmq.Socket[Any]) -> None:
    import random

    noise = random.Random(1)
    for _ in range(2000):
        frames = [noise.randbytes(noise.choice([0, 1, 5, 60, 5000])) for _ in range(noise.randint(1, 6))]
        dealer.send_multipart(frames)
    for _ in range(2000):
        assert hear(dealer).type == "error"
    assert ask(dealer, wire.Message("hello")).type == "welcome"


def test_mutated_submissions_get_an_error_or_a_result(dealer: zmq.Socket[Any]) -> None:
    """One byte of a good submission is changed, each time another: nothing breaks, nothing hangs."""
    import random

    noise = random.Random(2)
    wanted = request("identity", 5)
    body = {**wanted.describe(), "buffers": [wanted.roles["image"].digest]}
    for _ in range(300):
        frames = [bytearray(f) for f in wire.encode(wire.Message("submit", body, [wanted.roles["image"].data]))]
        frame = noise.choice(frames)
        frame[noise.randrange(len(frame))] = noise.randrange(256)
        dealer.send_multipart([bytes(f) for f in frames])
    assert_alive(dealer)


def assert_alive(dealer: zmq.Socket[Any]) -> None:
    name = wire.new_id()
    dealer.send_multipart([bytes(memoryview(f)) for f in wire.encode(wire.Message("status", id=name))])
    while True:
        try:
            answer = hear(dealer)
        except ScumbleError:
            continue
        if answer.parent == name:
            assert answer.type == "status"
            return
