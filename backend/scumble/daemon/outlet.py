"""What the broker says to its clients: sent at once or not at all, and who is no longer there is told by the answer."""

from __future__ import annotations

import logging
from pathlib import Path

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.wire import Message

from .jobs import Client

log = logging.getLogger(__name__)


class Outlet:
    """Sends messages; `names` are the clients that have said hello."""

    def __init__(self, log_path: Path) -> None:
        self._log_path = log_path
        self.names: dict[Client, str] = {}

    def named(self, client: Client) -> Client:
        """The client with the name that it gave."""
        return Client(client.socket, client.identity, self.names.get(client, ""))

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
            self.names.pop(client, None)
            return False
        return True

    def answer(self, client: Client, to: Message, kind: str, body: dict[str, object]) -> None:
        self.send(client, Message(kind, body, parent=to.id))

    def refuse(self, client: Client, message: Message, error: ScumbleError) -> None:
        """Answer a message, and the job that it was about, with an error."""
        job = message.id if message.type == "submit" else message.body.get("job")
        self.answer(client, message, "error", {**error.as_dict(), **({"job": job} if isinstance(job, str) else {})})

    def internal(self) -> ScumbleError:
        """What is said of a defect."""
        return ScumbleError(
            "internal",
            "Scumble's daemon made a mistake.",
            f"Please report it, with the log file: {self._log_path}",
        )
