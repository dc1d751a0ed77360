"""A batch of 200 pictures on a two-node Ray cluster, a node of which is killed in the middle; in CI tests/workers does 24."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scumble_client import Client
from tests.conftest import _enter
from tests.support.daemon import Folders, ending
from tests.support.ray_cluster import ray_cluster
from tests.support.ray_soak import batch_with_a_killed_node

from .size import figures, processes_of, soak_only, wait_for


@soak_only
def test_a_batch_of_200(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own daemon does it (none runs), and is gone afterwards."""
    folders = Folders(tmp_path)
    _enter(folders, monkeypatch)
    with ending(folders), ray_cluster(folders.environment) as cluster:
        nodes = [cluster.add(), cluster.add()]
        options = ("--address", cluster.address)
        found = batch_with_a_killed_node(tmp_path, 200, lambda: cluster.kill(nodes.pop()), options)
        with pytest.raises(Exception, match="not running"), Client("test", launch=False) as client:
            client.call("status")
        wait_for(lambda: [p for p in processes_of(folders.runtime) if _is_daemon(p)] == [])
    shutil.rmtree(folders.runtime, ignore_errors=True)
    figures("ray batch", **{k: v for k, v in found.items() if k not in ("failures", "not_pictures")})
    assert found["done"] == 200
    assert found["failed"] == 0


def _is_daemon(pid: int) -> bool:
    try:
        return b"scumble.daemon" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
