"""The pool of local workers: one for each device, starts that fail, deaths, and its end. The workers are stand-ins.

Cancelling, killing and replacing real workers is in tests/daemon.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq

from scumble.daemon.pools import children
from scumble.daemon.pools.base import Task
from scumble.daemon.pools.local import RETRY, START_PATIENCE, LocalPool
from scumble_client.errors import ScumbleError
from scumble_client.paths import process_alive
from scumble_client.system.kind import WINDOWS
from tests.support import fake_worker
from tests.support.daemon import ROOT, wait_for
from tests.support.systems import pretend


class Ear:
    """The scheduler's side: what the pool has told it."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, float, str]] = []
        self.results: list[str] = []
        self.errors: list[tuple[str, ScumbleError]] = []

    def progress(self, job: str, fraction: float, message: str) -> None:
        self.heard.append((job, fraction, message))

    def preview(self, job: str, pixels: dict[str, Any], data: bytes) -> None:
        pass

    def result(self, job: str, body: dict[str, Any]) -> None:
        self.results.append(job)

    def failed(self, job: str, error: ScumbleError) -> None:
        self.errors.append((job, error))


class Bench:
    """A pool with its ear; `until` does what the broker's loop does."""

    def __init__(self, tmp_path: Path, start: Callable[..., LocalPool]) -> None:
        self.told = tmp_path / "told"
        self.tell(devices=["cpu"])
        self.start = start
        self.ear = Ear()
        self.log = tmp_path / "scumble.log"

    def tell(self, **behaviour: Any) -> None:
        self.told.write_text(json.dumps(behaviour))

    def open(self, device: str = "auto", **more: Any) -> LocalPool:
        self.pool = self.start(device, log_path=self.log, **more)
        self.pool.listener = self.ear
        self.pool.start()
        return self.pool

    def until(self, condition: Callable[[], Any]) -> None:
        def step() -> Any:
            poller = zmq.Poller()
            for pollable in self.pool.pollable:
                poller.register(pollable, zmq.POLLIN)
            poller.poll(10)
            self.pool.handle()
            self.pool.tick()
            return condition()

        wait_for(step, 30)

    def states(self) -> list[str]:
        return [worker["state"] for worker in self.pool.status()]

    def run(self, job: str, operation: str) -> None:
        self.until(lambda: self.pool.free)
        self.pool.run(Task(job, operation, {}, 0, {}))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" -m {fake_worker.__name__} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr("scumble.daemon.pools.local.sys.executable", str(program))
    monkeypatch.setenv("FAKE_WORKER", str(tmp_path / "told"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "backend")]))
    context: zmq.Context[Any] = zmq.Context()
    started: list[LocalPool] = []

    def start(device: str, **more: Any) -> LocalPool:
        endpoint = f"ipc://@scumble-{tmp_path.name}-{time.monotonic_ns()}"
        started.append(LocalPool(context, endpoint, device, [tmp_path], 300.0, **more))
        return started[-1]

    yield Bench(tmp_path, start)
    for pool in started:
        pool.stop()
    context.term()


class TestDevices:
    def test_one_worker_for_each_that_there_is(self, bench: Bench) -> None:
        bench.tell(devices=["cuda:0", "cuda:1", "cuda:2"])
        bench.open()
        bench.until(lambda: bench.states() == ["idle"] * 3)
        assert [worker["device"] for worker in bench.pool.status()] == ["cuda:0", "cuda:1", "cuda:2"]
        assert bench.pool.free == 3

    def test_one_only_where_it_was_named(self, bench: Bench) -> None:
        bench.tell(devices=["cuda:0", "cuda:1"])
        bench.open("cuda:1")
        bench.until(lambda: bench.states() == ["idle"])
        assert [worker["name"] for worker in bench.pool.status()] == ["the cuda:1"]

    def test_several_for_one_device(self, bench: Bench) -> None:
        bench.open(workers_per_device=2)
        bench.until(lambda: bench.states() == ["idle"] * 2)

    def test_starting_twice_is_starting_once(self, bench: Bench) -> None:
        bench.open().start()
        assert len(bench.pool.status()) == 1

    def test_jobs_run_side_by_side(self, bench: Bench) -> None:
        bench.tell(devices=["cuda:0", "cuda:1"])
        bench.open()
        bench.until(lambda: bench.pool.free == 2)
        bench.run("one", "stuck")
        bench.run("two", "echo")
        bench.until(lambda: bench.ear.results == ["two"])
        assert bench.states() == ["busy", "idle"]


