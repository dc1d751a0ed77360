"""Runs in words, and which results stay at hand."""

from __future__ import annotations

import pytest

from scumble_client import Job, Pixels, ResultLayer
from scumble_client.editor.jobs import Entry, Kept, Results, progress_text, split
from scumble_client.editor.stored import Stored


def entry(state: str = "running", job_state: str | None = None, **job: object) -> Entry:
    made = Entry("Inpaint", Stored("inpaint", {}, 1), state=state)
    if job_state:
        made.job = Job(None, "1")
        made.job.state = job_state
        for name, value in job.items():
            setattr(made.job, name, value)
    return made


@pytest.mark.parametrize(
    ("run", "text", "fraction"),
    [
        (entry("reading"), "Reading layers", 0.0),
        (entry("sending", "waiting"), "Sending", 0.0),
        (entry("queued", "queued", position=0), "Next in the queue", 0.0),
        (entry("queued", "queued", position=3), "3 before it in the queue", 0.0),
        (entry("running", "running", fraction=0.254, message="Filling"), "Filling, 25 %", 0.254),
        (entry("running", "running", fraction=0.5), "50 %", 0.5),
        (entry("placing", "done", fraction=1.0), "Adding the layer", 1.0),
        (entry("done"), "Done", 1.0),
        (entry("failed"), "Failed", 0.0),
        (entry("cancelled"), "Cancelled", 0.0),
    ],
)
def test_progress_is_a_few_words(run: Entry, text: str, fraction: float) -> None:
    assert progress_text(run) == text
    assert run.fraction == fraction


def test_a_run_that_is_being_cancelled_says_so() -> None:
    run = entry("running", "running")
    run.cancelled = True
    assert progress_text(run) == "Cancelling"


def kept(name: str, group: str = "1", size: int = 0, layer: str = "", document: object = "d") -> Kept:
    pixels = Pixels(bytes(size), size, 1, "gray") if size else None
    return Kept(name, Stored("inpaint", {}, 1), document, None, group, pixels=pixels, layer=layer)


def test_the_newest_comes_first_and_the_oldest_goes() -> None:
    results = Results(count=2)
    for name in "abc":
        results.add(kept(name))
    assert [one.name for one in results] == ["c", "b"]
    assert [one.name for one in results.numbered().values()] == ["c", "b"]


def test_beyond_the_limit_layers_lose_their_pixels_and_the_others_go() -> None:
    results = Results(count=9, limit=150)
    results.add(kept("layer", size=100, layer="1"))
    results.add(kept("variation", size=100))
    results.add(kept("new", size=100))
    assert [(one.name, one.bytes) for one in results] == [("new", 100), ("layer", 0)]


def test_the_newest_stays_however_large() -> None:
    results = Results(limit=1)
    results.add(kept("huge", size=1000))
    assert [one.bytes for one in results] == [1000]


def test_siblings_are_of_the_same_run() -> None:
    results = Results()
    numbers = [results.add(kept(name, group)) for name, group in (("a", "1"), ("b", "1"), ("c", "2"))]
    assert [one.name for one in results.siblings(numbers[0])] == ["b"]


def test_a_closed_documents_results_are_forgotten() -> None:
    results = Results()
    results.add(kept("a", document="x"))
    results.add(kept("b", document="y"))
    results.forget_document("x")
    assert [one.name for one in results] == ["b"]


def test_a_removed_result_is_gone() -> None:
    results = Results()
    number = results.add(kept("a"))
    removed = results.remove(number)
    assert removed is not None
    assert results.get(number) is None
    assert results.remove(number) is None
    assert len(results) == 0


def test_each_variation_can_be_made_again_alone() -> None:
    pixels = Pixels(bytes(4), 1, 1)
    layers = [ResultLayer(f"Inpaint {seed}", pixels, seed) for seed in (7, 8)]
    first, second = split(layers, Stored("inpaint", {"variations": 2, "patch": 5}, 7))
    assert (first.seed, second.seed) == (7, 8)
    assert first.parameters == second.parameters == {"variations": 1, "patch": 5}


def test_a_single_result_keeps_its_parameters() -> None:
    layers = [ResultLayer("Inpaint 7", Pixels(bytes(4), 1, 1), 7)]
    assert split(layers, Stored("inpaint", {"variations": 3}, 7))[0].parameters == {"variations": 3}
