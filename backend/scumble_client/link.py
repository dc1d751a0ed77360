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
from .paths import ConnectionFile, check_endpoint, runtime_dir
from .request import Request
from .version import __version__
from .wire import Buffer, Message, checksum, decode, encode
from .zmtp import Dealer, ZmtpError

START_TIMEOUT = 30.0
HELLO_TIMEOUT = 10.0

TO_A_RUNNING_DAEMON = ("received", "cancel", "seen", "shutdown")
"""Messages that mean nothing to a daemon that is not there: none is started for them."""

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
                thread = threading.Thread(target=self._run, name="scumble-link", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:
                    self._outbox.clear()
                    raise ScumbleError(
                        "unreachable",
                        f"This program can't do more at once: {error}.",
                        "Close something, and try again.",
                    ) from error
                self._thread = thread
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
                    wanted = list(self._outbox)
                if wanted:
                    self._connect_and_serve(launch=self._launch and any(map(_wants_a_daemon, wanted)))
                else:
                    self._pause(None)
        except (
            BaseException
        ) as error:  # this thread ends: nobody may go on waiting for it, and the next message starts another
            with self._lock:
                self._thread = None
            self._lost(_broken(error), said=True)
            if not isinstance(error, Exception):
                raise
        finally:
            if self._closing:
                if self._dealer:
                    self._dealer.close()
                self._wake_in.close()
                self._wake_out.close()

    def _connect_and_serve(self, launch: bool) -> None:
        try:
            self._dealer = self._establish(launch)
            self._set_state("ready")
            self._serve()
            self._lost(None)
        except ZmtpError as error:
            self._lost(_unreachable(str(error)))
        except ScumbleError as error:
            self._lost(error)
        except (
            Exception
        ) as error:  # a system that refuses, or a defect: what waits is told, and the next message begins anew
            self._lost(_broken(error), said=True)

    def _lost(self, error: Optional[ScumbleError], said: bool = False) -> None:
        ready = self._state == "ready"
        if self._dealer:
            self._dealer.close()
        self._known.clear()
        with self._lock:
            self._outbox.clear()
        # Where it was ready the jobs were lost by the daemon's end, and the client says that in its own words.
        self._set_state("off", None if ready and not said else error)

    def _set_state(self, state: str, error: Optional[ScumbleError] = None) -> None:
        if state != self._state or error:
            self._state = state
            self._on_state(state, error)

    def _establish(self, launch: bool) -> Dealer:
        """A connection over which a daemon has said welcome; with `launch`, of one that is started. Raises ScumbleError."""
        connection = ConnectionFile.read()
        if connection:
            self._set_state("connecting")
            try:
                return self._greet(connection)
            except ZmtpError:
                pass  # a stale file: its daemon was killed, and its number went to another process
        if not launch:
            raise ScumbleError("unreachable", "The daemon is not running.", "Start it with: scumble serve")
        self._set_state("starting")
        before = connection
        child = start_daemon()
        threading.Thread(target=child.wait, daemon=True).start()  # or it would stay a zombie after its end
        end = time.monotonic() + START_TIMEOUT
        while not self._closing:
            connection = ConnectionFile.read()
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

    def _greet(self, connection: ConnectionFile) -> Dealer:
        error: Optional[ZmtpError] = None
        for endpoint in connection.endpoints:
            check_endpoint(endpoint)
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
            try:
                frames = self._frames(kind, what)
            except Exception as error:  # whatever its sender has put into it: only that one request fails
                name = what.id if isinstance(what, Message) else cast(Tuple[str, Request], what)[0]
                self._on_message(Message("error", _unsendable(error).as_dict(), parent=name))
                continue
            if frames:
                dealer.send(frames)

    def _frames(self, kind: str, what: object) -> List[Buffer]:
        """What is to be sent; none for a mere wish to be connected. Raises whatever is wrong with what was given."""
        if kind == "message":
            assert isinstance(what, Message)
            return encode(what)
        if kind == "submit":
            job_id, request = cast(Tuple[str, Request], what)
            buffers = request.buffers()
            fresh = {name: data for name, data in buffers.items() if name not in self._known}
            frames = self._with_buffers(Message("submit", request.describe(), id=job_id), fresh)
            self._requests[job_id] = request
            return frames
        return []

    def _with_buffers(self, message: Message, buffers: Dict[bytes, Buffer]) -> List[Buffer]:
        message.body["buffers"] = list(buffers)
        message.body["checks"] = [checksum(data) for data in buffers.values()]
        message.buffers = list(buffers.values())
        frames = encode(message)
        self._known.update(buffers)
        return frames

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
            answer = Message("buffers", {"job": message.body["job"]}, parent=message.id)
            dealer.send(self._with_buffers(answer, wanted))
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


def _broken(error: BaseException) -> ScumbleError:
    return ScumbleError(
        "unreachable",
        f"The connection to the daemon broke: {str(error) or type(error).__name__}.",
        "Run it again; if it happens again, run: scumble doctor",
    )


def _unsendable(error: Exception) -> ScumbleError:
    if isinstance(error, ScumbleError):
        return error
    return ScumbleError(
        "bad_request",
        f"This request can't be sent: {str(error) or type(error).__name__}.",
        "Parameters are numbers, texts, and lists and maps of them; layers must stay open until they are sent.",
    )


def _wants_a_daemon(posted: Tuple[str, object]) -> bool:
    _, what = posted
    return not (isinstance(what, Message) and what.type in TO_A_RUNNING_DAEMON)


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