class TestJobs:
    def test_what_the_broker_hears(self, bench: Bench) -> None:
        bench.open()
        bench.run("a", "echo")
        assert bench.pool.free == 0
        bench.until(lambda: bench.ear.results == ["a"])
        assert bench.ear.heard == [("a", 0.5, "Working")]  # and nothing of jobs that are not its own
        assert bench.pool.free == 1
        assert bench.pool.status()[0]["models"] == ["net"]

    def test_a_cancelled_job_may_still_give_its_result(self, bench: Bench) -> None:
        bench.open()
        bench.run("a", "late")
        bench.pool.cancel("a")
        bench.until(lambda: bench.ear.results == ["a"])
        assert bench.ear.errors == []
        bench.run("b", "echo")  # and the deadline of the first is forgotten
        bench.until(lambda: bench.ear.results == ["a", "b"])

    def test_cancelling_what_is_not_there_is_nothing(self, bench: Bench) -> None:
        bench.open()
        bench.run("a", "stuck")
        bench.pool.cancel("b")
        assert bench.states() == ["busy"]

    def test_a_worker_that_dies_is_replaced_and_its_job_told(self, bench: Bench) -> None:
        bench.open()
        bench.run("a", "die")
        first = bench.pool.status()[0]["pid"]
        bench.until(lambda: bench.ear.errors and bench.pool.free)
        ((job, error),) = bench.ear.errors
        assert (job, error.code) == ("a", "worker_died")
        assert str(bench.log) in error.hint
        assert bench.pool.status()[0]["pid"] != first

    def test_an_idle_worker_that_dies_costs_nothing(self, bench: Bench) -> None:
        bench.open()
        bench.until(lambda: bench.pool.free)
        process = next(iter(bench.pool._processes.values()))
        process.child.kill()
        bench.until(lambda: bench.pool.status()[0]["pid"] != process.child.pid and bench.pool.free)
        assert bench.ear.errors == []


class TestFailedStarts:
    def test_after_three_the_next_job_is_told_and_another_start_is_tried(self, bench: Bench) -> None:
        bench.tell(dies=True)
        bench.open()
        bench.until(lambda: bench.pool.free)
        assert bench.pool.status() == []
        bench.run("a", "echo")
        ((job, error),) = bench.ear.errors
        assert (job, error.code) == ("a", "worker_died")
        assert "does not start" in error.message
        assert str(bench.log) in error.hint
        bench.tell(devices=["cpu"])  # what was wrong is mended
        bench.run("b", "echo")
        bench.until(lambda: bench.ear.results == ["b"])

    def test_one_or_two_are_forgiven(self, bench: Bench) -> None:
        bench.tell(dies=True)
        bench.open()
        first = bench.pool.status()[0]["worker"]
        bench.until(lambda: bench.pool.status()[0]["worker"] != first)
        bench.tell(devices=["cpu"])
        bench.run("a", "echo")
        bench.until(lambda: bench.ear.results == ["a"])
        assert bench.ear.errors == []

    def test_one_broken_card_of_two_costs_no_job_and_is_tried_again(self, bench: Bench) -> None:
        now = [0.0]
        bench.tell(devices=["cuda:0", "cuda:1"], broken=["cuda:0"])
        bench.open(clock=lambda: now[0])
        bench.until(lambda: bench.states() == ["idle"])  # the other one, when this one's starts have failed
        assert bench.pool.free == 1
        for job in ("a", "b", "c"):
            bench.run(job, "echo")
            bench.until(partial(bench.ear.results.__contains__, job))
        assert bench.ear.errors == []
        bench.tell(devices=["cuda:0", "cuda:1"])  # it is mended
        now[0] += 3600
        bench.until(lambda: bench.states() == ["idle"] * 2)
        assert sorted(worker["device"] for worker in bench.pool.status()) == ["cuda:0", "cuda:1"]

    def test_a_death_is_noticed_while_a_child_holds_the_log_open(self, bench: Bench) -> None:
        bench.open()
        bench.run("a", "die-leaving-a-child")
        bench.until(lambda: bench.ear.errors)
        ((job, error),) = bench.ear.errors
        assert (job, error.code) == ("a", "worker_died")
        bench.run("b", "echo")
        bench.until(lambda: bench.ear.results == ["b"])


