"""Files that can't be removed yet: Windows refuses while somebody has them mapped. Nobody waits for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.daemon.removal import AGAIN, Remover


def test_what_is_in_use_is_removed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    mapped, free = tmp_path / "mapped", tmp_path / "free"
    for path in (mapped, free):
        path.write_bytes(b"x")
    unlink = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self == mapped:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        unlink(self, missing_ok)

    remover = Remover(lambda: now[0])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        remover.remove([mapped, free, tmp_path / "never there"])
        assert (mapped.exists(), free.exists(), len(remover)) == (True, False, 1)
        now[0] += AGAIN
        remover.retry()
        assert len(remover) == 1
    remover.retry()
    assert mapped.exists()  # not yet: it is tried now and then
    now[0] += AGAIN
    remover.retry()
    assert (mapped.exists(), len(remover)) == (False, 0)
