"""The client: jobs in, layers out. It runs beside the editor's own thread and never makes it wait.

One background thread owns the connection; what an editor calls from its event loop returns at once:

    client = Client("krita 5.2")
    job = client.submit(Request("inpaint", {"image": pixels, "mask": selection}))
    ...                                  # from a timer, every 20 ms or so:
    for event in client.poll():
        if event.kind == "result":
            ...                          # event.job.result.layers; put them into the document, then
            client.received(event.job)   # the daemon may forget it

A script that wants to wait says so: `client.wait(job)`.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, List, Optional

from .errors import ScumbleError
from .fetching import Fetch
from .link import UNREADABLE, Connection, Link, unsendable
from .request import Pixels, Request, Result
from .wire import Message, attached, checksums, new_id, verify

_GONE = ScumbleError(
    "unreachable", "The daemon went away before the job was finished.", "Run it again: Scumble starts a new daemon."
)

_FETCH_GONE = ScumbleError(
    "unreachable", "The daemon went away before the file was here.", "Get it again: it goes on where it was."
)


class Job:
    """One request on its way. `state` goes waiting → queued → running → done or failed."""

    def __init__(self, request: Optional[Request], job_id: str) -> None:
        self.id = job_id
        self.request = request
        self.state = "waiting"
        self.position = 0
        self.fraction = 0.0
        self.message = ""
        self.preview: Optional[Pixels] = None
        self.result: Optional[Result] = None
        self.error: Optional[ScumbleError] = None
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether there is a result or an error."""
        return self._ended.is_set()


@dataclass(frozen=True)
class Event:
    """Something that an editor shows: kind is `state` (of the connection), `progress`, `preview`, `result`, `error` or `fetch`."""

    kind: str
    job: Optional[Job] = None
    state: str = ""
    error: Optional[ScumbleError] = None
    fetch: Optional[Fetch] = None


