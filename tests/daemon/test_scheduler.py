"""The scheduler, case by case. Whatever order things may come in is in test_scheduler_machine.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pytest

from scumble.daemon import scheduler as scheduler_module
from scumble.daemon.jobs import Client
from scumble.daemon.scheduler import (
    KEEPALIVE,
    LAYER_PATIENCE,
    PREVIEW_PATIENCE,
    Action,
    Cancel,
    Deliver,
    Remove,
    Scheduler,
    Start,
    Store,
    Tell,
    Write,
)
from scumble.daemon.submission import Frame, Packed, Submission
from scumble_client import ScumbleError
from scumble_client.wire import digest

ANNA, CARL = Client(None, b"anna"), Client(None, b"carl")
MB = 10**6
WRONG = ScumbleError("internal", "It went wrong.", "")
Kind = TypeVar("Kind")


class Desk:
    """A scheduler, and what it has wanted done."""

    def __init__(self, limit: int = 100 * MB) -> None:
        self.now = 100.0
        self.scheduler = Scheduler(limit, lambda: self.now)
        self.done: list[Action] = []

    def submit(
        self, client: Client, job: str, *layers: bytes, size: int = 4 * MB, attached: bool = True, **more: Any
    ) -> None:
        roles = {str(number): {"buffer": name} for number, name in enumerate(layers)}
        fields: dict[str, Any] = {"priority": "interactive", "replaces": None, "patience": 0.0, **more}
        asked = Submission("identity", {}, 0, roles=roles, sizes=dict.fromkeys(layers, size), **fields)
        self.scheduler.submit(client, job, asked, self.frames(*layers, size=size) if attached else {})

    def frames(self, *layers: bytes, size: int = 4 * MB) -> dict[bytes, Frame]:
        return {name: Frame(b"", None, Packed(4, size)) for name in layers}

    def actions(self) -> list[Action]:
        """What it wants done now."""
        found = []
        while (action := self.scheduler.next_action()) is not None:
            found.append(action)
        self.done += found
        return found

    def wanted(self, kind: type[Kind]) -> list[Kind]:
        return [action for action in self.actions() if isinstance(action, kind)]

    def told(self, job: str) -> list[str]:
        """The kinds of messages that its client has had of a job."""
        self.actions()
        return [action.kind for action in self.done if isinstance(action, Tell) and action.job == job]

    def write_all(self) -> list[bytes]:
        names = [action.name for action in self.wanted(Write)]
        for name in names:
            self.scheduler.written(name, Path(name.hex()), None)
        return names

    def run(self, count: int = 1) -> list[str]:
        """Have the pool run and finish jobs."""
        self.scheduler.dispatch(count)
        started = [action.task.job for action in self.wanted(Start)]
        for job in started:
            self.scheduler.result(job, {"layers": [], "seconds": 0.1})
        for store in self.wanted(Store):
            self.scheduler.stored(store.job)
        return started

    def state(self, job: str) -> str:
        return next((str(found["state"]) for found in self.scheduler.describe() if found["job"] == job), "ended")


def layer(number: int) -> bytes:
    return digest(bytes([number]))


class TestRoom:
    def test_ten_jobs_in_a_store_for_five_all_end(self) -> None:
        """Those that don't fit wait for room, and are asked for their layers when there is some."""
        desk = Desk(21 * MB)
        jobs = [f"job{number}" for number in range(10)]
        for number, job in enumerate(jobs):
            desk.submit(ANNA, job, layer(number))
        assert [desk.state(job) for job in jobs] == ["waiting"] * 5 + ["held"] * 5
        assert desk.write_all() == [layer(number) for number in range(5)]
        for number, job in enumerate(jobs):
            assert desk.run() == [job]
            assert "accepted" in desk.told(job)
            needs = [action for action in desk.done if isinstance(action, Tell) and action.kind == "need"]
            if number < 5:
                later = jobs[number + 5]
                assert (needs[-1].job, needs[-1].body["digests"]) == (later, [layer(number + 5)])
                desk.scheduler.arrived(ANNA, later, desk.frames(layer(number + 5)))
                desk.write_all()
        assert len(desk.scheduler) == 0
        assert sum(isinstance(action, Deliver) for action in desk.done) == 10
        removed = [path for action in desk.done if isinstance(action, Remove) for path in action.paths]
        assert len(removed) == len(set(removed)) == 5

    def test_a_layer_that_arrives_while_all_others_are_needed_stays(self) -> None:
        desk = Desk(10 * MB)
        desk.submit(ANNA, "one", layer(1))
        desk.submit(ANNA, "two", layer(2))
        desk.write_all()
        desk.submit(ANNA, "three", layer(3))
        assert desk.wanted(Write) == []
        assert desk.told("three") == ["progress"]
        assert desk.run() == ["one"]
        assert desk.told("three") == ["progress", "need"]

    def test_a_job_larger_than_the_store_is_told_so(self) -> None:
        desk = Desk(10 * MB)
        with pytest.raises(ScumbleError, match="larger than all the room") as raised:
            desk.submit(ANNA, "large", layer(1), layer(2), size=6 * MB)
        assert raised.value.code == "too_large"
        assert len(desk.scheduler) == 0

    def test_a_large_job_has_its_turn_before_smaller_ones_that_came_later(self) -> None:
        desk = Desk(10 * MB)
        desk.submit(ANNA, "first", layer(1), size=4 * MB)
        desk.submit(ANNA, "large", layer(2), size=9 * MB)
        desk.submit(ANNA, "small", layer(3), size=1 * MB)
        assert [desk.state(job) for job in ("large", "small")] == ["held", "held"]
        desk.write_all()
        desk.run()
        assert [desk.state(job) for job in ("large", "small")] == ["waiting", "waiting"]

    def test_a_held_job_s_cancel_lets_the_next_one_in(self) -> None:
        desk = Desk(10 * MB)
        desk.submit(ANNA, "first", layer(1), size=4 * MB)
        desk.submit(ANNA, "large", layer(2), size=9 * MB)
        desk.submit(ANNA, "small", layer(3), size=1 * MB)
        desk.scheduler.cancel(ANNA, "large")
        assert desk.told("large")[-1] == "error"
        assert desk.state("small") == "waiting"

    def test_who_never_sends_does_not_keep_its_room(self) -> None:
        desk = Desk(10 * MB)
        desk.submit(ANNA, "silent", layer(1), size=9 * MB, attached=False)
        desk.submit(CARL, "next", layer(2), size=9 * MB)
        assert desk.state("next") == "held"
        desk.now += LAYER_PATIENCE + 1
        desk.scheduler.tick()
        assert desk.told("silent")[-1] == "error"
        assert desk.state("next") == "waiting"

    def test_who_sends_one_after_the_other_has_all_the_time(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "slow", layer(1), layer(2), layer(3), attached=False)
        for number in (1, 2, 3):
            desk.now += LAYER_PATIENCE - 1
            desk.scheduler.tick()
            desk.scheduler.arrived(ANNA, "slow", desk.frames(layer(number)))
        desk.write_all()
        assert desk.state("slow") == "queued"


