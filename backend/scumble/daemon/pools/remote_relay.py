"""Messages about weights that are passed on to the daemon on another machine, and its answers, which find their way back."""

from __future__ import annotations

from collections.abc import Callable

from scumble_client.errors import ScumbleError
from scumble_client.wire import Message

from .remote_link import RemoteLink

TYPES = ("weights", "weights_progress", "weights_done", "error")

Answer = Callable[[Message], bool]


class Relayed:
    """What was asked and is not answered yet."""

    def __init__(self, link: RemoteLink) -> None:
        self._link = link
        self._answers: dict[str, Answer] = {}

    def ask(self, message: Message, answer: Answer, refusal: ScumbleError | None) -> None:
        """Pass a message on under its own id; answer it with `refusal` where the link is down."""
        if message.type == "cancel_weights":  # nobody waits for an answer
            if refusal is None:
                self._link.send(Message(message.type, message.body, id=message.id))
            return
        self._answers[message.id] = answer
        if refusal is not None or not self._link.send(Message(message.type, message.body, id=message.id)):
            said = refusal or ScumbleError("unreachable", "The machine that computes can't be reached.", "Try again.")
            self._answer(message.id, Message("error", said.as_dict(), parent=message.id))

    def take(self, message: Message) -> bool:
        """Hand an answer on; whether it was one."""
        asked = message.parent or ""
        if message.type not in TYPES or asked not in self._answers:
            return False
        self._answer(asked, message)
        return True

    def fail(self, error: ScumbleError) -> None:
        """The link is down: what is being fetched there goes on, but nobody here hears of it."""
        for asked in list(self._answers):
            self._answer(asked, Message("error", error.as_dict(), parent=asked))

    def _answer(self, asked: str, message: Message) -> None:
        answer = self._answers[asked]
        if message.type != "weights_progress":
            del self._answers[asked]
        if not answer(message) and asked in self._answers:
            del self._answers[asked]
            self._link.send(Message("cancel_weights", {"get": asked, "keep": True}))