class Client:
    """The connection to this machine's daemon, which it starts when there is none.

    Parameters
    ----------
    name
        Who is asking, for the daemon's log: "krita 5.2.9".
    launch
        Whether to start the daemon where there is none.
    wake
        Called from any thread when `poll` would return something; it must only signal the event loop.
    dial
        Begins a connection to a daemon elsewhere, in place of this machine's own; see `link.Connection`.
    """

    def __init__(
        self,
        name: str,
        launch: bool = True,
        wake: Optional[Callable[[], None]] = None,
        dial: Optional[Callable[[], Connection]] = None,
    ) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._jobs: Dict[str, Job] = {}
        self._calls: Dict[str, "_Call"] = {}
        self._fetches: Dict[str, Fetch] = {}
        self._events: Deque[Event] = deque()
        self.state = "off"
        self.welcome: Dict[str, Any] = {}
        self._link = Link(name, launch, self._on_message, self._on_state, dial)

    # -- what returns at once

    def connect(self) -> None:
        """Connect now (and start the daemon if needed), so that the first job need not wait for it."""
        self._link.connect()

    def submit(self, request: Request) -> Job:
        """Send a request, with its parameters as they are now.

        Errors arrive as events (and in `job.error`), also those of connecting; what can't be sent has failed on return. Raises
        ScumbleError `unreachable` after `close`, as all that follow.
        """
        job = Job(request, new_id())
        try:
            request = request.copied()
        except Exception as error:  # whatever there is in it: it costs this request alone
            self._end(job, error=unsendable(error))
            return job
        with self._lock:
            self._jobs[job.id] = job
        self._posted(job, lambda: self._link.submit(job.id, request))
        return job

    def fetch(self, job_id: str) -> Job:
        """Ask for the result of a job again: of an earlier connection, perhaps of an editor that crashed."""
        job = Job(None, job_id)
        with self._lock:
            self._jobs[job.id] = job
        self._posted(job, lambda: self._link.send(Message("fetch", {"job": job_id})))
        return job

    def _posted(self, job: Job, post: Callable[[], None]) -> None:
        """Post what a job waits for; what can't be posted is no job."""
        try:
            post()
        except BaseException:
            with self._lock:
                self._jobs.pop(job.id, None)
            raise

    def cancel(self, job: Job) -> None:
        """Ask for the job's end. It ends with the error `cancelled`, or with its result if that was quicker."""
        self._link.send(Message("cancel", {"job": job.id}))

    def received(self, job: Job) -> None:
        """Say that the result is safe here, so that the daemon may forget it."""
        self._link.send(Message("received", {"job": job.id}))

    def get_weights(self, name: str, accepted: bool = False) -> Fetch:
        """Have an entry of the weights' manifest fetched to where the work is done; `accepted`: its non-commercial licence is.

        Events of the kind `fetch` say how far it is. It goes on when this client is closed.
        """
        return self._fetch(name, Message("get_weights", {"weights": name, "accepted": accepted}))

    def add_weights(self, folder: str) -> Fetch:
        """Have a folder of the daemon's machine looked through for files of weights."""
        return self._fetch("", Message("add_weights", {"folder": folder}))

    def cancel_weights(self, fetch: Fetch, keep: bool = False) -> None:
        """Take that back. It is ended where nobody else has asked for it; with `keep` it goes on unheard."""
        if keep:
            with self._lock:
                self._fetches.pop(fetch.asked, None)
        self._link.send(Message("cancel_weights", {"get": fetch.asked, "keep": keep}))

    def _fetch(self, name: str, message: Message) -> Fetch:
        fetch = Fetch(name, message.id)
        with self._lock:
            self._fetches[message.id] = fetch
        try:
            self._link.send(message)
        except BaseException:
            with self._lock:
                self._fetches.pop(message.id, None)
            raise
        return fetch

    def poll(self) -> List[Event]:
        """What has happened since the last call."""
        with self._lock:
            events = list(self._events)
            self._events.clear()
        return events

    @property
    def bytes_sent(self) -> int:
        """Bytes written to the daemon over the present connection."""
        return self._link.bytes_sent

    def close(self) -> None:
        """End the connection; what is queued to be sent is sent for at most a second. Jobs are left to the daemon."""
        self._link.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what waits, for scripts

    def wait(
        self, job: Job, timeout: Optional[float] = None, progress: Optional[Callable[[Job], None]] = None
    ) -> Result:
        """Wait for a job's result; `progress` is called whenever something changed, a few times a second at most.

        Raises ScumbleError: the job's own error, or `unreachable` after `timeout` seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not job._ended.wait(0.05 if progress else _left(end)):
            if progress:
                progress(job)
            if end is not None and time.monotonic() > end:
                raise ScumbleError("unreachable", "The daemon did not finish in time.", "Look at: scumble status")
        if job.error:
            raise job.error
        assert job.result
        return job.result

    def call(self, kind: str, body: Optional[Dict[str, Any]] = None, timeout: float = 30.0) -> Message:
        """Send a message and wait for its answer (`operations`, `status`, `shutdown`).

        Only `operations` starts a daemon; the others are for one that runs. `timeout` is in seconds.

        Raises ScumbleError: the daemon's, `bad_request` for a body that can't be sent, `unreachable`.
        """
        return self.call_raw(Message(kind, body or {}), timeout)

    def call_raw(self, message: Message, timeout: float = 30.0) -> Message:
        """The same for a message that the caller has made."""
        call = _Call()
        with self._lock:
            self._calls[message.id] = call
        try:
            self._link.send(message)
            answered = call.done.wait(timeout)
        finally:
            with self._lock:
                self._calls.pop(message.id, None)
        if not answered:
            raise ScumbleError("unreachable", "The daemon does not answer.", "Run: scumble stop; then try again.")
        if isinstance(call.answer, ScumbleError):
            raise call.answer
        assert isinstance(call.answer, Message)
        return call.answer

    # -- called by the link's thread

    def _on_state(self, state: str, error: Optional[ScumbleError]) -> None:
        self.state = state
        with self._lock:
            lost = [job for job in self._jobs.values() if not job.ended] if state == "off" else []
            calls = list(self._calls.values()) if state == "off" else []
            fetches = list(self._fetches.values()) if state == "off" else []
            if state == "off":
                self._calls.clear()
                self._fetches.clear()
        for call in calls:
            call.finish(error or _GONE)
        for fetch in fetches:
            fetch.end(error or _FETCH_GONE)
            self._emit(Event("fetch", fetch=fetch, error=fetch.error))
        for job in lost:
            self._end(job, error=error or _GONE)
        self._emit(Event("state", state=state, error=error))

    def _on_message(self, message: Message) -> None:
        with self._lock:
            call = self._calls.pop(message.parent or "", None)
            fetch = self._fetches.get(message.parent or "")
            if fetch and message.type != "weights_progress":
                del self._fetches[message.parent or ""]
            job = self._jobs.get(str(message.body.get("job") or message.parent or ""))
        if message.type == "welcome":
            self.welcome = message.body
        elif call:
            failed = message.type == "error"
            call.finish(ScumbleError.from_dict(message.body) if failed else message)
        elif fetch:
            fetch.take(message)
            self._emit(Event("fetch", fetch=fetch, error=fetch.error))
        elif job is None or job.ended:
            pass  # of a job that this client gave up
        elif message.type == "accepted":
            job.state, job.position = "queued", int(message.body.get("position", 0))
            self._emit(Event("progress", job))
        elif message.type == "progress":
            job.state = "running"
            job.fraction = float(message.body.get("fraction", 0.0))
            job.message = str(message.body.get("message", ""))
            self._emit(Event("progress", job))
        elif message.type == "preview":
            try:
                job.preview = Pixels.from_description(message.body["pixels"], attached(message))
            except (KeyError, TypeError, ScumbleError):
                return  # a picture that is only for looking at is not worth an error
            self._link.send(Message("seen", {"job": job.id}))
            self._emit(Event("preview", job))
        elif message.type == "result":
            try:
                buffers = attached(message)
                checks = checksums(message)
                for name, buffer in buffers.items():
                    verify(name, buffer, checks.get(name))
                self._end(job, result=Result.from_body(message.body, buffers))
            except ScumbleError as error:
                self._end(job, error=error)
            except Exception:  # it came, and will not come again
                self._end(job, error=UNREADABLE)
        elif message.type == "error":
            self._end(job, error=ScumbleError.from_dict(message.body))

    def _end(self, job: Job, result: Optional[Result] = None, error: Optional[ScumbleError] = None) -> None:
        job.result, job.error = result, error
        job.state = "failed" if error else "done"
        if not error:
            job.fraction = 1.0
        with self._lock:
            self._jobs.pop(job.id, None)
        self._link.forget(job.id)
        self._emit(Event("error" if error else "result", job, error=error))
        job._ended.set()

    def _emit(self, event: Event) -> None:
        with self._lock:
            if len(self._events) > 10_000:  # nobody polls: a script that only waits
                self._events.popleft()
            self._events.append(event)
        if self._wake:
            try:
                self._wake()
            except Exception:  # an event loop that has ended: nothing is left to be woken, and the connection goes on
                pass


class _Call:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.answer: Any = None

    def finish(self, answer: Any) -> None:
        self.answer = answer
        self.done.set()


def _left(end: Optional[float]) -> Optional[float]:
    return None if end is None else max(0.0, end - time.monotonic())
