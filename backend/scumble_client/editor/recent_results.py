"""The last results, which an artist shows, hides, keeps or discards: by number, and within bounds of count and memory."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from ..request import Pixels
from .provenance import Provenance


@dataclass
class RecentResult:
    """A result at hand: the picture of it, the request, and its pixels for as long as there is room for them.

    `layer` is the editor's id of the layer that shows it; empty where it is not a layer (a variation not looked at).
    """

    name: str
    provenance: Provenance
    document: Any
    place: Any
    group: str
    picture: Any = None
    layer: str = ""
    pixels: Optional[Pixels] = None

    @property
    def bytes(self) -> int:
        return memoryview(self.pixels.data).nbytes if self.pixels else 0


class RecentResults:
    """The last results, newest first; the oldest go when there are too many, their pixels when they take too much.

    Results that came out of one run have the same `group`.
    """

    def __init__(self, count: int = 12, limit: int = 512 << 20) -> None:
        self.count, self.limit = count, limit
        self._kept: "OrderedDict[int, RecentResult]" = OrderedDict()
        self._next = 0

    def __iter__(self) -> Any:
        return iter(reversed(list(self._kept.values())))

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, kept: RecentResult) -> int:
        """Keep one; its number."""
        self._next += 1
        self._kept[self._next] = kept
        self.prune()
        return self._next

    def numbered(self) -> Dict[int, RecentResult]:
        """By number, newest first."""
        return dict(reversed(list(self._kept.items())))

    def get(self, number: int) -> Optional[RecentResult]:
        return self._kept.get(number)

    def remove(self, number: int) -> Optional[RecentResult]:
        return self._kept.pop(number, None)

    def siblings(self, number: int) -> List[RecentResult]:
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
