"""What clients say to the daemon, one method for each message of docs/protocol.md."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection
from typing import Any

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.version import PROTOCOL, __version__
from scumble_client.wire import Message

from .jobs import Client
from .pools.base import Pool
from .replies import Replies, one_line
from .result_store import ResultStore
from .scheduler import Scheduler
from .status import Settings, Status
from .submission import check_id, parse
from .weights_desk import WeightsDesk

log = logging.getLogger(__name__)


class Handlers:
    """Turns messages into events for the scheduler, and answers what the scheduler has no part in.

    `remote` are the sockets that other machines come in by; `stop` ends the daemon.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        replies: Replies,
        results: ResultStore,
        pool: Pool,
        settings: Settings,
        remote: Collection[zmq.Socket[Any]],
        stop: Callable[[], None],
        weights: WeightsDesk,
    ) -> None:
        self._scheduler, self._replies, self._results, self._pool = scheduler, replies, results, pool
        self._settings, self._remote, self._stop = settings, remote, stop
        self._status_of = Status(scheduler, results, pool, settings, weights)
        self._handlers: dict[str, Callable[[Client, Message], None]] = {
            "hello": self._hello,
            "operations": self._operations,
            "submit": self._submit,
            "buffers": self._buffers,
            "cancel": lambda client, message: scheduler.cancel(client, _job(message)),
            "fetch": self._fetch,
            "seen": lambda client, message: scheduler.seen(client, _job(message)),
            "received": lambda client, message: results.drop(_job(message)),
            "status": self._status,
            "shutdown": self._shutdown,
            **weights.handlers,
        }

    def handle(self, client: Client, message: Message) -> None:
        """Do what a message asks for. Raises ScumbleError, which is the answer then."""
        handler = self._handlers.get(message.type)
        if handler is None:
            raise ScumbleError(
                "bad_request",
                f"The daemon does not know the message “{message.type}”.",
                "Update Scumble and its plugin to the same version.",
            )
        handler(client, message)

    def _hello(self, client: Client, message: Message) -> None:
        name = one_line(message.body.get("client", "unknown"))[:80]
        log.info("hello from %s (pid %s)", name, one_line(message.body.get("pid"))[:20])
        first = self._replies.remember(client, name)
        self._replies.answer(
            client,
            message,
            "welcome",
            {
                "version": __version__,
                "protocol": PROTOCOL,
                "pid": os.getpid(),
                "log": str(self._settings.log_path),
                "limits": {"buffer": wire.MAX_BUFFER, "buffers": wire.MAX_BUFFERS, "body": wire.MAX_BODY},
                "warnings": self._settings.warnings,
            },
        )
        if first:
            self._pool.start()  # only now, so that the welcome did not wait for the worker's start
            threading.Thread(target=_import_operations, daemon=True).start()

    def _operations(self, client: Client, message: Message) -> None:
        from scumble.operations.registry import faults, operations

        described = [one.describe() for one in operations().values()]
        left_out = [fault.as_dict() for fault in faults()]
        self._replies.answer(client, message, "operations", {"operations": described, "faults": left_out})

    def _submit(self, client: Client, message: Message) -> None:
        from scumble.operations import find

        submission = parse(message.body)
        check_id(message.id)
        if message.id in self._results:
            raise ScumbleError("bad_request", "This job was submitted already.", "Give each job an id of its own.")
        self._scheduler.check_room(client, message.id)
        operation = find(submission.operation)
        operation.check_roles(list(submission.roles))
        operation.validate(submission.parameters)
        frames = submission.frames(message, self._believed(client))
        self._scheduler.submit(self._replies.named(client), message.id, submission, frames)

    def _buffers(self, client: Client, message: Message) -> None:
        job = _job(message)
        submission = self._scheduler.expects(client, job)
        if submission is None:
            return  # it was cancelled meanwhile
        try:
            frames = submission.frames(message, self._believed(client))
        except ScumbleError as error:
            self._scheduler.failed(job, error)
        else:
            self._scheduler.arrived(client, job, frames)

    def _believed(self, client: Client) -> bool:
        # A program of this user's, on this machine, is believed its names. From elsewhere, only the digest counts: a
        # wrong name would put its pixels into other people's jobs.
        return client.socket not in self._remote

    def _fetch(self, client: Client, message: Message) -> None:
        job = _job(message)
        client = self._replies.named(client)
        if self._scheduler.fetch(client, job):
            return
        if job not in self._results:
            raise ScumbleError(
                "bad_request",
                "The daemon has no such result any more.",
                "Run the operation again: same seed, same pixels.",
            )
        self._results.deliver(job, bool(message.body.get("pack")), lambda m: self._replies.result(client, job, m))

    def _status(self, client: Client, message: Message) -> None:
        stranger = client if client.socket in self._remote else None
        self._replies.answer(client, message, "status", self._status_of.describe(stranger))

    def _shutdown(self, client: Client, message: Message) -> None:
        if client.socket in self._remote:
            raise ScumbleError(
                "unauthorized", "Another machine can't stop this daemon.", "Run there, as its user: scumble stop"
            )
        log.info("asked to stop by %s", self._replies.named(client).name or "a client")
        self._replies.answer(client, message, "shutdown", {"pid": os.getpid()})
        self._stop()


def _job(message: Message) -> str:
    return str(message.body.get("job"))


def _import_operations() -> None:
    """Import them in the background, so that the first submission does not wait for pydantic and numpy."""
    from scumble.operations.registry import faults

    for fault in faults():
        log.warning("%s %s", one_line(fault.message), one_line(fault.hint))
