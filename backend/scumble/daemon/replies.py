"""What the broker says to its clients: sent at once or not at all, and who is no longer there is told by the answer."""

from __future__ import annotations

import logging
from collections import OrderedDict
from pathlib import Path

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.wire import Message

from .jobs import Client

log = logging.getLogger(__name__)


MAX_NAMES = 10_000


def one_line(said: object) -> str:
    """A stranger's words for the log: short, and nothing in them that could look like a line of the log."""
    return "".join(c if c.isprintable() else "?" for c in str(said)[:300])


class Replies:
    """Sends messages, and knows the names of the clients that have said hello."""

    def __init__(self, log_path: Path) -> None:
        self._log_path = log_path
        self._names: OrderedDict[Client, str] = OrderedDict()

    def remember(self, client: Client, name: str) -> bool:
        """Note a client's name; whether it is the only one. The oldest are forgotten: clients do not say when they leave."""
        self._names[client] = name
        while len(self._names) > MAX_NAMES:
            self._names.popitem(last=False)
        return len(self._names) == 1

    def named(self, client: Client) -> Client:
        """The client with the name that it gave."""
        return Client(client.socket, client.identity, self._names.get(client, ""))

    def send(self, client: Client, message: Message) -> bool:
        """False if the client is gone. A client that does not read misses what can be said again later."""
        large = any(memoryview(b).nbytes > 65536 for b in message.buffers)
        try:
            client.socket.send_multipart([client.identity, *wire.encode(message)], zmq.NOBLOCK, copy=not large)
        except zmq.Again:
            log.warning("%s does not read what it is sent", client.name or "a client")
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._names.pop(client, None)
            return False
        return True

    def answer(self, client: Client, to: Message, kind: str, body: dict[str, object]) -> None:
        self.send(client, Message(kind, body, parent=to.id))

    def result(self, client: Client, job: str, message: Message) -> None:
        """Send a result, which stays where it is until its client has it."""
        if not self.send(client, message):
            log.info("nobody is there for the result of %s; it stays in the spool", job)

    def refuse(self, client: Client, message: Message, error: ScumbleError) -> None:
        """Answer a message, and the job that it was about, with an error."""
        name = self.named(client).name or "a client"
        log.warning("refused a %s of %s: %s: %s", one_line(message.type), name, error.code, one_line(error))
        job = message.id if message.type == "submit" else message.body.get("job")
        self.answer(client, message, "error", {**error.as_dict(), **({"job": job} if isinstance(job, str) else {})})

    def internal(self) -> ScumbleError:
        """What is said of a defect."""
        return ScumbleError(
            "internal",
            "Scumble's daemon made a mistake.",
            f"Please report it, with the log file: {self._log_path}",
        )
