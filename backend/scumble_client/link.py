"""The background thread that owns a client's connection: finds or starts the daemon, sends, receives."""

import os
import platform
import selectors
import socket
import subprocess
import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, List, Optional, Set, Tuple, cast

from .errors import ScumbleError
from .launch import start_daemon
from .paths import Connection, runtime_dir
from .request import Request
from .version import __version__
from .wire import Buffer, Message, checksum, decode, encode
from .zmtp import Dealer, ZmtpError

START_TIMEOUT = 30.0
HELLO_TIMEOUT = 10.0

OnMessage = Callable[[Message], None]
OnState = Callable[[str, Optional[ScumbleError]], None]


class Link:
    """States: `off`, `starting` (a daemon), `connecting`, `ready`. Its thread runs from first use until `close`."""

    def __init__(self, name: str, launch: bool, on_message: OnMessage, on_state: OnState) -> None:
        self._name, self._launch = name, launch
        self._on_message, self._on_state = on_message, on_state
        self._lock = threading.Lock()
        self._outbox: Deque[Tuple[str, object]] = deque()
        self._requests: Dict[str, Request] = {}
        self._known: Set[bytes] = set()  # digests that the daemon has had from us over this connection
        self._thread: Optional[threading.Thread] = None
        self._closing = False
        self._state = "off"
        self._dealer: Optional[Dealer] = None
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._wanted = False

    # -- any thread

    def connect(self) -> None:
        self._post("connect", None)

    def send(self, message: Message) -> None:
        self._post("message", message)

    def submit(self, job_id: str, request: Request) -> None:
        self._post("submit", (job_id, request))

    def forget(self, job_id: str) -> None:
        self._requests.pop(job_id, None)

    @property
    def bytes_sent(self) -> int:
        return self._dealer.bytes_sent if self._dealer else 0

    def close(self) -> None:
        with self._lock:
            thread = self._thread
            self._closing = True
        if thread and thread is not threading.current_thread():
            self._wake()
            thread.join()
        elif not thread:
            self._wake_in.close()
            self._wake_out.close()

    def _post(self, kind: str, what: object) -> None:
        with self._lock:
            if self._closing:
                raise ScumbleError("unreachable", "The connection is closed.", "Open a new one.")
            self._outbox.append((kind, what))
            if not self._thread:
                self._thread = threading.Thread(target=self._run, name="scumble-link", daemon=True)
                self._thread.start()
        self._wake()

    def _wake(self) -> None:
        try:
            self._wake_out.send(b"!")
        except OSError:
            pass  # full: it will wake anyway; closed: it is over

    # -- the link's own thread

    def _run(self) -> None:
        try:
            while not self._closing:
                with self._lock:
                    wanted = bool(self._outbox)
                if not wanted:
                    self._pause(None)
                    continue
                try:
                    self._dealer = self._establish()
                    self._set_state("ready")
                    self._serve()
                    self._lost(None)
                except ZmtpError as error:
                    self._lost(_unreachable(str(error)))
                except ScumbleError as error:
                    self._lost(error)
        finally:
            if self._dealer:
                self._dealer.close()
            self._wake_in.close()
            self._wake_out.close()

    def _lost(self, error: Optional[ScumbleError]) -> None:
        ready = self._state == "ready"
        if self._dealer:
            self._dealer.close()
        self._known.clear()
        with self._lock:
            self._outbox.clear()
        # Where it was ready the jobs were lost by the daemon's end, and the client says that in its own words.
        self._set_state("off", None if ready else error)

    def _set_state(self, state: str, error: Optional[ScumbleError] = None) -> None:
        if state != self._state or error:
            self._state = state
            self._on_state(state, error)

    def _establish(self) -> Dealer:
        """A connection over which a daemon has said welcome. Raises ScumbleError."""
        connection = Connection.read()
        if connection:
            self._set_state("connecting")
            try:
                return self._greet(connection)
            except ZmtpError:
                pass  # a stale file: its daemon was killed, and its number went to another process
        if not self._launch:
            raise ScumbleError("unreachable", "The daemon is not running.", "Start it with: scumble serve")
        self._set_state("starting")
        before = connection
        child = start_daemon()
        threading.Thread(target=child.wait, daemon=True).start()  # or it would stay a zombie after its end
        end = time.monotonic() + START_TIMEOUT
        while not self._closing:
            connection = Connection.read()
            if connection and connection != before:
                try:
                    return self._greet(connection)
                except ZmtpError:
                    before = connection
            _check_alive(child)
            if time.monotonic() > end:
                raise _unreachable("it did not come up in time")
            self._pause(0.01)
        raise _unreachable("closed")

    def _greet(self, connection: Connection) -> Dealer:
        error: Optional[ZmtpError] = None
        for endpoint in connection.endpoints:
            try:
                return self._hello(endpoint, connection.token)
            except ZmtpError as failed:
                error = failed
        raise error or ZmtpError("no endpoint")

    def _hello(self, endpoint: str, token: str) -> Dealer:
        plain = ("scumble", token) if endpoint.startswith("tcp://") else None
        dealer = Dealer(endpoint, plain)
        try:
            host = {"client": self._name, "version": __version__, "python": platform.python_version()}
            hello = Message("hello", {**host, "pid": os.getpid()})
            dealer.send(encode(hello))
            end = time.monotonic() + HELLO_TIMEOUT
            while not self._closing:
                for frames in dealer.poll():
                    answer = decode(frames)
                    if answer.type == "error":
                        raise ScumbleError.from_dict(answer.body)
                    if answer.type == "welcome":
                        self._on_message(answer)
                        return dealer
                if time.monotonic() > end:
                    raise ZmtpError("no answer")
                self._pause(0.2, dealer)
            raise ZmtpError("closed")
        except BaseException:
            dealer.close()
            raise

    def _serve(self) -> None:
        """Send and receive until the connection ends (ZmtpError) or `close` is called."""
        dealer = self._dealer
        assert dealer
        while True:
            self._flush(dealer)
            for frames in dealer.poll():
                self._handle(dealer, frames)
            if self._closing:
                break
            self._pause(1.0, dealer)
        end = time.monotonic() + 1.0
        while dealer.wants_write and time.monotonic() < end:
            dealer.poll()
            self._pause(0.02, dealer)

    def _flush(self, dealer: Dealer) -> None:
        while True:
            with self._lock:
                if not self._outbox:
                    return
                kind, what = self._outbox.popleft()
            if kind == "message":
                assert isinstance(what, Message)
                dealer.send(encode(what))
            elif kind == "submit":
                job_id, request = cast(Tuple[str, Request], what)
                self._requests[job_id] = request
                buffers = request.buffers()
                fresh = {name: data for name, data in buffers.items() if name not in self._known}
                self._send_buffers(dealer, Message("submit", request.describe(), id=job_id), fresh)

    def _send_buffers(self, dealer: Dealer, message: Message, buffers: Dict[bytes, Buffer]) -> None:
        message.body["buffers"] = list(buffers)
        message.body["checks"] = [checksum(data) for data in buffers.values()]
        message.buffers = list(buffers.values())
        self._known.update(buffers)
        dealer.send(encode(message))

    def _handle(self, dealer: Dealer, frames: List[Buffer]) -> None:
        try:
            message = decode(frames)
        except ScumbleError:
            return  # a newer daemon's message, or noise; what it was about will time out or end otherwise
        try:
            self._take(dealer, message)
        except (ScumbleError, TypeError, ValueError, KeyError, AttributeError, OverflowError):
            pass  # noise, too: it must not end this thread, and with it every other job

    def _take(self, dealer: Dealer, message: Message) -> None:
        if message.type == "need":
            request = self._requests.get(str(message.body.get("job")))
            if request is None:
                return
            mine = request.buffers()
            wanted = {name: mine[name] for name in message.body.get("digests", []) if name in mine}
            self._send_buffers(dealer, Message("buffers", {"job": message.body["job"]}, parent=message.id), wanted)
        else:
            self._on_message(message)

    def _pause(self, timeout: Optional[float], dealer: Optional[Dealer] = None) -> None:
        """Sleep until the socket is ready, somebody posts something, or `timeout` seconds are over."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_in, selectors.EVENT_READ)
            if dealer and not dealer.closed:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if dealer.wants_write else 0)
                selector.register(dealer.fileno(), events)
            selector.select(timeout)
        try:
            while self._wake_in.recv(4096):
                pass
        except (BlockingIOError, InterruptedError):
            pass


def _unreachable(why: str) -> ScumbleError:
    return ScumbleError(
        "unreachable", f"The daemon can't be reached: {why}.", "Run this to see what is wrong: scumble doctor"
    )


def _check_alive(child: "subprocess.Popen[bytes]") -> None:
    """Raise what the daemon said where it ended with an error. Ending with 0 means that another one was quicker."""
    code = child.poll()
    if code in (None, 0):
        return
    said = ""
    try:
        with open(runtime_dir() / "start.log", encoding="utf-8", errors="replace") as file:
            said = file.read()[-2000:].strip().splitlines()[-1]
    except (OSError, IndexError):
        pass
    raise ScumbleError(
        "unreachable",
        said or f"The daemon ended at once, with code {code}.",
        "Run this to see what is wrong: scumble doctor",
    )
