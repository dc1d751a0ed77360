"""What messages become: how many jobs one client may have, and that a job's name is used once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from scumble.daemon import scheduler as scheduling
from scumble.daemon.handlers import Handlers
from scumble.daemon.jobs import Client
from scumble.daemon.replies import Replies
from scumble.daemon.scheduler import Scheduler
from scumble.daemon.status import Settings
from scumble_client import Request, ScumbleError
from scumble_client.wire import Message
from tests.support.daemon import square

GREEDY, MODEST = Client(None, b"greedy"), Client(None, b"modest")


@pytest.fixture
def results() -> Any:
    found = Mock()
    found.__contains__ = lambda self, name: name == "kept"
    return found


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(1 << 30)


@pytest.fixture
def handlers(scheduler: Scheduler, results: Any) -> Handlers:
    return Handlers(scheduler, Replies(Path("log")), results, Mock(), Settings(), [], lambda: None, Mock(handlers={}))


def submit(operation: str = "identity") -> Message:
    return Message("submit", Request(operation, {"image": square()}).describe() | {"buffers": []})


def test_one_client_s_share_is_a_part(handlers: Handlers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "MAX_OF_ONE", 3)
    for _ in range(3):
        handlers.handle(GREEDY, submit())
    with pytest.raises(ScumbleError, match="queue is full"):
        handlers.handle(GREEDY, submit())
    handlers.handle(MODEST, submit())


def test_all_together_have_a_limit_too(handlers: Handlers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "MAX_JOBS", 2)
    handlers.handle(GREEDY, submit())
    handlers.handle(MODEST, submit())
    with pytest.raises(ScumbleError, match="queue is full"):
        handlers.handle(Client(None, b"third"), submit())


def test_a_job_s_name_is_used_once(handlers: Handlers) -> None:
    first = submit()
    handlers.handle(GREEDY, first)
    for again in (first, Message("submit", submit().body, id="kept")):
        with pytest.raises(ScumbleError, match="submitted already"):
            handlers.handle(MODEST, again)


@pytest.mark.parametrize("operation", ["nope", ""])
def test_what_can_t_be_run_is_never_a_job(handlers: Handlers, scheduler: Scheduler, operation: str) -> None:
    with pytest.raises(ScumbleError):
        handlers.handle(GREEDY, submit(operation))
    assert len(scheduler) == 0


@pytest.mark.parametrize("kind", ["cancel", "fetch", "seen", "received", "buffers"])
def test_a_job_that_nobody_knows_harms_nothing(handlers: Handlers, scheduler: Scheduler, kind: str) -> None:
    try:
        handlers.handle(GREEDY, Message(kind, {"job": "unknown"}))
    except ScumbleError as error:
        assert error.code == "bad_request"  # noqa: PT017 (only `fetch` says so)
    assert len(scheduler) == 0
