"""Faults that there were once: each in the order of events that brought it about. (`test_scheduler_machine` tries all orders.)"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scumble.daemon.jobs import Client
from scumble.daemon.scheduler import Cancel, Remove, Scheduler, Start, Tell, Write
from scumble.daemon.submission import Frame, Packed, Submission
from scumble_client import ScumbleError
from scumble_client.wire import digest

MIB = 1024**2
ANNA, CARL = Client(None, b"anna"), Client(None, b"carl")


def layer(number: int) -> bytes:
    return digest(bytes([number]))


def asks(*layers: int, mib: int = 4, **more: Any) -> Submission:
    names = [layer(number) for number in layers]
    roles: dict[str, dict[str, Any]] = {str(n): {"buffer": name} for n, name in enumerate(names)}
    return Submission(
        "identity", {}, 0, more.pop("priority", "batch"), None, roles, dict.fromkeys(names, mib * MIB), **more
    )


def frames(*layers: int, mib: int = 4) -> dict[bytes, Frame]:
    return {layer(number): Frame(b"", None, Packed(4, mib * MIB)) for number in layers}


def actions(scheduler: Scheduler, kind: type | None = None) -> list[Any]:
    found = []
    while (action := scheduler.next_action()) is not None:
        found.append(action)
    return [one for one in found if kind is None or isinstance(one, kind)]


def needs(done: list[Any]) -> list[tuple[bytes, list[bytes]]]:
    return [(one.client.identity, one.body["digests"]) for one in done if isinstance(one, Tell) and one.kind == "need"]


def test_jobs_that_fill_the_store_all_run() -> None:
    """Ten jobs of 4 MiB with room for five: a layer that arrived was dropped before it was claimed, and five hung."""
    scheduler, started, dropped = Scheduler(21 * MIB), [], set()
    for number in range(10):
        scheduler.submit(ANNA, f"job{number}", asks(number), {})
    for _ in range(100):
        for action in actions(scheduler):
            if isinstance(action, Tell) and action.kind == "need":
                wanted = action.body["digests"]
                scheduler.arrived(ANNA, action.job, {name: Frame(b"", None, Packed(4, 4 * MIB)) for name in wanted})
            elif isinstance(action, Write):
                scheduler.written(action.name, Path(action.name.hex()), None)
            elif isinstance(action, Remove):
                dropped.update(action.paths)
            elif isinstance(action, Start):
                assert not dropped & {Path(role["path"]) for role in action.task.roles.values()}
                started.append(action.task.job)
                scheduler.result(action.task.job, {"layers": []})
                scheduler.stored(action.task.job)
        scheduler.dispatch(1)
    assert sorted(started) == [f"job{number}" for number in range(10)]
    assert len(scheduler) == 0


def test_a_job_that_is_larger_than_the_store_is_refused() -> None:
    scheduler = Scheduler(21 * MIB)
    with pytest.raises(ScumbleError, match="larger than all the room") as raised:
        scheduler.submit(ANNA, "job", asks(1, mib=22), {})
    assert raised.value.code == "too_large"


def test_a_job_that_another_connection_fetched_can_still_be_cancelled_while_it_waits() -> None:
    """`fetch` changed the client by which the queue kept it, and the cancelled job ran."""
    scheduler = Scheduler(100 * MIB)
    scheduler.submit(ANNA, "job", asks(1), frames(1))
    (write,) = actions(scheduler, Write)
    scheduler.written(write.name, Path("file"), None)
    scheduler.fetch(CARL, "job")
    scheduler.cancel(CARL, "job")
    scheduler.dispatch(5)
    done = actions(scheduler)
    assert not [one for one in done if isinstance(one, (Start, Cancel))]
    assert [(one.client, one.body["code"]) for one in done if isinstance(one, Tell) and one.kind == "error"] == [
        (CARL, "cancelled")
    ]


def test_a_layer_that_is_being_written_is_not_asked_for_again() -> None:
    """Three quick jobs with one layer sent it three times."""
    scheduler = Scheduler(100 * MIB)
    scheduler.submit(ANNA, "one", asks(1), frames(1))
    (write,) = actions(scheduler, Write)
    for job in ("two", "three"):
        scheduler.submit(ANNA, job, asks(1), {})
        scheduler.submit(CARL, f"carl-{job}", asks(1), {})
    assert needs(actions(scheduler)) == []
    scheduler.written(write.name, Path("file"), None)
    scheduler.dispatch(9)
    assert len(actions(scheduler, Start)) == 5


def test_a_layer_that_was_asked_for_is_asked_for_once_of_each_client() -> None:
    scheduler = Scheduler(100 * MIB)
    for job in ("one", "two"):
        scheduler.submit(ANNA, job, asks(1), {})
        scheduler.submit(CARL, f"carl-{job}", asks(1), {})
    assert needs(actions(scheduler)) == [(b"anna", [layer(1)]), (b"carl", [layer(1)])]


def test_when_an_upload_fails_the_others_are_asked() -> None:
    scheduler = Scheduler(100 * MIB)
    scheduler.submit(ANNA, "one", asks(1), frames(1))
    (write,) = actions(scheduler, Write)
    scheduler.submit(CARL, "two", asks(1), {})
    scheduler.write_failed(write.name, ScumbleError("bad_request", "A layer was damaged on its way.", "Try again."))
    done = actions(scheduler)
    assert needs(done) == [(b"carl", [layer(1)])]
    assert [one.job for one in done if isinstance(one, Tell) and one.kind == "error"] == ["one"]


def test_a_client_that_has_gone_gives_its_room_back() -> None:
    now = [0.0]
    scheduler = Scheduler(5 * MIB, lambda: now[0])
    scheduler.submit(ANNA, "one", asks(1), {})
    scheduler.submit(CARL, "two", asks(2), {})
    assert needs(actions(scheduler)) == [(b"anna", [layer(1)])]
    scheduler.unreachable("one", ANNA)
    assert needs(actions(scheduler)) == [(b"carl", [layer(2)])]


def test_after_the_end_nothing_is_taken_in() -> None:
    scheduler = Scheduler(100 * MIB)
    scheduler.submit(ANNA, "one", asks(1), frames(1))
    (write,) = actions(scheduler, Write)
    scheduler.shutdown()
    scheduler.written(write.name, Path("late"), None)
    done = actions(scheduler)
    assert [one.body["code"] for one in done if isinstance(one, Tell)] == ["cancelled"]
    assert [one.paths for one in done if isinstance(one, Remove)] == [[Path("late")]]
