"""A million messages from those who mean no good, at the broker, at the editors' ZMTP client, and at the worker.

In CI there are fewer. None may crash or hang anything, and memory stays where it was.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scumble.operations.registry import forget
from scumble.worker.process import WorkerProcess
from scumble_client import Client, wire
from scumble_client.zmtp import Dealer, ZmtpError
from tests.support.daemon import Daemon, Folders, request, status

from .hostile import ANSWERS, TYPES, Mutator, messages
from .size import PATIENCE, figures, resident, size, wait_for

EACH = 20
"""Messages from one that hypothesis made: itself, and spoilt ones."""
MESSAGES = size(6_000, 700_000)
STREAMS = size(4_000, 200_000)
AT_WORKER = size(2_000, 100_000)
GROWTH = 64 * 1024**2


Test = TypeVar("Test", bound=Callable[..., None])


def times(count: int) -> Callable[[Test], Test]:
    """That many examples, always the same ones."""
    checks = list(HealthCheck)
    made: Callable[[Test], Test] = settings(
        max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=checks
    )
    return made


def test_at_the_broker(start_daemon: Callable[..., Daemon], folders: Folders) -> None:
    daemon = start_daemon()
    pid = daemon.process.pid
    context: zmq.Context[Any] = zmq.Context()
    endpoint = f"ipc://{folders.runtime / 'daemon.ipc'}"
    mutator = Mutator(1)
    sent, answered = 0, 0
    memory: list[int] = []
    with Client("honest", launch=False) as client:
        client.wait(client.submit(request("identity")), PATIENCE)

        def open_socket() -> zmq.Socket[Any]:
            made: zmq.Socket[Any] = context.socket(zmq.DEALER)
            made.linger, made.sndhwm, made.rcvhwm = 0, 0, 0
            made.connect(endpoint)
            return made

        dealer = open_socket()

        @times(MESSAGES // (EACH * 10))
        @given(st.lists(messages(TYPES), min_size=10, max_size=10))
        def attack(made: list[list[bytes]]) -> None:
            nonlocal sent, answered, dealer
            for frames in made:
                for number in range(EACH):
                    dealer.send_multipart(mutator.frames(frames) if number else frames)
                    sent += 1
            if mutator.random.random() < 0.2:  # below the messages: bytes at the socket itself
                with socket.socket(socket.AF_UNIX) as raw, contextlib.suppress(OSError):
                    raw.connect(endpoint[6:])
                    raw.sendall(
                        mutator.spoil(b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48) + mutator.frames(made[0])[0])
                    )
            if mutator.random.random() < 0.1:  # with jobs that wait for layers which never come
                dealer.close(0)
                dealer = open_socket()
            while dealer.poll(0):
                dealer.recv_multipart()
                answered += 1
            if sent % (EACH * 100) < EACH * 10:
                status(client)  # it still answers
                memory.append(resident(pid))

        attack()
        dealer.close(0)
        wait_for(lambda: status(client)["jobs"] == [])
        result = client.wait(client.submit(request("test-slow", 9)), PATIENCE)
        assert set(bytes(result.layers[0].pixels.data)) == {246}
        assert daemon.process.poll() is None
        after = resident(pid)
    context.destroy(0)
    outside = [p for p in folders.base.rglob("*") if "evil" in p.name]
    early = memory[len(memory) // 10]
    figures("hostile messages at the broker", sent=sent, answered=answered, early=early, most=max(memory), after=after)
    assert outside == []
    assert sent >= MESSAGES * 0.9
    assert max(memory[len(memory) // 10 :]) - early < GROWTH
    assert "a defect in the broker" not in daemon.folders.log.read_text()


def test_at_the_zmtp_client() -> None:
    """Streams of bytes at the DEALER, and whole messages at the client above it."""
    mutator = Mutator(2)
    done, messages_read, refused = 0, 0, 0
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)
    ready = b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06ROUTER"
    server = socket.socket(socket.AF_UNIX)
    path = f"/tmp/scumble-hostile-{os.getpid()}"
    Path(path).unlink(missing_ok=True)
    server.bind(path)
    server.listen(64)
    before = resident(os.getpid())
    host = Client("victim", launch=False)
    most = before

    def stream(frames: list[bytes]) -> bytes:
        out = b""
        for index, frame in enumerate(frames):
            more = index < len(frames) - 1
            head = bytes((more, len(frame))) if len(frame) < 256 else bytes((more | 2,)) + len(frame).to_bytes(8, "big")
            out += head + frame
        return out

    @times(STREAMS // EACH)
    @given(messages(ANSWERS))
    def attack(frames: list[bytes]) -> None:
        nonlocal done, messages_read, refused, most
        for number in range(EACH):
            spoilt = mutator.frames(frames) if number else frames
            data = greeting + ready + stream(spoilt)
            if number % 3 == 1:
                data = mutator.spoil(data)
            dealer = Dealer(f"ipc://{path}", heartbeat=0)
            peer, _ = server.accept()
            peer.sendall(data)
            peer.close()
            heard: list[Any] = []
            with contextlib.suppress(ZmtpError):
                for _ in range(1000):
                    heard += dealer.poll()
                raise AssertionError("it neither ended nor failed")
            dealer.close()
            done += 1
            for message in heard:
                messages_read += 1
                host._link._handle(dealer, message)  # what an editor's thread does with it; nothing may escape
            refused += not heard
        most = max(most, resident(os.getpid()))

    attack()
    host.close()
    server.close()
    Path(path).unlink()
    figures(
        "hostile streams at the ZMTP client", streams=done, read=messages_read, ended=refused, before=before, most=most
    )
    assert done >= STREAMS * 0.9
    assert messages_read > 0
    assert refused > 0
    assert most - before < 2 * GROWTH


def test_at_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its socket is in the user's private folder, so this is its own broker gone mad."""
    monkeypatch.setenv("SCUMBLE_OPERATIONS", "tests.support.operations")
    forget()
    context: zmq.Context[Any] = zmq.Context.instance()
    pool = context.socket(zmq.ROUTER)
    pool.linger, pool.sndhwm, pool.rcvhwm = 0, 0, 0
    pool.bind(f"inproc://{tmp_path}")
    worker = WorkerProcess(f"inproc://{tmp_path}", "w", "cpu", [tmp_path], 300.0, "log")
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    assert pool.poll(int(PATIENCE * 1000))
    assert [wire.unpack(pool.recv_multipart()[1])["type"] for _ in range(2)] == ["devices", "ready"]
    mutator = Mutator(3)
    sent, heard = 0, 0
    picture = tmp_path / "picture"
    picture.write_bytes(bytes(256))
    layer = {"buffer": b"x", "path": str(picture), "width": 8, "height": 8, "x": 0, "y": 0}
    image = {"image": {**layer, "layout": "rgba", "depth": "uint8", "colour": "srgb"}}
    right = {"type": "run", "job": "j", "operation": "identity", "parameters": {}, "seed": 0, "roles": image}
    early = most = 0

    def still_there() -> None:
        """It answers a right task. (While it works, it takes no other: so it is asked again.)"""
        nonlocal heard
        for _ in range(600):
            pool.send_multipart([b"w", wire.pack({**right, "job": "asked"})])
            while pool.poll(200):
                heard += 1
                answer = wire.unpack(pool.recv_multipart()[1])
                if answer.get("job") == "asked" and answer["type"] == "result":
                    return
        raise AssertionError("the worker hangs")

    @times(AT_WORKER // EACH)
    @given(
        st.dictionaries(
            st.sampled_from([*right, "previews"]), st.integers() | st.text(max_size=5) | st.none(), max_size=4
        )
    )
    def attack(odd: dict[str, Any]) -> None:
        nonlocal sent, early, most
        message = {**right, **odd}
        if message["type"] == "exit":
            return
        frame = (
            wire.pack(message) if all(not isinstance(v, int) or -(2**63) <= v < 2**64 for v in odd.values()) else b""
        )
        for number in range(EACH):
            pool.send_multipart([b"w", mutator.spoil(frame) if number else frame])
            sent += 1
        still_there()
        most = max(most, resident(os.getpid()))
        if sent >= AT_WORKER // 10 and not early:
            early = most

    attack()
    pool.send_multipart([b"w", wire.pack({"type": "exit"})])
    thread.join(60)
    assert not thread.is_alive()
    pool.close(0)
    worker.socket.close(0)
    worker.files.close()
    forget()
    figures("hostile messages at the worker", sent=sent, answers=heard, early=early, most=most)
    assert sent >= AT_WORKER * 0.8
    assert most - early < GROWTH
