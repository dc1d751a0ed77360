"""Who may say what about weights: programs on this machine, other machines, and where the weights lie elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from scumble.daemon.jobs import Client
from scumble.daemon.replies import Replies
from scumble.daemon.weights_desk import ALL, LOCAL, NONE, WeightsDesk
from scumble.transport.wakeup import Wakeup
from scumble_client.errors import ScumbleError
from scumble_client.wire import Message
from tests.support.daemon import wait_for

HERE, ELSEWHERE = "a local socket", "a remote socket"


class Desk:
    """A desk with a pool that is played: `relays` says whether weights lie with it."""

    def __init__(self, allowed: str, relays: bool) -> None:
        self.sent: list[Message] = []
        self.relayed: list[tuple[Message, Callable[[Message], bool]]] = []
        self.relays = relays
        self.replies = Replies(Path("log"))
        self.replies.send = self._send  # type: ignore[method-assign]
        self.pool, self.fetches = Mock(relays=relays), Mock(describe=dict)
        self.pool.relay = self._relay
        self.wakeup = Wakeup()
        self.desk = WeightsDesk(self.replies, self.pool, [ELSEWHERE], self.wakeup, allowed, self.fetches)  # type: ignore[list-item]

    def _send(self, client: Client, message: Message) -> bool:
        self.sent.append(message)
        return True

    def _relay(self, message: Message, answer: Callable[[Message], bool]) -> bool:
        if self.relays:
            self.relayed.append((message, answer))
        return self.relays

    def say(self, socket: str, kind: str, **body: Any) -> str:
        """The code of the refusal; empty where there was none."""
        try:
            self.desk.handlers[kind](Client(socket, b"x"), Message(kind, body))
        except ScumbleError as error:
            return error.code
        return ""

    def permissions(self, socket: str) -> tuple[bool, bool]:
        self.say(socket, "weights")

        def answered() -> bool:
            for call in self.wakeup.taken():
                call()
            return bool(self.sent)

        wait_for(answered)
        body = self.sent.pop().body
        return body["get"], body["add"]


MakeDesk = Callable[[str, bool], Desk]


@pytest.fixture
def make() -> Iterator[MakeDesk]:
    made: list[Desk] = []

    def desk(allowed: str, relays: bool) -> Desk:
        made.append(Desk(allowed, relays))
        return made[-1]

    yield desk
    for one in made:
        one.desk.stop()
        one.wakeup.close()


@pytest.mark.parametrize(
    ("allowed", "here", "elsewhere"),
    [(ALL, (True, True), (True, False)), (LOCAL, (True, True), (False, False)), (NONE, (False, False), (False, False))],
)
def test_who_may(
    allowed: str, here: tuple[bool, bool], elsewhere: tuple[bool, bool], tmp_path: Path, make: MakeDesk
) -> None:
    desk = make(allowed, False)
    for socket, (get, add) in ((HERE, here), (ELSEWHERE, elsewhere)):
        assert desk.permissions(socket) == (get, add)
        assert desk.say(socket, "get_weights", weights="big-lama") == ("" if get else "unauthorized")
        assert desk.say(socket, "add_weights", folder=str(tmp_path)) == ("" if add else "unauthorized")
    asked = [call.args[3] for call in desk.fetches.ask.call_args_list if call.args[3][0] == "add"]
    assert asked == ([("add", f"--folder={tmp_path}")] if here[1] else [])


def test_where_weights_lie_elsewhere_questions_go_there(tmp_path: Path, make: MakeDesk) -> None:
    desk = make(ALL, True)
    assert desk.say(HERE, "get_weights", weights="big-lama") == ""
    assert desk.say(HERE, "cancel_weights", get="abc") == ""
    assert desk.say(HERE, "add_weights", folder=str(tmp_path)) == "unauthorized", "the folder is not there"
    assert [message.type for message, _ in desk.relayed] == ["get_weights", "cancel_weights"]
    desk.fetches.ask.assert_not_called()


@pytest.mark.parametrize(("allowed", "theirs", "get"), [(ALL, True, True), (ALL, False, False), (NONE, True, False)])
def test_both_machines_have_to_allow_it(allowed: str, theirs: bool, get: bool, make: MakeDesk) -> None:
    desk = make(allowed, True)
    desk.say(HERE, "weights")
    _, answer = desk.relayed.pop()
    assert answer(Message("weights", {"weights": [], "get": theirs, "add": True}))
    assert (desk.sent[-1].body["get"], desk.sent[-1].body["add"]) == (get, False)
