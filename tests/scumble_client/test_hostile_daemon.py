"""A daemon that says anything, or dies in the middle of it: no job waits for ever, and the next one works."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scumble_client import Client, Job, Pixels, Request, ScumbleError
from scumble_client.paths import ConnectionFile
from scumble_client.version import PROTOCOL
from scumble_client.wire import Message, checksum, decode, encode, pack
from tests.support.daemon import Folders, request, wait_for

PATIENCE = 60


def failure(job: Job) -> ScumbleError:
    """The error that a job ends in. (`Client.wait` would take its own impatience for one.)"""
    wait_for(lambda: job.ended, PATIENCE)
    assert job.error
    return job.error


class Peer:
    """The daemon's socket in the hands of a test, which says what it likes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"ipc://{folder / 'daemon.ipc'}"
        self.context = zmq.Context()
        self.open()
        ConnectionFile([self.address], os.getpid(), "0", PROTOCOL, "", "", 0.0).write(folder)

    def open(self) -> None:
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.rcvtimeo = PATIENCE * 1000
        self.socket.bind(self.address)

    def hear(self, *kinds: str) -> tuple[bytes, Message]:
        """The next message of these kinds, and who sent it; newcomers are welcomed."""
        while True:
            who, *frames = self.socket.recv_multipart()
            message = decode(frames)
            if message.type == "hello":
                self.say(who, Message("welcome", {"protocol": PROTOCOL}, parent=message.id))
            elif message.type in kinds:
                return who, message

    def say(self, who: bytes, message: Message) -> None:
        self.socket.send_multipart([who, *encode(message)])

    def finish(self, who: bytes, job: str) -> None:
        """A right result, of one pixel."""
        pixels = Pixels(b"\1\2\3\4", 1, 1)
        layers = [{"name": "new", "pixels": pixels.describe(), "seed": 1}]
        body = {"job": job, "layers": layers, "buffers": [pixels.digest], "checks": [checksum(pixels.data)]}
        self.say(who, Message("result", body, [pixels.data], parent=job))

    def hang_up(self) -> None:
        self.socket.close()

    def close(self) -> None:
        self.context.destroy(linger=0)


@contextmanager
def met(folders: Folders) -> Iterator[tuple[Peer, Client]]:
    folders.runtime.mkdir(exist_ok=True, mode=0o700)
    peer = Peer(folders.runtime)
    try:
        with Client("test", launch=False) as client:
            yield peer, client
    finally:
        peer.close()
        (folders.runtime / "daemon.json").unlink()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Peer, Client]]:
    folders = Folders(tmp_path_factory.mktemp("hostile"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in folders.environment.items():
            patch.setenv(name, value)
        with met(folders) as both:
            yield both


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = ("job", "pixels", "buffers", "checks", "layers", "position", "fraction", "message", "digests", "code", "hint")
bodies = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), plain, max_size=6)
KINDS = ("accepted", "progress", "preview", "need", "result", "error", "welcome", "unknown")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_it_says_the_next_job_works(pair: tuple[Peer, Client], data: st.DataObject) -> None:
    """Messages about a job with anything in them, and frames that are no messages."""
    peer, client = pair
    job = client.submit(request("identity"))
    who, heard = peer.hear("submit")
    assert heard.id == job.id
    for _ in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            body: dict[str, Any] = {**data.draw(bodies)}
            if data.draw(st.booleans()):
                body["job"] = job.id
            buffers = data.draw(st.lists(st.binary(max_size=20), max_size=3))
            peer.say(who, Message(data.draw(st.sampled_from(KINDS)), body, buffers, parent=job.id))
        else:
            frames = data.draw(st.lists(st.binary(max_size=40), min_size=1, max_size=4))
            peer.socket.send_multipart([who, *frames])
    peer.finish(who, job.id)
    wait_for(lambda: job.ended)
    assert job.result or isinstance(job.error, ScumbleError)
    after = client.submit(request("identity"))
    who, _ = peer.hear("submit")
    peer.finish(who, after.id)
    assert client.wait(after, PATIENCE).layers[0].name == "new"
    client.poll()


HEADER = {"v": PROTOCOL, "id": "x", "type": "result", "time": 0.0}


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1",
        b"\x91" * 5000,
        pack([1]),
        b"\x80",
        b"\0" * (5 << 20),
        pack({"layers": 7}),
        pack({"layers": [{"name": "a", "seed": 1, "pixels": {"buffer": b"?" * 32}}]}),
        pack({"buffers": [b"?" * 32]}),
        pack({"layers": [], "notes": 3}),
        pack({"layers": [], "seconds": {}}),
        b"\x81\xa6layers\xd7\xff" + b"\xff" * 8,  # a time that no clock has
    ],
    ids=range(11),
)
def test_a_result_that_can_t_be_read_ends_its_job(pair: tuple[Peer, Client], body: bytes) -> None:
    """It came, and will not come again."""
    peer, client = pair
    job = client.submit(request("identity"))
    who, _ = peer.hear("submit")
    peer.socket.send_multipart([who, pack({**HEADER, "parent": job.id}), body])
    assert failure(job).code == "bad_request"


