"""Who may not come in: another user, a wrong token, an unknown key, a message that was recorded.

Each is refused, and logged where the daemon sees it at all (the system itself keeps other users from the socket).
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq

from scumble.daemon.security import Keys
from scumble_client import Client, ScumbleError, wire
from scumble_client.wire import Message
from scumble_client.zmtp import Dealer, ZmtpError
from tests.conftest import _enter
from tests.support import needs
from tests.support.daemon import Daemon, Folders, ending, request, status

from .size import PATIENCE, figures, size, wait_for

_open: list[zmq.Socket[Any]] = []


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    made: zmq.Context[Any] = zmq.Context()
    yield made
    while _open:
        _open.pop().close(0)
    made.destroy(linger=0)


@pytest.fixture(scope="module")
def all_doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, tuple[bytes, bytes], bytes]]:
    """A daemon with all doors, the laptop's key pair, and the daemon's public key."""
    folders = Folders(tmp_path_factory.mktemp("doors"))
    keys = Keys(folders.base / "config" / "keys")
    laptop = zmq.curve_keypair()
    keys.allow("laptop", laptop[0].decode())
    with ending(folders):
        daemon = Daemon(folders, "--device", "cpu", "--listen", "tcp://127.0.0.1:*", "--loopback")
        yield daemon, laptop, keys.server()[0]
        daemon.stop()
    shutil.rmtree(folders.runtime, ignore_errors=True)


@pytest.fixture
def studio(
    all_doors: tuple[Daemon, tuple[bytes, bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> tuple[Daemon, tuple[bytes, bytes], bytes, str]:
    """The same, with its CURVE endpoint; this process's clients are its own user's."""
    daemon, laptop, server = all_doors
    _enter(daemon.folders, monkeypatch)
    connection = daemon.connection()
    assert connection
    with Client("test", launch=False) as local:
        endpoint = next(e for e in status(local)["endpoints"] if e.startswith("tcp") and e not in connection.endpoints)
    return daemon, laptop, server, endpoint


def log_of(daemon: Daemon) -> str:
    return daemon.folders.log.read_text()


def enter(
    context: zmq.Context[Any], endpoint: str, pair: tuple[bytes, bytes], server: bytes, message: Message
) -> zmq.Socket[Any]:
    dealer: zmq.Socket[Any] = context.socket(zmq.DEALER)
    _open.append(dealer)
    dealer.curve_publickey, dealer.curve_secretkey = pair
    dealer.curve_serverkey = server
    dealer.connect(endpoint)
    say(dealer, message)
    return dealer


def say(dealer: zmq.Socket[Any], message: Message) -> None:
    with contextlib.suppress(zmq.Again):  # turned away already: nobody is there to say it to
        dealer.send_multipart([bytes(memoryview(f)) for f in wire.encode(message)], zmq.NOBLOCK)


def answer(dealer: zmq.Socket[Any], kind: str) -> Message:
    while True:
        assert dealer.poll(int(PATIENCE * 1000)), f"no {kind}"
        message = wire.decode(dealer.recv_multipart())
        if message.type == kind:
            return message


@needs.root
def test_another_user_of_this_machine(studio: tuple[Daemon, Any, bytes, str]) -> None:
    daemon = studio[0]
    runtime = daemon.folders.runtime
    with Client("test", launch=False) as client:
        job = client.submit(request("test-slow", 9))
        client.wait(job, PATIENCE)
        port = next(e for e in status(client)["endpoints"] if e.startswith("tcp")).rpartition(":")[2]
    memory = next(p for p in Path("/dev/shm").glob(f"scumble-*-{daemon.process.pid}"))
    refusals = log_of(daemon).count("refused a connection")
    places = [runtime / "daemon.json", runtime / "daemon.ipc", memory, daemon.folders.results, daemon.folders.log]
    code = f"""
import encodings.idna, os, socket
os.setgid(65534); os.setuid(65534)
for place in {[str(p) for p in places]}:
    for act in (lambda: os.listdir(place), lambda: open(place).read(), lambda: socket.socket(socket.AF_UNIX).connect(place)):
        try:
            act()
        except OSError:
            continue
        print("in:", place)
s = socket.create_connection(("127.0.0.1", {port}))
s.sendall(b"\\xff" + bytes(8) + b"\\x7f\\x03\\x01NULL" + bytes(48))
s.settimeout(60)
while s.recv(1000):
    pass
