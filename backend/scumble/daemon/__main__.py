"""Starting the daemon: one per user, found through the connection file. `scumble serve` is the same thing."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import IO, Any, NoReturn

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.paths import ConnectionFile, config_dir
from scumble_client.version import PROTOCOL, __version__

from . import saved_options, security
from .broker import Broker, Settings
from .buffers import BufferStore
from .folders import Folders, open_log, prepare
from .handshake_monitor import HandshakeMonitor
from .pools import options as pool_options
from .spool import Spool

log = logging.getLogger("scumble.daemon")

GIB = 1024**3


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as the other commands do."""

    def error(self, message: str) -> NoReturn:
        raise ScumbleError("bad_request", f"{message[:1].upper()}{message[1:]}.", "See: scumble serve --help")


def parser() -> argparse.ArgumentParser:
    """The daemon's options; `scumble serve` passes its own on to them."""
    p = _Parser(prog="scumble serve", description="Run Scumble's daemon in the foreground.")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda:0, mps, …")
    p.add_argument("--idle-exit", type=float, default=30.0, help="minutes without work after which it ends; 0: never")
    p.add_argument("--free-after", type=float, default=5.0, help="minutes without work after which models are unloaded")
    p.add_argument("--loopback", action="store_true", help="also serve loopback TCP, for sandboxed editors")
    p.add_argument("--listen", action="append", default=[], help="tcp://HOST:PORT for other machines (CURVE)")
    p.add_argument("--spool-size", type=float, default=2.0, help="GiB of results to keep on disk")
    p.add_argument("--buffer-size", type=float, default=4.0, help="GiB of layers to keep in memory")
    pool_options.add_options(p)
    p.add_argument(saved_options.REMEMBER, action="store_true", help="these options hold for every later start, too")
    p.add_argument(saved_options.FORGET, action="store_true", help="forget what was remembered")
    p.add_argument(saved_options.PLAIN, action="store_true", help="take no notice of what was remembered, this once")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped. 0 also where another daemon is running already; 2 with one line on stderr otherwise."""
    try:
        options = parser().parse_args(saved_options.arguments(sys.argv[1:] if arguments is None else arguments))
        pool_options.check(options)
        os.umask(0o077)  # whatever this process and its workers write is its user's alone
        folders = prepare()
        try:
            lock = _lock(folders.runtime)
            if lock is None:
                print("A daemon is already running.", file=sys.stderr)
                return 0
            with lock:
                _serve(options, folders)
        finally:
            folders.leave()
    except ScumbleError as error:
        print(str(error), file=sys.stderr)
        return 2
    return 0


def _serve(options: argparse.Namespace, folders: Folders) -> None:
    open_log(folders.log)
    log.info("Scumble %s starts, pid %s", __version__, os.getpid())
    for warning in folders.warnings:
        log.warning(warning)
    keys = security.Keys(config_dir() / "keys")
    for endpoint in options.listen:
        security.check_listen(endpoint, keys)
    context: zmq.Context[Any] = zmq.Context()
    posix = os.name == "posix"
    token, worker_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    authenticator = None
    if options.loopback or options.listen or not posix:
        passwords = {security.LOOPBACK_DOMAIN: {"scumble": token}, security.WORKER_DOMAIN: {"worker": worker_token}}
        authenticator = security.start_authenticator(context, passwords, keys)
    try:
        local, remote = _bind(context, folders.runtime, options.loopback or not posix, options.listen, keys)
        endpoints = [_address(s) for s in local]
        spool = Spool(folders.results, int(options.spool_size * GIB))
        pool = pool_options.choose(options, context, folders, [spool.folder, folders.memory], worker_token)
        buffers = BufferStore([folders.memory, folders.overflow], int(options.buffer_size * GIB))
        shown = endpoints + [_address(s) for s in remote]
        settings = Settings(options.idle_exit * 60 or float("inf"), folders.log, folders.warnings, shown, options.pool)
        broker = Broker(local, remote, pool, buffers, spool, settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: broker.stop())
        signal.set_wakeup_fd(broker.wakeup.signal_fd, warn_on_full_buffer=False)
        connection = ConnectionFile(endpoints, os.getpid(), __version__, PROTOCOL, token, str(folders.log), time.time())
        path = connection.write(folders.runtime)
        monitor = HandshakeMonitor([s for s in local + remote if _address(s).startswith("tcp:")])
        try:
            broker.serve()
        finally:
            path.unlink(missing_ok=True)
            monitor.close()
            for s in local + remote:
                s.close(1000)
            log.info("ended")
    finally:
        signal.set_wakeup_fd(-1)
        if authenticator:
            authenticator.stop()
        folders.clean()
        for left in folders.runtime.glob("*.ipc"):  # the lock is still ours, so these are, too
            left.unlink(missing_ok=True)
        context.destroy(linger=1000)  # also what was open when something failed before the end


def _bind(
    context: zmq.Context[Any], runtime: Path, loopback: bool, listen: list[str], keys: security.Keys
) -> tuple[list[zmq.Socket[Any]], list[zmq.Socket[Any]]]:
    """The sockets for this machine's clients, and those for other machines'."""

    def router() -> zmq.Socket[Any]:
        s: zmq.Socket[Any] = context.socket(zmq.ROUTER)
        s.router_mandatory = True  # a client that is gone is an error, and so is noticed
        s.maxmsgsize = wire.MAX_BUFFER  # libzmq refuses a longer frame before it takes memory for it
        s.handshake_ivl = 10_000
        s.heartbeat_ivl, s.heartbeat_timeout = 10_000, 60_000
        s.sndhwm = 100_000  # messages, not bytes: pixels wait in mapped files
        s.linger = 1000
        return s

    local, remote = [], []
    if os.name == "posix":
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


def _address(s: zmq.Socket[Any]) -> str:
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


def _lock(runtime: Path) -> IO[bytes] | None:
    """The file whose lock says that a daemon lives; None if another has it. The system lets go of it in any case."""
    file = open(runtime / "daemon.lock", "ab")  # noqa: SIM115 (it is the caller's to close)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


if __name__ == "__main__":
    sys.exit(main())
