"""Runs in words."""

from __future__ import annotations

import pytest

from scumble_client import Job
from scumble_client.editor.jobs import Entry, job_text, progress_text
from scumble_client.editor.provenance import Provenance


def entry(state: str = "running", job_state: str | None = None, **job: object) -> Entry:
    made = Entry("Inpaint", Provenance("inpaint", {}, 1), state=state)
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


@pytest.mark.parametrize("state", ["waiting", "queued", "running"])
def test_a_job_says_the_same_alone_as_in_a_run(state: str) -> None:
    run = entry(state, state, position=2, message="Filling")
    assert run.job
    assert progress_text(run).startswith(job_text(run.job))