print("put out")
"""
    for place in (
        daemon.folders.results,
        daemon.folders.log.parent,
    ):  # pytest's own folder would keep others out already
        assert stat.S_IMODE(place.stat().st_mode) & 0o077 == 0, place
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert said.stdout == "put out\n", said.stderr
    wait_for(lambda: log_of(daemon).count("refused a connection") > refusals)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) & 0o077 for p in runtime.iterdir()}
    assert set(modes.values()) == {0}, modes


def test_a_wrong_token(studio: tuple[Daemon, Any, bytes, str]) -> None:
    daemon = studio[0]
    connection = daemon.connection()
    assert connection
    endpoint = next(e for e in connection.endpoints if e.startswith("tcp"))
    for number in range(size(20, 500)):
        token = connection.token[:-1] if number % 2 else f"guess {number}"
        guess = Dealer(endpoint, ("scumble", token), handshake_timeout=PATIENCE)
        guess.send(wire.encode(Message("status")))
        wait_for(partial(_put_out, guess))
        guess.close()
    wait_for(lambda: "DENIED" in log_of(daemon))
    assert connection.token not in log_of(daemon)
    assert "hello from" in log_of(daemon)  # and the honest one is still let in
    with Client("test", launch=False) as client:
        client.wait(client.submit(request("identity")), PATIENCE)


def _put_out(guess: Dealer) -> bool:
    """Whether the daemon has ended the connection; until then it says nothing."""
    try:
        assert guess.poll() == []
    except ZmtpError:
        return True
    return False


def test_an_unknown_key(studio: tuple[Daemon, Any, bytes, str], context: zmq.Context[Any]) -> None:
    daemon, laptop, server, endpoint = studio
    stranger = zmq.curve_keypair()
    outside = enter(context, endpoint, stranger, server, Message("hello", {"client": "stranger"}))
    wait_for(lambda: f"refused the unknown CURVE key {stranger[0].decode()}" in log_of(daemon))
    inside = enter(context, endpoint, laptop, server, Message("hello", {"client": "laptop"}))
    answer(inside, "welcome")
    assert not outside.poll(0)
    assert "hello from stranger" not in log_of(daemon)


def test_what_was_recorded_on_the_cable(studio: tuple[Daemon, Any, bytes, str], context: zmq.Context[Any]) -> None:
    """An eavesdropper plays the laptop's bytes again: the daemon's half of the handshake is new each time."""
    daemon, laptop, server, endpoint = studio
    port = int(endpoint.rpartition(":")[2])
    recorded: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as tap:

        def listen_in() -> None:
            near, _ = tap.accept()
            far = socket.create_connection(("127.0.0.1", port))
            back = threading.Thread(target=_copy, args=(far, near, []))
            back.start()
            _copy(near, far, recorded)
            back.join()

        thread = threading.Thread(target=listen_in)
        thread.start()
        wire_end = f"tcp://127.0.0.1:{tap.getsockname()[1]}"
        dealer = enter(context, wire_end, laptop, server, Message("hello", {"client": "the laptop"}))
        answer(dealer, "welcome")
        dealer.close(0)
        thread.join(60)
    heard = log_of(daemon).count("hello from the laptop")
    refusals = log_of(daemon).count("refused a connection")
    secret = b"the laptop"
    assert not any(secret in part for part in recorded)  # nor can it be read
    with socket.create_connection(("127.0.0.1", port)) as again:
        again.settimeout(60)
        again.sendall(b"".join(recorded))
        with contextlib.suppress(OSError):
            while again.recv(1000):
                pass
    wait_for(lambda: log_of(daemon).count("refused a connection") > refusals)
    assert log_of(daemon).count("hello from the laptop") == heard == 1


def _copy(source: socket.socket, to: socket.socket, kept: list[bytes]) -> None:
    try:
        while data := source.recv(65536):
            kept.append(data)
            to.sendall(data)
    except OSError:
        pass
    finally:
        for s in (source, to):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


def test_a_message_that_is_said_twice(studio: tuple[Daemon, Any, bytes, str], context: zmq.Context[Any]) -> None:
    """A job that was done is not done again under its name, whoever asks."""
    daemon, laptop, server, endpoint = studio
    asked = request("test-slow", 9)
    message = Message("submit", asked.describe())
    message.body["buffers"], message.buffers = list(asked.buffers()), list(asked.buffers().values())
    dealer = enter(context, endpoint, laptop, server, message)
    assert answer(dealer, "result").body["job"] == message.id
    say(dealer, message)
    assert answer(dealer, "error").body["code"] == "bad_request"
    assert "submitted already" in log_of(daemon)


def test_another_machine_may_not_do_everything(
    studio: tuple[Daemon, Any, bytes, str], context: zmq.Context[Any]
) -> None:
    """It can't stop the daemon, hear of others' jobs, or write files by the name that it gives a job."""
    daemon, laptop, server, endpoint = studio
    with Client("owner", launch=False) as owner:
        job = owner.submit(request("test-slow", 9))
        owner.wait(job, PATIENCE)
        dealer = enter(context, endpoint, laptop, server, Message("shutdown"))
        assert answer(dealer, "error").body["code"] == "unauthorized"
        say(dealer, Message("status"))
        seen = answer(dealer, "status").body
        assert (seen["jobs"], seen["results"]) == ([], [])
        assert job.id not in str(seen)
        outside = daemon.folders.results.parent / "evil"
        asked = request("test-slow", 9)
        say(dealer, Message("submit", asked.describe(), id="../evil"))
        assert "other than letters" in answer(dealer, "error").body["message"]
        assert not list(outside.parent.glob("evil*"))
        with pytest.raises(ScumbleError, match="other than letters"):
            owner.call_raw(Message("submit", asked.describe(), id="../evil"))
        assert all(set(r["job"]) <= set("0123456789abcdef") for r in status(owner)["results"])
    figures("intruders", refused=["another user", "wrong token", "unknown key", "replayed bytes", "replayed message"])
