"""Damaged files by the thousands, in batches that each have a process of their own (see `support/damaged_files`)."""

from __future__ import annotations

from pathlib import Path

from tests.soak.size import figures, size, soak_only
from tests.support.damaged_files import read_many

BATCH = 1000


@soak_only
def test_20_000_damaged_files(tmp_path: Path) -> None:
    batches = [read_many(BATCH, 100 + number, tmp_path) for number in range(size(1, 20))]
    faults = [fault for one in batches for fault in one.faults]
    figures("damaged files", read=sum(b.read for b in batches), refused=sum(b.refused for b in batches), faults=faults)
    assert faults == []
    assert sum(b.read + b.refused for b in batches) == BATCH * len(batches)
