"""Bookkeeping of jobs: what was asked for, how far it is, in words, and which results are still at hand."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from ..client import Job
from ..errors import ScumbleError
from ..request import Pixels, ResultLayer
from .stored import Stored

STATES = ("reading", "sending", "queued", "running", "placing", "done", "failed", "cancelled")


@dataclass
class Entry:
    """One run. `document` and `place` are the editor's own: what they are, it alone knows."""

    title: str
    stored: Stored
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
    if job is None or job.state == "waiting":
        return "Sending"
    if job.state == "queued":
        return "Next in the queue" if job.position == 0 else f"{job.position} before it in the queue"
    percent = f"{round(100 * job.fraction)} %"
    return f"{job.message}, {percent}" if job.message else percent


@dataclass
class Kept:
    """A result at hand: the picture of it, the request, and its pixels for as long as there is room for them.

    `layer` is the editor's id of the layer that shows it; empty where it is not a layer (a variation not looked at).
    """

    name: str
    stored: Stored
    document: Any
    place: Any
    group: str
    picture: Any = None
    layer: str = ""
    pixels: Optional[Pixels] = None

    @property
    def bytes(self) -> int:
        return memoryview(self.pixels.data).nbytes if self.pixels else 0


class Results:
    """The last results, newest first; the oldest go when there are too many, their pixels when they take too much.

    Results that came out of one run have the same `group`.
    """

    def __init__(self, count: int = 12, limit: int = 512 << 20) -> None:
        self.count, self.limit = count, limit
        self._kept: "OrderedDict[int, Kept]" = OrderedDict()
        self._next = 0

    def __iter__(self) -> Any:
        return iter(reversed(list(self._kept.values())))

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, kept: Kept) -> int:
        """Keep one; its number."""
        self._next += 1
        self._kept[self._next] = kept
        self.prune()
        return self._next

    def numbered(self) -> Dict[int, Kept]:
        """By number, newest first."""
        return dict(reversed(list(self._kept.items())))

    def get(self, number: int) -> Optional[Kept]:
        return self._kept.get(number)

    def remove(self, number: int) -> Optional[Kept]:
        return self._kept.pop(number, None)

    def siblings(self, number: int) -> List[Kept]:
        """The others of the same run."""
        own = self._kept[number]
        return [k for n, k in self._kept.items() if n != number and k.group == own.group]

    def forget_document(self, document: Any) -> None:
        """Drop what belongs to a document that was closed."""
        for number in [n for n, k in self._kept.items() if k.document == document]:
            del self._kept[number]

    def prune(self) -> None:
        """Keep to the limits. A variation that is not a layer goes as a whole when its pixels must go."""
        while len(self._kept) > self.count:
            self._kept.popitem(last=False)
        held = sum(k.bytes for k in self._kept.values())
        for number, kept in list(self._kept.items())[:-1]:  # the newest stays, however large
            if held <= self.limit:
                break
            held -= kept.bytes
            kept.pixels = None
            if not kept.layer:
                del self._kept[number]


def split(layers: List[ResultLayer], stored: Stored) -> List[Stored]:
    """The request of each of a result's layers: a variation is made again by its own seed, alone."""
    out = []
    for layer in layers:
        parameters = dict(stored.parameters)
        if len(layers) > 1 and "variations" in parameters:
            parameters["variations"] = 1
        out.append(Stored(stored.operation, parameters, layer.seed, stored.sources, stored.mask, stored.extra))
    return out
