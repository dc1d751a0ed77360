"""The background thread that owns a client's connection: finds or starts the daemon, sends, receives."""

import os
import platform
import selectors
import socket
import subprocess
import threading
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Protocol, Sequence, Set

from .errors import ScumbleError
from .launch import start_daemon
from .paths import ConnectionFile, check_endpoint, runtime_dir
from .request import Request
from .version import __version__
from .wire import Buffer, Message, checksum, decode, encode, kind_and_parent
from .zmtp import Dealer, ZmtpError

START_TIMEOUT = 30.0
HELLO_TIMEOUT = 10.0

WITHOUT_ANSWER = ("received", "cancel", "seen", "cancel_weights")
"""Messages that nobody waits for: where no daemon runs they have nothing to say, and are dropped."""

TO_A_RUNNING_DAEMON = (*WITHOUT_ANSWER, "status", "shutdown")
"""Messages that mean nothing to a daemon that has just begun: none is started for them."""

OnMessage = Callable[[Message], None]
OnState = Callable[[str, Optional[ScumbleError]], None]


class Connection(Protocol):
    """What a link needs of a connection: `zmtp.Dealer` is one, with the same errors; libzmq's to another machine is the other."""

    bytes_sent: int

    @property
    def closed(self) -> bool:
        """Whether it has ended, by whichever side."""

    @property
    def wants_write(self) -> bool:
        """Whether something waits until the socket can be written."""

    def fileno(self) -> int:
        """What a selector watches."""

    def send(self, frames: Sequence[Buffer]) -> None:
        """Send a message, or keep it until it can be sent."""

    def poll(self) -> List[List[Buffer]]:
        """Read and write what can be, without waiting; the messages that have come whole."""

    def close(self) -> None:
        """End it; a second time does nothing."""


class _Outgoing:
    """What waits to be sent: a message that is packed already, a request, or (`connect`) a mere wish."""

    def __init__(
        self, kind: str, name: str = "", frames: Sequence[Buffer] = (), request: Optional[Request] = None, job: str = ""
    ) -> None:
        self.kind = kind
        self.name = name
        self.frames = frames
        self.request = request
        self.job = job


