"""Weights that lie on another machine: messages about them go there, under their own ids, and the answers find their way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scumble_client.wire import Message

from .test_remote_pool import Bench
from .test_remote_pool import bench as bench  # the fixture


class Asker:
    """A client of this machine's daemon; `there` says whether it can still be reached."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.there = True

    def __call__(self, message: Message) -> bool:
        self.heard.append(message)
        return self.there


def coming(bench: Bench, kind: str, asked: Message, **body: Any) -> None:
    bench.link.coming.append(Message(kind, body, parent=asked.id))
    bench.pool.handle()


def test_a_question_goes_there_and_its_answers_come_back(bench: Bench) -> None:
    asker, asked = Asker(), Message("get_weights", {"weights": "big-lama"})
    assert bench.pool.relays
    assert bench.pool.relay(asked, asker)
    assert (bench.link.sent[-1].type, bench.link.sent[-1].id) == ("get_weights", asked.id)
    coming(bench, "weights_progress", asked, done=1, total=2)
    coming(bench, "weights_done", asked, weights=["big-lama"])
    coming(bench, "weights_done", asked, weights=["big-lama"])
    assert [m.type for m in asker.heard] == ["weights_progress", "weights_done"], "it ends once"


def test_who_is_gone_is_said_there_and_it_goes_on(bench: Bench) -> None:
    asker, asked = Asker(), Message("get_weights", {"weights": "big-lama"})
    bench.pool.relay(asked, asker)
    asker.there = False
    coming(bench, "weights_progress", asked, done=1, total=2)
    assert (bench.link.sent[-1].type, bench.link.sent[-1].body) == ("cancel_weights", {"get": asked.id, "keep": True})


def test_a_cancel_goes_there(bench: Bench) -> None:
    cancel = Message("cancel_weights", {"get": "abc", "keep": False})
    assert bench.pool.relay(cancel, Asker())
    assert bench.link.sent[-1].body == cancel.body


@pytest.mark.parametrize("kind", ["weights", "get_weights"])
def test_without_a_link_that_is_the_answer(tmp_path: Path, kind: str) -> None:
    made = Bench(tmp_path)
    made.link.state = "down"
    asker = Asker()
    made.pool.relay(Message(kind, {"weights": "big-lama"}), asker)
    (said,) = asker.heard
    assert said.type == "error"
    assert "box:1, where the weights are, can't be reached." in str(said.body["message"])
    made.pool.stop()


def test_when_the_link_is_lost_who_waits_is_told(bench: Bench) -> None:
    asker, asked = Asker(), Message("get_weights", {"weights": "big-lama"})
    bench.pool.relay(asked, asker)
    bench.lose()
    assert [m.type for m in asker.heard] == ["error"]


def test_other_answers_are_not_theirs(bench: Bench) -> None:
    bench.run("one")
    coming(bench, "error", Message("submit", id="one"), code="internal", message="No.", hint="")
    assert bench.ear.errors == {"one": "internal"}
