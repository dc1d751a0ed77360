"""Starting the daemon: one per user, found through the connection file. `scumble serve` is the same thing."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import IO, Any, NoReturn

import zmq

from scumble_client.errors import ScumbleError
from scumble_client.paths import ConnectionFile, config_dir
from scumble_client.system import sockets
from scumble_client.system.locks import try_lock
from scumble_client.version import PROTOCOL, __version__

from . import running, saved_options, security
from .broker import Broker
from .buffer_files import BufferFiles
from .folders import Folders, open_log, prepare
from .handshake_monitor import HandshakeMonitor
from .pools import options as pool_options
from .removal import Remover
from .sockets import address, bind
from .spool import Spool
from .status import Settings
from .weights_desk import ALL, LOCAL, NONE

log = logging.getLogger("scumble.daemon")

GIB = 1024**3
START_PATIENCE = 20.0
"""Seconds that a daemon which is starting has to say what it was given."""


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
    p.add_argument(
        "--get-weights",
        choices=(ALL, LOCAL, NONE),
        default=ALL,
        help="who may have published weights downloaded here: all whom it serves, programs on this machine, nobody",
    )
    pool_options.add_options(p)
    p.add_argument(saved_options.REMEMBER, action="store_true", help="these options hold for every later start, too")
    p.add_argument(saved_options.FORGET, action="store_true", help="forget what was remembered")
    p.add_argument(saved_options.PLAIN, action="store_true", help="take no notice of what was remembered, this once")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run until stopped. 0 also where another such daemon is running already; 2 with one line on stderr otherwise."""
    try:
        options = parser().parse_args(saved_options.arguments(sys.argv[1:] if arguments is None else arguments))
        pool_options.check(options)
        wanted = running.given(options, parser().parse_args([]))
        for name in ("remember", "forget", "plain"):
            wanted.pop(name, None)
        os.umask(0o077)  # whatever this process and its workers write is its user's alone
        folders = prepare()
        try:
            lock = _lock_or_leave(folders.runtime, wanted)
            if lock is None:
                print("A daemon is already running.", file=sys.stderr)
                return 0
            with lock:
                _serve(options, wanted, folders)
        finally:
            folders.leave()
    except ScumbleError as error:
        print(str(error), file=sys.stderr)
        return 2
    return 0


def _lock_or_leave(runtime: Path, wanted: dict[str, Any]) -> IO[bytes] | None:
    """The lock; None where another daemon has it that does what is wanted. Raises ScumbleError where it does not.

    Two clients may start a daemon at once, with the same options: then the other may not have written its own yet.
    """
    end = time.monotonic() + START_PATIENCE
    while (lock := _lock(runtime)) is None and wanted:
        theirs = running.options_of_running(runtime)
        if theirs is not None or time.monotonic() > end:
            running.check_same(wanted, theirs or {})
            break
        time.sleep(0.05)
    return lock


def _serve(options: argparse.Namespace, wanted: dict[str, Any], folders: Folders) -> None:
    open_log(folders.log)
    log.info("Scumble %s starts, pid %s", __version__, os.getpid())
    for warning in folders.warnings:
        log.warning(warning)
    keys = security.Keys(config_dir() / "keys")
    for endpoint in options.listen:
        security.check_listen(endpoint, keys)
    context: zmq.Context[Any] = zmq.Context()
    by_folder = sockets.lie_in_folders()
    token, worker_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    authenticator = None
    if options.loopback or options.listen or not by_folder:
        passwords = {security.LOOPBACK_DOMAIN: {"scumble": token}, security.WORKER_DOMAIN: {"worker": worker_token}}
        authenticator = security.start_authenticator(context, passwords, keys)
    try:
        local, remote = bind(context, folders.runtime, options.loopback or not by_folder, options.listen, keys)
        endpoints = [address(s) for s in local]
        remover = Remover()
        spool = Spool(folders.results, int(options.spool_size * GIB), remover)
        pool = pool_options.choose(options, context, folders, [spool.folder, folders.memory], worker_token)
        files = BufferFiles([folders.memory, folders.overflow], remover)
        settings = Settings(
            options.idle_exit * 60 or float("inf"),
            folders.log,
            folders.warnings,
            endpoints + [address(s) for s in remote],
            options.pool,
            int(options.buffer_size * GIB),
            options.get_weights,
        )
        broker = Broker(local, remote, pool, files, spool, remover, settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: broker.stop())
        signal.set_wakeup_fd(broker.signal_fd, warn_on_full_buffer=False)
        path = ConnectionFile(
            endpoints,
            os.getpid(),
            __version__,
            PROTOCOL,
            token,
            str(folders.log),
            time.time(),
            {"options": wanted},
        ).write(folders.runtime)
        monitor = HandshakeMonitor([s for s in local + remote if address(s).startswith("tcp:")])
        try:
            broker.serve()
        finally:
            with contextlib.suppress(OSError):  # on Windows somebody may be reading it; it is known by its dead process
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


def _lock(runtime: Path) -> IO[bytes] | None:
    """The file whose lock says that a daemon lives; None if another has it. The system lets go of it in any case."""
    file = open(runtime / "daemon.lock", "ab")  # noqa: SIM115 (it is the caller's to close)
    if not try_lock(file.fileno()):
        file.close()
        return None
    return file


if __name__ == "__main__":
    sys.exit(main())