class TestLayersTravelOnce:
    def test_one_that_is_being_written_is_not_asked_for(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1))
        desk.submit(ANNA, "two", layer(1), attached=False)  # the client has sent it with the first
        desk.submit(CARL, "three", layer(1))
        assert [desk.told(job) for job in ("one", "two", "three")] == [[], [], []]
        assert [a.name for a in desk.done if isinstance(a, Write)] == [layer(1)]
        desk.scheduler.written(layer(1), Path("file"), None)
        assert [desk.told(job) for job in ("one", "two", "three")] == [["accepted"]] * 3

    def test_one_that_this_client_was_asked_for_is_not_asked_for_again(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1), attached=False)
        desk.submit(ANNA, "two", layer(1), attached=False)
        desk.submit(CARL, "three", layer(1), attached=False)  # nobody has to rely on another
        assert [desk.told(job) for job in ("one", "two", "three")] == [["need"], [], ["need"]]
        desk.scheduler.arrived(ANNA, "one", desk.frames(layer(1)))
        desk.scheduler.arrived(CARL, "three", desk.frames(layer(1)))
        assert desk.write_all() == [layer(1)]
        assert [desk.state(job) for job in ("one", "two", "three")] == ["queued"] * 3

    def test_who_relied_on_a_job_that_ends_is_asked(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1), attached=False)
        desk.submit(ANNA, "two", layer(1), attached=False)
        desk.scheduler.cancel(ANNA, "one")
        assert desk.told("two") == ["need"]

    def test_who_relied_on_a_damaged_one_is_asked(self) -> None:
        desk = Desk()
        desk.submit(CARL, "one", layer(1))
        desk.submit(ANNA, "two", layer(1), attached=False)
        desk.scheduler.write_failed(layer(1), WRONG)
        assert desk.told("one") == ["error"]
        assert desk.told("two") == ["need"]
        desk.scheduler.arrived(ANNA, "two", desk.frames(layer(1)))
        desk.write_all()
        assert desk.run() == ["two"]

    def test_a_damaged_one_that_came_with_another_job_is_not_asked_for_twice(self) -> None:
        """Its client was asked on behalf of the first job, and will answer that."""
        desk = Desk()
        desk.submit(ANNA, "one", layer(1), attached=False)
        desk.submit(ANNA, "two", layer(1))
        desk.scheduler.write_failed(layer(1), WRONG)
        assert desk.told("one") == ["need"]
        assert desk.told("two") == ["error"]
        desk.scheduler.arrived(ANNA, "one", desk.frames(layer(1)))
        desk.write_all()
        assert desk.run() == ["one"]

    def test_a_cancelled_job_s_layer_serves_the_next(self) -> None:
        """As live mode does: each look takes the place of the one before, and the layer is the same."""
        desk = Desk()
        desk.submit(ANNA, "one", layer(1))
        desk.submit(ANNA, "two", layer(1), attached=False, replaces="one")
        assert desk.told("one") == ["error"]
        assert desk.told("two") == []
        desk.scheduler.written(layer(1), Path("file"), None)
        assert desk.told("two") == ["accepted"]

    def test_a_name_with_two_lengths_is_an_error_of_who_says_the_other(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1), size=4 * MB)
        desk.submit(CARL, "two", layer(1), size=5 * MB, attached=False)
        desk.write_all()
        desk.submit(CARL, "three", layer(1), size=5 * MB, attached=False)
        assert desk.state("one") == "queued"
        assert [desk.told(job)[-1] for job in ("two", "three")] == ["error", "error"]