class TestOneBrokenOfTwo:
    def test_it_is_tried_again_ever_more_rarely(self, bench: Bench) -> None:
        now = [1000.0]
        bench.tell(devices=["cuda:0", "cuda:1"], broken=["cuda:1"])
        bench.open(clock=lambda: now[0])
        bench.until(lambda: bench.states() == ["idle"])
        now[0] += RETRY + 1
        bench.until(lambda: "starting" in bench.states())
        bench.until(lambda: bench.states() == ["idle"])
        bench.tell(devices=["cuda:0", "cuda:1"])  # what was wrong is mended
        now[0] += RETRY + 1
        bench.pool.tick()
        assert bench.states() == ["idle"]  # not yet
        now[0] += RETRY
        bench.until(lambda: bench.states() == ["idle", "idle"])
        assert bench.ear.errors == []

    def test_where_both_are_broken_the_job_is_told(self, bench: Bench) -> None:
        bench.tell(devices=["cuda:0", "cuda:1"], broken=["cuda:0", "cuda:1"])
        bench.open()
        bench.until(lambda: bench.pool.free and not bench.pool.status())
        bench.run("a", "echo")
        ((job, error),) = bench.ear.errors
        assert (job, error.code) == ("a", "worker_died")

    def test_one_that_never_gets_ready_is_ended(self, bench: Bench) -> None:
        now = [1000.0]
        bench.told.unlink()
        os.mkfifo(bench.told)  # it waits for somebody to write what it is to do
        bench.open(clock=lambda: now[0])
        first = bench.pool.status()[0]["worker"]
        now[0] += START_PATIENCE + 1
        bench.until(lambda: bench.pool.status()[0]["worker"] != first)


class TestProcesses:
    def test_windows_opens_no_console_for_a_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: dict[str, Any] = {}
        pretend(monkeypatch, WINDOWS)
        monkeypatch.setattr(
            "scumble.daemon.pools.children.subprocess.Popen", lambda command, **more: asked.update(more)
        )
        children.spawn(["program"], {})
        assert asked["creationflags"] & 0x0800_0000  # CREATE_NO_WINDOW

    def test_the_daemon_starts_them_in_one_place(self) -> None:
        folder = Path(children.__file__).parents[1]
        starting = [path for path in folder.rglob("*.py") if "subprocess.Popen(" in path.read_text()]
        assert starting == [Path(children.__file__)]


class TestEnd:
    def test_every_worker_ends_with_the_pool(self, bench: Bench) -> None:
        bench.tell(devices=["cuda:0", "cuda:1"])
        bench.open()
        bench.until(lambda: bench.pool.free == 2)
        bench.run("a", "stuck")
        pids = [worker["pid"] for worker in bench.pool.status()]
        bench.pool.stop()
        assert not any(process_alive(pid) for pid in pids)

    def test_a_worker_ends_with_its_parent(self, bench: Bench) -> None:
        """Its standard input closes when the broker is gone, however that went."""
        bench.open()
        bench.until(lambda: bench.pool.free)
        process = next(iter(bench.pool._processes.values()))
        assert process.child.stdin
        process.child.stdin.close()
        wait_for(lambda: process.child.poll() is not None)
