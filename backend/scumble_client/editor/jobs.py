"""Bookkeeping of runs: what was asked for, and how far it is, in words."""

from dataclasses import dataclass, field
from typing import Any, List, Optional

from ..client import Job
from ..errors import ScumbleError
from .provenance import Provenance

STATES = ("reading", "sending", "queued", "running", "placing", "done", "failed", "cancelled")


@dataclass
class Entry:
    """One run. `document` and `place` are the editor's own: what they are, it alone knows."""

    title: str
    provenance: Provenance
    document: Any = None
    place: Any = None
    state: str = "reading"
    job: Optional[Job] = None
    cancelled: bool = False
    error: Optional[ScumbleError] = None
    notes: List[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def fraction(self) -> float:
        """0 to 1, for a progress bar."""
        if self.state in ("placing", "done"):
            return 1.0
        return self.job.fraction if self.job else 0.0


def progress_text(entry: Entry) -> str:
    """How far a run is, in a few words."""
    job = entry.job
    if entry.cancelled and not entry.ended:
        return "Cancelling"
    if entry.state == "reading":
        return "Reading layers"
    if entry.state == "placing":
        return "Adding the layer"
    if entry.ended:
        return {"done": "Done", "failed": "Failed", "cancelled": "Cancelled"}[entry.state]
    if job is None:
        return "Sending"
    text = job_text(job)
    if job.state in ("waiting", "queued"):
        return text
    percent = f"{round(100 * job.fraction)} %"
    return f"{text}, {percent}" if text else percent


def job_text(job: Job) -> str:
    """What goes on with a job at the moment; empty where the daemon says nothing."""
    if job.state == "waiting":
        return "Sending"
    if job.state == "queued":
        return "Next in the queue" if job.position == 0 else f"{job.position} before it in the queue"
    return job.message
