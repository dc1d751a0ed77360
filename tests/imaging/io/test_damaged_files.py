"""Damaged files: no crash, no more memory than a stated size allows, one clear sentence. (`make soak` reads 20,000.)"""

from __future__ import annotations

from pathlib import Path

from tests.support.damaged_files import read_many


def test_500_damaged_files(tmp_path: Path) -> None:
    found = read_many(500, 1, tmp_path)
    assert found.faults == []
    assert found.read + found.refused == 500
    assert found.refused > 150, "most changes do damage"
    assert found.read > 50, "some are harmless, and then a file is read"
