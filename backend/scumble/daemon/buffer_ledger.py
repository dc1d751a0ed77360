"""The account of the buffers that clients have sent: where each lies, which jobs need it, and what there is room for.

It promises room before it is used: a job is let in only when all that jobs of before may still bring fits beside it. So
what a job needs is never dropped, and no two jobs wait for each other's room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .submission import MAX_PROFILE

Sizes = Mapping[bytes, int | None]
"""Buffers by digest, with their bytes; None for a profile, whose length is known when it is there."""


@dataclass(frozen=True)
class StoredBuffer:
    """A file with a buffer's bytes, how many, and their checksum where it is known."""

    path: Path
    size: int
    check: int | None


@dataclass
class _Claim:
    size: int
    jobs: int


class BufferLedger:
    """At most `limit` bytes, of which the least recently used that nobody claims go first.

    A buffer is absent, being written, or present; and claimed by the jobs that have been let in and need it, or not.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._present: dict[bytes, StoredBuffer] = {}
        self._unclaimed: OrderedDict[bytes, None] = OrderedDict()
        """Those present ones that may be dropped, the least recently used first."""
        self._writing: dict[bytes, int] = {}
        self._claims: dict[bytes, _Claim] = {}
        self._bytes = 0
        """Of what is present or being written."""
        self._committed = 0
        """Of what is claimed or being written: it can't be dropped."""

    def __contains__(self, name: bytes) -> bool:
        """Whether it is present."""
        return name in self._present

    def get(self, name: bytes) -> StoredBuffer | None:
        return self._present.get(name)

    def is_written(self, name: bytes) -> bool:
        """Whether it is on its way into a file."""
        return name in self._writing

    def could_hold(self, sizes: Sizes) -> bool:
        """Whether these would have room if there were nothing else."""
        return sum(size or 0 for size in sizes.values()) <= self._limit

    def fits(self, sizes: Sizes) -> bool:
        """Whether these can be claimed now: beside everything that can't be dropped."""
        more = sum(
            self._expected(name, size)
            for name, size in sizes.items()
            if name not in self._claims and name not in self._writing
        )
        return not self._committed or self._committed + more <= self._limit

    def claim(self, sizes: Sizes) -> None:
        """Keep room for these, and those that are present where they are, until they are released."""
        for name, size in sizes.items():
            claim = self._claims.get(name)
            if claim:
                claim.jobs += 1
                continue
            self._unclaimed.pop(name, None)
            self._claims[name] = claim = _Claim(self._writing.get(name, self._expected(name, size)), 1)
            if name not in self._writing:
                self._committed += claim.size

    def release(self, names: Iterable[bytes]) -> list[Path]:
        """One job less needs these; the files that are to be removed now."""
        for name in names:
            claim = self._claims[name]
            claim.jobs -= 1
            if claim.jobs:
                continue
            del self._claims[name]
            if name not in self._writing:
                self._committed -= claim.size
            if name in self._present:
                self._unclaimed[name] = None
        return self._shrink()

    def begin(self, name: bytes, size: int) -> list[Path]:
        """A claimed buffer is about to be written; the files that make room for it and are to be removed first."""
        claim = self._claims[name]
        assert name not in self._present
        assert name not in self._writing
        self._committed += size - claim.size
        claim.size = size
        self._writing[name] = size
        self._bytes += size
        return self._shrink()

    def finish(self, name: bytes, path: Path, check: int | None) -> None:
        """It has been written."""
        size = self._writing.pop(name)
        self._present[name] = StoredBuffer(path, size, check)
        if name not in self._claims:
            self._committed -= size
            self._unclaimed[name] = None

    def abort(self, name: bytes) -> None:
        """It could not be written."""
        size = self._writing.pop(name)
        self._bytes -= size
        if name not in self._claims:
            self._committed -= size

    def clear(self) -> list[Path]:
        """Forget everything; the files that are to be removed."""
        paths = [stored.path for stored in self._present.values()]
        for account in (self._present, self._unclaimed, self._writing, self._claims):
            account.clear()
        self._bytes = self._committed = 0
        return paths

    def describe(self) -> dict[str, Any]:
        """For `scumble status`."""
        return {"count": len(self._present), "bytes": self._bytes, "limit": self._limit}

    def _expected(self, name: bytes, size: int | None) -> int:
        stored = self._present.get(name)
        return stored.size if stored else MAX_PROFILE if size is None else size

    def _shrink(self) -> list[Path]:
        paths = []
        while self._bytes > self._limit and self._unclaimed:
            name, _ = self._unclaimed.popitem(last=False)
            stored = self._present.pop(name)
            self._bytes -= stored.size
            paths.append(stored.path)
        return paths
