"""Who may come in: PLAIN on loopback, CURVE from elsewhere, and everybody else stays out."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq

from scumble.daemon.security import Keys, check_listen
from scumble_client import Client, ScumbleError, wire
from scumble_client.paths import ConnectionFile
from tests.support.daemon import Daemon, Folders, request, status, wait_for

from .test_lifecycle import serve


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    made: zmq.Context[Any] = zmq.Context()
    yield made
    made.destroy(linger=0)


def connection(daemon: Daemon) -> ConnectionFile:
    found = daemon.connection()
    assert found
    return found


def test_loopback_wants_the_token(start_daemon: Callable[..., Daemon], context: zmq.Context[Any]) -> None:
    daemon = start_daemon("--loopback")
    found = connection(daemon)
    endpoint = next(e for e in found.endpoints if e.startswith("tcp://127.0.0.1:"))
    for token, welcome in ((found.token, True), ("wrong", False), (None, False)):
        dealer = context.socket(zmq.DEALER)
        monitor = dealer.get_monitor_socket()
        if token:
            dealer.plain_username, dealer.plain_password = b"scumble", token.encode()
        dealer.connect(endpoint)
        dealer.send_multipart([bytes(memoryview(f)) for f in wire.encode(wire.Message("hello"))])
        if welcome:
            assert dealer.poll(60_000)
            assert wire.decode(dealer.recv_multipart()).type == "welcome"
        else:
            wait_for(partial(_failed, monitor))
            assert not dealer.poll(0)
        dealer.disable_monitor()
        monitor.close(0)
        dealer.close(0)
    written = daemon.folders.log.read_text()
    assert "DENIED" in written
    assert found.token not in written


def _failed(monitor: Any) -> bool:
    failures = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    failures |= zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_DISCONNECTED
    return bool(_event(monitor) & failures)


def _event(monitor: Any) -> int:
    from zmq.utils.monitor import recv_monitor_message

    return int(recv_monitor_message(monitor)["event"]) if monitor.poll(0) else 0


def test_our_client_uses_loopback_where_there_is_no_ipc(
    start_daemon: Callable[..., Daemon], folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = connection(start_daemon("--loopback"))
    tcp = [e for e in found.endpoints if e.startswith("tcp")]
    ConnectionFile(tcp, found.pid, found.version, found.protocol, found.token, found.log, found.started).write(
        folders.runtime
    )
    with Client("sandboxed", launch=False) as client:
        client.wait(client.submit(request("identity")), 60)
    ConnectionFile(tcp, found.pid, found.version, found.protocol, "wrong", found.log, found.started).write(
        folders.runtime
    )
    with Client("intruder", launch=False) as client, pytest.raises(ScumbleError) as raised:
        client.call("status")
    assert raised.value.code == "unreachable"
    found.write(folders.runtime)


def test_listening_without_keys_is_refused(folders: Folders) -> None:
    ended = serve(folders, "--listen", "tcp://127.0.0.1:*")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "scumble keys allow" in ended.stderr


@pytest.mark.parametrize("endpoint", ["", "tcp://", "ipc:///tmp/x", "tcp://host", "tcp://host:port", "inproc://x"])
def test_odd_addresses_are_refused(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(ScumbleError, match="no address"):
        check_listen(endpoint, Keys(tmp_path))


def test_curve_lets_known_keys_in_and_nobody_else(
    folders: Folders, start_daemon: Callable[..., Daemon], context: zmq.Context[Any]
) -> None:
    keys = Keys(folders.base / "config" / "keys")
    known, stranger = zmq.curve_keypair(), zmq.curve_keypair()
    keys.allow("laptop", known[0].decode())
    daemon = start_daemon("--listen", "tcp://127.0.0.1:*")
    server_public, _ = keys.server()
    with Client("test", launch=False) as local:
        endpoint = next(e for e in status(local)["endpoints"] if e.startswith("tcp"))
        assert endpoint not in connection(daemon).endpoints  # local clients have their own door

        def hello(pair: tuple[bytes, bytes] | None, server: bytes = server_public) -> zmq.Socket[Any]:
            dealer: zmq.Socket[Any] = context.socket(zmq.DEALER)
            if pair:
                dealer.curve_publickey, dealer.curve_secretkey = pair
                dealer.curve_serverkey = server
            dealer.connect(endpoint)
            dealer.send_multipart([bytes(memoryview(f)) for f in wire.encode(wire.Message("hello"))])
            return dealer

        # The strangers knock first; when the known one has been answered, they would have been, too.
        outside = [hello(stranger), hello(None), hello(known, zmq.curve_keypair()[0])]
        wait_for(lambda: "refused the unknown CURVE key" in daemon.folders.log.read_text())
        inside = hello(known)
        assert inside.poll(60_000)
        assert wire.decode(inside.recv_multipart()).type == "welcome"
        assert not any(dealer.poll(0) for dealer in outside)
        _refuses_a_wrong_name(inside)
        for dealer in (*outside, inside):
            dealer.close(0)
        # revoked, it stays out without a restart
        keys.revoke("laptop")
        before = daemon.folders.log.read_text().count("refused the unknown")
        revoked = hello(known)
        wait_for(lambda: daemon.folders.log.read_text().count("refused the unknown") > before)
        assert not revoked.poll(0)
        revoked.close(0)


def _refuses_a_wrong_name(remote: zmq.Socket[Any]) -> None:
    """Another machine's checksum is not believed: its pixels could come under the name of somebody else's."""
    submit = request("identity", value=99)
    body = submit.describe()
    name, pixels = next(iter(submit.buffers().items()))
    false = bytes([98]) * memoryview(pixels).nbytes
    message = wire.Message("submit", {**body, "buffers": [name], "checks": [wire.checksum(false)]}, [false])
    remote.send_multipart([bytes(memoryview(f)) for f in wire.encode(message)])
    assert remote.poll(60_000)
    answer = wire.decode(remote.recv_multipart())
    assert (answer.type, answer.body["code"]) == ("error", "bad_request")


def test_keys(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    public, secret = keys.server()
    assert keys.server() == (public, secret)
    path = tmp_path / "keys" / "server.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(ScumbleError, match="Others can read"):
        keys.server()
    for name, key in (
        ("../evil", public.decode()),
        (".hidden", public.decode()),
        ("ok", "short"),
        ("ok", "\0" * 40),
        ("ok", "%" * 40),
    ):
        with pytest.raises(ScumbleError):
            keys.allow(name, key)
    keys.allow("anna", public.decode())
    assert keys.allowed() == {"anna": public.decode()}
    keys.revoke("anna")
    assert keys.allowed() == {}
    with pytest.raises(ScumbleError, match="no key called"):
        keys.revoke("../server")
    assert os.path.exists(path)


def test_one_client_can_t_cancel_another_s_job(shared: Daemon, tmp_path: Path) -> None:
    marker = tmp_path / "began"
    with Client("owner", launch=False) as owner, Client("other", launch=False) as other:
        job = owner.submit(request("test-slow", seconds=600, marker=str(marker)))
        wait_for(lambda: marker.exists())
        other.call_raw(wire.Message("status"))
        other._link.send(wire.Message("cancel", {"job": job.id}))
        replacing = request("identity")
        replacing.replaces = job.id
        other.submit(replacing)
        wait_for(lambda: len(status(other)["jobs"]) == 2)
        assert not job.ended
        owner.cancel(job)
        wait_for(lambda: job.ended)


def test_a_key_can_be_written_on_a_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(b"-" + b"0" * 39, b"1" * 40), (b"-" + b"2" * 39, b"3" * 40), (b"a-" + b"0" * 38, b"4" * 40)]
    monkeypatch.setattr("scumble.daemon.security.zmq.curve_keypair", lambda: pairs.pop(0))
    assert Keys(tmp_path / "keys").server() == (b"a-" + b"0" * 38, b"4" * 40)
