"""How many jobs one client may have, so that the others' still find room."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from scumble.daemon.handlers import MAX_JOBS, MAX_OF_ONE, Messages
from scumble.daemon.jobs import Client
from scumble_client import Request, ScumbleError
from scumble_client.wire import Message
from tests.support.daemon import square

GREEDY, MODEST = Client(None, b"greedy"), Client(None, b"modest")


def broker(jobs: int, **owned: int) -> Any:
    found = Counter({Client(None, name.encode()): count for name, count in owned.items()})
    return SimpleNamespace(jobs=dict.fromkeys(map(str, range(jobs))), spool=(), owned=found)


def submit() -> Message:
    return Message("submit", Request("nope", {"image": square()}).describe())


def test_one_client_s_share_is_a_part() -> None:
    messages = Messages(broker(MAX_OF_ONE, greedy=MAX_OF_ONE))
    with pytest.raises(ScumbleError, match="queue is full"):
        messages.handle(GREEDY, submit())
    with pytest.raises(ScumbleError, match="no operation"):  # this one gets as far as that
        messages.handle(MODEST, submit())


def test_all_together_have_a_limit_too() -> None:
    with pytest.raises(ScumbleError, match="queue is full"):
        Messages(broker(MAX_JOBS)).handle(MODEST, submit())


def test_a_job_s_name_is_used_once() -> None:
    again = submit()
    for where in ("jobs", "spool"):
        full = broker(0)
        setattr(full, where, {again.id: None})
        with pytest.raises(ScumbleError, match="submitted already"):
            Messages(full).handle(MODEST, again)