class Link:
    """States: `off`, `starting` (a daemon), `connecting`, `ready`. Its thread runs from first use until `close`."""

    def __init__(
        self,
        name: str,
        launch: bool,
        on_message: OnMessage,
        on_state: OnState,
        dial: Optional[Callable[[], Connection]] = None,
    ) -> None:
        self._name, self._launch, self._dial = name, launch, dial
        self._on_message, self._on_state = on_message, on_state
        self._lock = threading.Lock()
        self._outbox: Deque[_Outgoing] = deque()
        self._requests: Dict[str, Request] = {}
        self._known: Set[bytes] = set()  # digests that the daemon has had from us over this connection
        self._thread: Optional[threading.Thread] = None
        self._closing = False
        self._state = "off"
        self._dealer: Optional[Connection] = None
        try:
            self._wake_in, self._wake_out = socket.socketpair()
        except OSError as error:
            raise _no_room(error) from error
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)

    # -- any thread

    def connect(self) -> None:
        """Connect as soon as possible. Raises ScumbleError `unreachable` after `close`, as all that follow."""
        self._post(_Outgoing("connect"))

    def send(self, message: Message) -> None:
        """Send a message as it is now. Raises ScumbleError `bad_request` for what can't be packed."""
        try:
            frames = encode(message)
        except Exception as error:
            raise unsendable(error) from error
        job = message.body.get("job")
        self._post(_Outgoing(message.type, message.id, frames, job=job if isinstance(job, str) else ""))

    def submit(self, job_id: str, request: Request) -> None:
        """Send a request, with those of its layers that the daemon lacks."""
        self._post(_Outgoing("submit", job_id, request=request, job=job_id))

    def forget(self, job_id: str) -> None:
        """A job has ended: its layers need not be kept for it, nor its request be sent any more."""
        self._requests.pop(job_id, None)
        with self._lock:
            for waiting in [one for one in self._outbox if one.request and one.name == job_id]:
                self._outbox.remove(waiting)

    @property
    def bytes_sent(self) -> int:
        """Bytes written to the daemon over the present connection."""
        dealer = self._dealer
        return dealer.bytes_sent if dealer else 0

    def close(self) -> None:
        """End the connection and the thread; what waits to be sent is sent for at most a second."""
        with self._lock:
            thread = self._thread
            self._closing = True
        if thread and thread is not threading.current_thread():
            self._wake()
            thread.join()
        elif not thread:
            self._wake_in.close()
            self._wake_out.close()

    def _post(self, what: _Outgoing) -> None:
        with self._lock:
            if self._closing:
                raise _closed()
            if not self._thread:
                thread = threading.Thread(target=self._run, name="scumble-link", daemon=True)
                self._thread = thread
                try:
                    thread.start()
                except RuntimeError as error:
                    self._thread = None
                    raise _no_room(error) from error
            self._outbox.append(what)
        self._wake()

    def _wake(self) -> None:
        try:
            self._wake_out.send(b"!")
        except OSError:
            pass  # full: it will wake anyway; closed: it is over

    # -- the link's own thread

    def _run(self) -> None:
        failure = _closed()
        try:
            while not self._closing:
                if self._outbox:
                    self._connect_and_serve()
                else:
                    self._pause(None)
        except BaseException as error:  # this thread ends, and the next message starts another
            failure = _broken(error)
            self._lost(failure, said=True)
            if not isinstance(error, Exception):
                raise
        finally:
            with self._lock:  # from here on, what is posted is the next thread's
                self._thread = None
                late, closing = self._taken_out(), self._closing
            for what in late:
                self._refuse(what, failure)
            if closing:
                self._wake_in.close()
                self._wake_out.close()

    def _connect_and_serve(self) -> None:
        try:
            self._dealer = self._establish()
            if self._dealer:
                self._set_state("ready")
                self._serve(self._dealer)
                self._lost(None)
        except ZmtpError as error:
            self._lost(_unreachable(str(error)))
        except ScumbleError as error:
            self._lost(error)
        except (
            Exception
        ) as error:  # a system that refuses, or a defect: what waits is told, the next message begins anew
            self._lost(_broken(error), said=True)

    def _lost(self, error: Optional[ScumbleError], said: bool = False) -> None:
        ready = self._state == "ready"
        if self._dealer:
            self._dealer.close()
        self._known.clear()
        with self._lock:
            waiting = self._taken_out()
        # Where it was ready the jobs were lost by the daemon's end, and the client says that in its own words.
        error = None if ready and not said else error
        self._set_state("off", error)
        for what in waiting:  # what was posted while the others were told
            self._refuse(what, error or _unreachable("it went away"))

    def _taken_out(self) -> List[_Outgoing]:
        """All that waits to be sent, which then waits no more. The caller holds the lock."""
        waiting = list(self._outbox)
        self._outbox.clear()
        return waiting

    def _refuse(self, what: _Outgoing, error: ScumbleError) -> None:
        """Tell whoever waits for an answer to this that none will come."""
        if what.kind == "connect" or what.kind in WITHOUT_ANSWER:
            return
        body: Dict[str, Any] = {**error.as_dict(), **({"job": what.job} if what.job else {})}
        self._on_message(Message("error", body, parent=what.name))

    def _set_state(self, state: str, error: Optional[ScumbleError] = None) -> None:
        if state != self._state or error:
            self._state = state
            self._on_state(state, error)

    def _establish(self) -> Optional[Connection]:
        """A connection over which a daemon has said welcome; it is started where it has to be.

        None where no daemon runs, and nothing waits that one would be started for. Raises ScumbleError.
        """
        if self._dial:
            self._set_state("connecting")
            return self._hello(self._dial())
        connection = ConnectionFile.read()
        if connection:
            self._set_state("connecting")
            try:
                return self._greet(connection)
            except ZmtpError:
                pass  # a stale file: its daemon was killed, and its number went to another process
        with self._lock:
            launch = any(one.kind not in TO_A_RUNNING_DAEMON for one in self._outbox)
            pointless = [] if launch else self._taken_out()
        if not launch:
            for what in pointless:
                self._refuse(what, _not_running())
            self._set_state("off")
            return None
        if not self._launch:
            raise _not_running()
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
        raise _closed()

    def _greet(self, connection: ConnectionFile) -> Connection:
        error: Optional[ZmtpError] = None
        for endpoint in connection.endpoints:
            check_endpoint(endpoint)
            plain = ("scumble", connection.token) if endpoint.startswith("tcp://") else None
            try:
                return self._hello(Dealer(endpoint, plain))
            except ZmtpError as failed:
                error = failed
        raise error or ZmtpError("no endpoint")

    def _hello(self, dealer: Connection) -> Connection:
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

    def _serve(self, dealer: Connection) -> None:
        """Send and receive until the connection ends (ZmtpError) or `close` is called."""
        while not self._closing:
            self._flush(dealer)
            for frames in dealer.poll():
                self._handle(dealer, frames)
            if not self._closing:
                self._pause(1.0, dealer)
        self._flush(dealer)  # what was said just before the end
        end = time.monotonic() + 1.0
        while dealer.wants_write and time.monotonic() < end:
            dealer.poll()
            self._pause(0.02, dealer)

    def _flush(self, dealer: Connection) -> None:
        while True:
            with self._lock:
                if not self._outbox:
                    return
                what = self._outbox.popleft()
            try:
                frames = self._of_submit(what.name, what.request) if what.request else what.frames
                if frames:
                    dealer.send(frames)
            except ZmtpError as error:
                self._refuse(what, _unreachable(str(error)))
                raise
            except Exception as error:  # whatever its sender has put into it: only that one request fails
                self._refuse(what, unsendable(error))

    def _of_submit(self, job_id: str, request: Request) -> List[Buffer]:
        buffers = request.buffers()
        fresh = {name: data for name, data in buffers.items() if name not in self._known}
        frames = self._with_buffers(Message("submit", request.describe(), id=job_id), fresh)
        self._requests[job_id] = request
        return frames

    def _with_buffers(self, message: Message, buffers: Dict[bytes, Buffer]) -> List[Buffer]:
        message.body["buffers"] = list(buffers)
        message.body["checks"] = [checksum(data) for data in buffers.values()]
        message.buffers = list(buffers.values())
        frames = encode(message)
        self._known.update(buffers)
        return frames

    def _handle(self, dealer: Connection, frames: List[Buffer]) -> None:
        try:
            message = decode(frames)
        except ScumbleError:
            kind, parent = kind_and_parent(frames)
            if parent and kind not in (
                "accepted",
                "progress",
                "preview",
            ):  # the last word about something: none will follow
                self._on_message(Message("error", UNREADABLE.as_dict(), parent=parent))
            return
        try:
            if message.type == "need":
                self._give(dealer, message)
            else:
                self._on_message(message)
        except Exception:
            pass  # noise: it must not end this thread, and with it every other job

    def _give(self, dealer: Connection, need: Message) -> None:
        """Send the layers that the daemon asks for. What can't be given ends the job: it would wait for ever."""
        job_id = str(need.body.get("job"))
        request = self._requests.get(job_id)
        if request is None:
            return
        try:
            mine = request.buffers()
            answer = Message("buffers", {"job": job_id}, parent=need.id)
            frames = self._with_buffers(answer, {name: mine[name] for name in need.body["digests"]})
        except Exception as error:
            failed = UNREADABLE if isinstance(error, (KeyError, TypeError)) else unsendable(error)
            dealer.send(encode(Message("cancel", {"job": job_id})))
            self._on_message(Message("error", {**failed.as_dict(), "job": job_id}))
            return
        dealer.send(frames)

    def _pause(self, timeout: Optional[float], dealer: Optional[Connection] = None) -> None:
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


def _closed() -> ScumbleError:
    return ScumbleError("unreachable", "The connection is closed.", "Open a new one.")


def _not_running() -> ScumbleError:
    return ScumbleError("unreachable", "The daemon is not running.", "Start it with: scumble serve")


UNREADABLE = ScumbleError(
    "bad_request",
    "The daemon's answer can't be read.",
    "Update Scumble and its plugin to the same version, then restart the daemon with: scumble stop",
)
"""What a message of the peer's costs that is about a job or a call, and makes no sense."""


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


def _no_room(error: Exception) -> ScumbleError:
    return ScumbleError(
        "unreachable", f"This program can't do more at once: {error}.", "Close something, and try again."
    )


def unsendable(error: Exception) -> ScumbleError:
    """Whatever went wrong while a request was packed, as `bad_request`; a ScumbleError stays as it is."""
    if isinstance(error, ScumbleError):
        return error
    return ScumbleError(
        "bad_request",
        f"This request can't be sent: {str(error) or type(error).__name__}.",
        "Parameters are numbers, texts, and lists and maps of them; layers must stay open until they are sent.",
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