@pytest.mark.parametrize("digests", [None, 3, [b"?" * 32], [[]], "text"], ids=str)
def test_a_layer_that_it_can_t_have_asked_for(pair: tuple[Peer, Client], digests: object) -> None:
    peer, client = pair
    job = client.submit(request("identity"))
    who, _ = peer.hear("submit")
    peer.say(who, Message("need", {"job": job.id, "digests": digests}, parent=job.id))
    assert failure(job)
    assert peer.hear("cancel")[1].body["job"] == job.id


def test_a_layer_that_was_closed_before_it_was_asked_for(pair: tuple[Peer, Client]) -> None:
    """The daemon has forgotten it meanwhile: it would wait for ever."""
    peer, client = pair
    data = memoryview(os.urandom(48))
    pixels = Pixels(data, 4, 4, "rgb")
    job = client.submit(Request("identity", {"image": pixels}))
    who, _ = peer.hear("submit")
    data.release()
    peer.say(who, Message("need", {"job": job.id, "digests": [pixels.digest]}, parent=job.id))
    assert "can't be sent" in failure(job).message
    assert peer.hear("cancel")[1].body["job"] == job.id


@pytest.mark.parametrize("when", ["welcome", "submit", "result"])
def test_it_dies(folders: Folders, when: str) -> None:
    """Before it has welcomed, after a request, or in the middle of a large result; another comes, and is found."""
    with met(folders) as (peer, client):
        job = client.submit(request("identity"))
        if when == "welcome":
            peer.socket.recv_multipart()
            peer.hang_up()
        else:
            who, _ = peer.hear("submit")
            if when == "result":
                peer.socket.sndhwm = 1
                peer.socket.send_multipart([who, pack({**HEADER, "parent": job.id}), b"\x80", bytes(64 << 20)])
            peer.hang_up()
        assert failure(job).code in ("unreachable", "bad_request")  # where it had all been sent
        wait_for(lambda: client.state == "off")
        peer.open()
        after = client.submit(request("identity"))
        who, _ = peer.hear("submit")
        peer.finish(who, after.id)
        assert client.wait(after, PATIENCE).layers


def test_half_a_result_and_no_more(folders: Folders) -> None:
    """As raw bytes, so that it is certain where it ends."""
    folders.runtime.mkdir(exist_ok=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folders.runtime / "daemon.ipc"))
        listening.listen()
        address = f"ipc://{folders.runtime / 'daemon.ipc'}"
        path = ConnectionFile([address], os.getpid(), "0", PROTOCOL, "", "", 0.0).write(folders.runtime)
        with Client("test", launch=False) as client:
            job = client.submit(request("identity"))
            connected, _ = listening.accept()
            with connected:
                connected.sendall(b"\xff" + b"\0" * 8 + b"\x7f\x03\x01NULL".ljust(55, b"\0"))
                ready = b"\x05READY\x0bSocket-Type\0\0\0\x06ROUTER"
                connected.sendall(bytes((4, len(ready))) + ready)
                header, body = encode(Message("welcome", {}))
                connected.sendall(bytes((1, len(header))) + bytes(header) + bytes((0, len(body))) + bytes(body))
                wait_for(lambda: client.state == "ready")
                header = pack({**HEADER, "parent": job.id})
                connected.sendall(
                    bytes((1, len(header))) + header + b"\x03" + (80 << 20).to_bytes(8, "big") + bytes(2 << 20)
                )
            assert failure(job).code == "unreachable"
            wait_for(lambda: client.state == "off")
        path.unlink()


def test_closing_right_after_a_request_leaves_nobody_waiting(folders: Folders) -> None:
    """The thread may not even have begun."""
    with met(folders) as (peer, _):
        for _ in range(20):
            client = Client("test", launch=False)
            job = client.submit(request("identity"))
            client.close()
            assert failure(job)
        peer.hang_up()


def test_the_last_word_before_closing_is_sent(folders: Folders) -> None:
    with met(folders) as (peer, _):
        for _ in range(20):
            client = Client("test", launch=False)
            job = client.submit(request("identity"))
            who, _ = peer.hear("submit")
            peer.finish(who, job.id)
            client.wait(job, PATIENCE)
            client.received(job)
            client.close()
            assert peer.hear("received")[1].body["job"] == job.id


def test_parameters_are_those_of_the_moment(pair: tuple[Peer, Client]) -> None:
    peer, client = pair
    asked = request("identity", names=["a"])
    job = client.submit(asked)
    asked.parameters["names"].append(object())
    who, heard = peer.hear("submit")
    assert heard.body["parameters"] == {"names": ["a"]}
    peer.finish(who, job.id)
    client.wait(job, PATIENCE)
