"""What clients say to the broker, one method for each message of docs/protocol.md."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.version import PROTOCOL, __version__
from scumble_client.wire import Message

from .jobs import Client, Job
from .replies import one_line
from .status import describe
from .submission import check_id, parse

if TYPE_CHECKING:
    from .broker import Broker

log = logging.getLogger(__name__)

MAX_JOBS = 20_000
MAX_OF_ONE = 5_000
"""Jobs of one client, so that the others' still find room."""


class Messages:
    """The broker's ear."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self._handlers: dict[str, Callable[[Client, Message], None]] = {
            "hello": self._hello,
            "operations": self._operations,
            "submit": self._submit,
            "buffers": self._buffers,
            "cancel": self._cancel,
            "fetch": self._fetch,
            "seen": self._seen,
            "received": self._received,
            "status": self._status,
            "shutdown": self._shutdown,
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
        self.broker.replies.remember(client, name)
        self.broker.replies.answer(
            client,
            message,
            "welcome",
            {
                "version": __version__,
                "protocol": PROTOCOL,
                "pid": os.getpid(),
                "log": str(self.broker.settings.log_path),
                "limits": {"buffer": wire.MAX_BUFFER, "buffers": wire.MAX_BUFFERS, "body": wire.MAX_BODY},
                "warnings": self.broker.settings.warnings,
            },
        )
        if len(self.broker.replies.names) == 1:
            self.broker.pool.start()  # only now, so that the welcome did not wait for the worker's start
            threading.Thread(target=_import_operations, daemon=True).start()

    def _operations(self, client: Client, message: Message) -> None:
        from scumble.operations import operations

        self.broker.replies.answer(
            client, message, "operations", {"operations": [o.describe() for o in operations().values()]}
        )

    def _submit(self, client: Client, message: Message) -> None:
        from scumble.operations import find

        submission = parse(message.body)
        check_id(message.id)
        # This also refuses a message that somebody has recorded and replays.
        if message.id in self.broker.jobs or message.id in self.broker.spool:
            raise ScumbleError("bad_request", "This job was submitted already.", "Give each job an id of its own.")
        if len(self.broker.jobs) >= MAX_JOBS or self.broker.owned[client] >= MAX_OF_ONE:
            raise ScumbleError("too_large", "The queue is full.", "Wait until some jobs are done.")
        operation = find(submission.operation)
        operation.check_roles(list(submission.roles))
        operation.validate(submission.parameters)
        arrived = wire.attached(message)
        checks = wire.checksums(message)
        packed = submission.packings(message.body)
        submission.check_sizes(arrived, packed)
        client = self.broker.replies.named(client)
        job = Job(message.id, client, submission)
        if submission.replaces:
            self._replace(submission.replaces, client)
        self.broker.jobs[job.id] = job
        self.broker.owned[client] += 1
        missing = {name for name in submission.sizes if name not in self.broker.buffers}
        self.broker.buffers.pin(submission.sizes.keys() - missing)
        job.missing = set(missing)
        for name in missing & arrived.keys():
            self.broker.take(name, arrived[name], checks.get(name), packed.get(name), job)
        asked = missing - arrived.keys()
        if asked:
            self.broker.tell(job, "need", {"job": job.id, "digests": sorted(asked)})
        elif not missing:
            self.broker.enqueue(job)

    def _buffers(self, client: Client, message: Message) -> None:
        job = self.broker.jobs.get(str(message.body.get("job")))
        arrived, checks = wire.attached(message), wire.checksums(message)
        if job is None or job.state != "waiting" or job.client != client:
            return  # it was cancelled meanwhile
        try:
            packed = job.submission.packings(message.body)
            job.submission.check_sizes(arrived, packed)
        except ScumbleError as error:
            self.broker.fail(job, error)
            return
        for name, data in arrived.items():
            if name in job.missing:
                self.broker.take(name, data, checks.get(name), packed.get(name), job)

    def _cancel(self, client: Client, message: Message) -> None:
        job = self.broker.jobs.get(str(message.body.get("job")))
        if job and job.client == client:
            self.broker.end_early(job, "The job was cancelled.")

    def _fetch(self, client: Client, message: Message) -> None:
        job_id = str(message.body.get("job"))
        if job_id in self.broker.jobs:
            job = self.broker.jobs[job_id]  # its client has a new connection
            job.client = self.broker.replies.named(client)
            job.told = 0.0
            job.unseen = job.lost = None
            if job.state == "waiting":
                self.broker.tell(job, "need", {"job": job.id, "digests": sorted(job.missing)})
        elif job_id in self.broker.spool:
            self.broker.deliver(client, job_id, bool(message.body.get("pack")))
        else:
            raise ScumbleError(
                "bad_request",
                "The daemon has no such result any more.",
                "Run the operation again: same seed, same pixels.",
            )

    def _seen(self, client: Client, message: Message) -> None:
        job = self.broker.jobs.get(str(message.body.get("job")))
        if job and job.client == client:
            job.unseen = None

    def _received(self, client: Client, message: Message) -> None:
        self.broker.spool.drop(str(message.body.get("job")))

    def _status(self, client: Client, message: Message) -> None:
        self.broker.replies.answer(
            client, message, "status", describe(self.broker, client if client.socket in self.broker.remote else None)
        )

    def _shutdown(self, client: Client, message: Message) -> None:
        if client.socket in self.broker.remote:
            raise ScumbleError(
                "unauthorized", "Another machine can't stop this daemon.", "Run there, as its user: scumble stop"
            )
        log.info("asked to stop by %s", self.broker.replies.names.get(client, "a client"))
        self.broker.replies.answer(client, message, "shutdown", {"pid": os.getpid()})
        self.broker.stopping = True

    def _replace(self, old: str, client: Client) -> None:
        job = self.broker.jobs.get(old)
        if job and job.client == client:
            self.broker.end_early(job, "A newer version of this job took its place.")


def _import_operations() -> None:
    """Import them in the background, so that the first submission does not wait for pydantic and numpy."""
    from scumble.operations import operations

    operations()