class TestWhoHears:
    def test_after_a_fetch_a_waiting_job_can_be_cancelled_and_does_not_run(self) -> None:
        """The pool of another machine does this after each cut cable."""
        desk = Desk()
        desk.submit(ANNA, "one", layer(1))
        desk.submit(ANNA, "two", layer(1), attached=False)
        desk.write_all()
        assert desk.scheduler.fetch(CARL, "one")
        desk.scheduler.cancel(CARL, "one")
        assert desk.told("one")[-1] == "error"
        assert desk.run(5) == ["two"]
        assert len(desk.scheduler) == 0

    def test_after_a_fetch_the_new_connection_is_asked(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1), attached=False)
        desk.submit(ANNA, "two", layer(1), attached=False)
        desk.scheduler.fetch(CARL, "one")
        asked = [(a.client, a.job) for a in desk.wanted(Tell) if a.kind == "need"]
        assert asked == [(ANNA, "one"), (CARL, "one"), (ANNA, "two")]
        assert desk.scheduler.expects(ANNA, "one") is None
        assert desk.scheduler.expects(CARL, "one") is not None

    def test_only_who_hears_of_a_job_may_cancel_or_replace_it(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1))
        desk.scheduler.cancel(CARL, "one")
        desk.submit(CARL, "two", layer(1), replaces="one")
        assert desk.told("one") == []

    def test_a_client_that_is_gone_has_its_job_cancelled_when_its_patience_ends(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1), patience=10.0)
        desk.write_all()
        desk.scheduler.dispatch(1)
        desk.scheduler.unreachable("one", ANNA)
        desk.now += 9
        desk.scheduler.unreachable("one", ANNA)
        assert desk.wanted(Cancel) == []
        desk.now += 1
        desk.scheduler.unreachable("one", ANNA)
        assert desk.wanted(Cancel) == [Cancel("one")]
        desk.scheduler.unreachable("one", ANNA)
        assert desk.wanted(Cancel) == []  # once is enough

    def test_a_client_that_is_gone_gives_its_room_back(self) -> None:
        desk = Desk(5 * MB)
        desk.submit(ANNA, "one", layer(1), attached=False)
        desk.submit(CARL, "two", layer(2), attached=False)
        assert desk.told("two") == ["progress"]
        desk.scheduler.unreachable("one", ANNA)
        assert desk.told("two") == ["progress", "need"]

    def test_the_same_connection_is_not_asked_anew(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1), attached=False)
        assert desk.scheduler.fetch(ANNA, "one")
        assert desk.told("one") == ["need"]
        assert not desk.scheduler.fetch(ANNA, "two")

    def test_a_running_job_ends_when_the_pool_says_so(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1))
        desk.write_all()
        desk.scheduler.dispatch(1)
        desk.scheduler.cancel(ANNA, "one")
        assert desk.state("one") == "running"
        desk.scheduler.result("one", {"layers": [], "seconds": 0.1})  # it was quicker
        assert [a.job for a in desk.wanted(Store)] == ["one"]
        desk.scheduler.stored("one")
        assert [a.client for a in desk.wanted(Deliver)] == [ANNA]

    def test_everybody_hears_every_two_seconds(self) -> None:
        desk = Desk(10 * MB)
        for number, job in enumerate(("running", "queued", "waiting", "held")):
            desk.submit(ANNA, job, layer(number), size=3 * MB, attached=job != "waiting")
            desk.write_all()
            if job == "running":
                desk.scheduler.dispatch(1)
        desk.actions()
        desk.now += KEEPALIVE + 0.1
        desk.scheduler.tick()
        said = {a.job: (a.kind, a.body.get("message")) for a in desk.wanted(Tell)}
        assert said == {
            "running": ("progress", ""),
            "queued": ("accepted", None),
            "waiting": ("progress", "Waiting for its layers"),
            "held": ("progress", "Waiting for room for its layers"),
        }
        desk.scheduler.tick()
        assert desk.actions() == []

    def test_previews_wait_for_those_who_look(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1))
        desk.write_all()
        desk.scheduler.dispatch(1)
        desk.actions()

        def shown() -> int:
            desk.scheduler.preview("one", {"buffer": b""}, b"pixels")
            return len(desk.wanted(Tell))

        assert [shown(), shown()] == [1, 0]
        desk.scheduler.seen(ANNA, "one")
        assert [shown(), shown()] == [1, 0]
        desk.now += PREVIEW_PATIENCE + 0.1
        assert shown() == 1


