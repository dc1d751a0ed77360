"""The queue's order."""

from __future__ import annotations

from scumble.daemon.jobs import Client, Job, Queue
from scumble.daemon.submission import Submission


def job(name: str, client: str, priority: str = "interactive") -> Job:
    return Job(name, Client(None, client.encode()), Submission("identity", {}, 0, priority, None, {}, {}), 0.0)


def drain(queue: Queue) -> list[str]:
    out = []
    while (next_one := queue.pop()) is not None:
        out.append(next_one.id)
    return out


def filled(*jobs: Job) -> Queue:
    queue = Queue()
    for one in jobs:
        queue.push(one)
    return queue


def test_interactive_first_then_in_turn_among_clients() -> None:
    jobs = [
        job("b1", "x", "batch"),
        job("a1", "anna"),
        job("a2", "anna"),
        job("a3", "anna"),
        job("c1", "carl"),
        job("b2", "y", "batch"),
        job("b3", "x", "batch"),
    ]
    queue = filled(*jobs)
    expected = ["a1", "c1", "a2", "a3", "b1", "b2", "b3"]
    assert [j.id for j in queue] == expected
    assert [queue.position(j) for j in jobs] == [expected.index(j.id) for j in jobs]
    assert len(queue) == 7
    assert drain(queue) == expected
    assert len(queue) == 0


def test_removing() -> None:
    first, second = job("1", "a"), job("2", "a")
    queue = filled(first, second)
    queue.remove(first)
    queue.remove(first)
    assert drain(queue) == ["2"]


def test_a_client_that_floods_does_not_starve_another() -> None:
    queue = filled(*(job(f"f{i}", "flood") for i in range(100)))
    assert queue.pop()
    queue.push(job("mine", "quiet"))
    assert [j.id for j in queue].index("mine") <= 1