class TestLimits:
    def test_one_client_s_share_is_a_part(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scheduler_module, "MAX_OF_ONE", 2)
        monkeypatch.setattr(scheduler_module, "MAX_JOBS", 3)
        desk = Desk()
        for job in ("a1", "a2"):
            desk.submit(ANNA, job, layer(1))
        with pytest.raises(ScumbleError, match="queue is full"):
            desk.submit(ANNA, "a3", layer(1))
        desk.submit(CARL, "c1", layer(1))
        with pytest.raises(ScumbleError, match="queue is full"):
            desk.submit(CARL, "c2", layer(1))
        desk.scheduler.cancel(ANNA, "a1")
        desk.submit(CARL, "c2", layer(1))

    def test_a_fetched_job_still_counts_to_who_submitted_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scheduler_module, "MAX_OF_ONE", 1)
        desk = Desk()
        desk.submit(ANNA, "a1", layer(1))
        desk.scheduler.fetch(CARL, "a1")
        desk.submit(CARL, "c1", layer(1))
        desk.scheduler.cancel(CARL, "a1")
        desk.submit(ANNA, "a2", layer(1))

    def test_a_job_s_name_is_used_once(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1))
        with pytest.raises(ScumbleError, match="submitted already"):
            desk.submit(CARL, "one", layer(1))


class TestEnd:
    def test_everything_ends_with_the_daemon(self) -> None:
        desk = Desk(10 * MB)
        for number in range(4):
            desk.submit(ANNA, f"job{number}", layer(number), attached=number != 1)
        desk.actions()
        desk.scheduler.shutdown()
        assert [desk.told(f"job{number}")[-1] for number in range(4)] == ["error"] * 4
        desk.scheduler.written(layer(0), Path("late"), None)
        assert desk.wanted(Remove) == [Remove([Path("late")])]

    def test_a_result_of_a_job_that_has_ended_leaves_no_file(self) -> None:
        desk = Desk()
        desk.scheduler.result("old", {"layers": [{"pixels": {"path": "left.px"}}, {"pixels": {}}], "seconds": 1.0})
        assert desk.wanted(Remove) == [Remove([Path("left.px")])]

    def test_a_result_that_can_t_be_kept_is_an_error(self) -> None:
        desk = Desk()
        desk.submit(ANNA, "one", layer(1))
        desk.write_all()
        desk.scheduler.dispatch(1)
        desk.scheduler.result("one", {"layers": [], "seconds": 1.0})
        desk.scheduler.failed("one", WRONG)
        assert desk.told("one")[-1] == "error"
        assert len(desk.scheduler) == 0
