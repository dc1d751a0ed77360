"""Jobs on a real Ray cluster: two nodes and a head on this machine, real daemon, real client."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scumble_client import Client, Pixels, Request, ScumbleError
from scumble_client.paths import process_alive
from tests.conftest import _enter
from tests.soak.size import soak_only
from tests.support.daemon import LOOK, Daemon, Folders, ending, looked_at, request, status, wait_for
from tests.support.ray_cluster import RayCluster, ray_cluster
from tests.support.ray_soak import batch_with_a_killed_node

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Folders, RayCluster, list[object]]]:
    folders = Folders(tmp_path_factory.mktemp("ray"))
    with ray_cluster(folders.environment) as cluster:
        yield folders, cluster, [cluster.add(), cluster.add()]
    shutil.rmtree(folders.runtime, ignore_errors=True)


@pytest.fixture(scope="module")
def daemon(nodes: tuple[Folders, RayCluster, list[object]]) -> Iterator[Daemon]:
    folders, cluster, _ = nodes
    with ending(folders):
        running = Daemon(folders, "--pool", "ray", "--address", cluster.address, "--cores", "1")
        yield running
        running.stop()


@pytest.fixture
def client(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    _enter(daemon.folders, monkeypatch)
    with Client("test", launch=False) as one:
        yield one


def workers(client: Client) -> list[dict[str, object]]:
    return [w for w in status(client)["workers"] if w["state"] in ("idle", "busy")]


def test_every_node_gets_its_worker(client: Client) -> None:
    client.wait(client.submit(request("identity")), 240)
    wait_for(lambda: len(workers(client)) == 2, 240)
    assert len({w["node"] for w in workers(client)}) == 2
    assert status(client)["pool"] == "ray"


def test_pixels_come_back_as_from_a_local_worker(client: Client) -> None:
    sent = Pixels(bytes([10, 20, 30, 255]) * 6, 3, 2, "bgra", x=-4, y=2)
    back = client.wait(client.submit(Request("test-slow", {"image": sent})), 240).layers[0].pixels
    assert (bytes(back.data), back.layout) == (bytes([245, 235, 225, 0]) * 6, "bgra")
    assert (back.x, back.y) == (-4, 2)
    profiled = Pixels(bytes(12), 2, 2, "rgb", colour="icc", icc=b"a profile's bytes")
    back = client.wait(client.submit(Request("identity", {"image": profiled})), 240).layers[0].pixels
    assert (back.colour, back.icc) == ("icc", b"a profile's bytes")
    with pytest.raises(ScumbleError, match="no pixels"):
        client.wait(client.submit(Request("identity", {"image": Pixels(b"", 0, 0)})), 240)


def test_a_view_comes_from_there(client: Client) -> None:
    assert looked_at(client) == LOOK


def test_progress_and_previews_come(client: Client) -> None:
    told: list[str] = []
    shown = Request("test-showing", {"image": Pixels(bytes(4), 1, 1)}, {"seconds": 2.0}, previews=40)
    job = client.submit(shown)
    client.wait(job, 300, progress=lambda j: told.append(j.message))
    assert "Showing" in told
    assert job.preview
    assert (job.preview.width, job.preview.height) == (40, 20)


def test_a_cancel_is_cooperative_first(client: Client, tmp_path: Path) -> None:
    marker = tmp_path / "began"
    job = client.submit(request("test-slow", seconds=600, marker=str(marker)))
    wait_for(lambda: marker.exists() and marker.read_text())
    client.cancel(job)
    with pytest.raises(ScumbleError, match="cancelled"):
        client.wait(job, 240)
    assert process_alive(int(marker.read_text()))


def test_a_deaf_one_is_ended_and_its_actor_replaced(client: Client, tmp_path: Path) -> None:
    wait_for(lambda: len(workers(client)) == 2, 240)
    marker = tmp_path / "began"
    job = client.submit(request("test-deaf", seconds=600, marker=str(marker)))
    wait_for(lambda: marker.exists() and marker.read_text())
    client.cancel(job)
    with pytest.raises(ScumbleError) as raised:
        client.wait(job, 240)
    assert raised.value.code == "cancelled"
    wait_for(lambda: not process_alive(int(marker.read_text())))
    wait_for(lambda: len(workers(client)) == 2, 240)


def test_a_defect_names_the_log(daemon: Daemon, client: Client) -> None:
    with pytest.raises(ScumbleError) as raised:
        client.wait(client.submit(request("test-broken")), 240)
    assert raised.value.code == "internal"
    assert str(daemon.folders.log) in raised.value.hint
    wait_for(lambda: "ZeroDivisionError" in daemon.folders.log.read_text())


def test_weights_are_loaded_once_in_each_actor(client: Client) -> None:
    wait_for(lambda: len(workers(client)) == 2, 240)
    pids = {w["pid"] for w in workers(client)}
    results = [client.wait(client.submit(request("test-warm", value)), 240) for value in range(10)]
    loads = [int(np.frombuffer(result.layers[0].pixels.data, np.uint8)[0]) for result in results]
    models = [w for w in workers(client) if w["models"] == ["test model"]]
    assert {w["pid"] for w in workers(client)} == pids
    assert sum(loads) == len(models) <= 2


@soak_only
def test_a_job_that_ends_every_actor_is_told_so(client: Client) -> None:
    with pytest.raises(ScumbleError) as raised:
        client.wait(client.submit(request("test-deadly")), 240)
    assert raised.value.code == "worker_died"
    client.wait(client.submit(request("identity")), 240)


@soak_only
def test_a_lost_bridge_costs_no_job(client: Client, daemon: Daemon, tmp_path: Path) -> None:
    """The process that has Ray in it is killed; the daemon and its job live on."""
    marker, gate = tmp_path / "began", tmp_path / "gate"
    job = client.submit(request("test-gated", marker=str(marker), gate=str(gate)))
    wait_for(marker.exists)
    bridge = next(p for p in _children(daemon.process.pid) if "ray_bridge" in _command(p))
    os.kill(bridge, 9)
    wait_for(lambda: marker.stat().st_size == 2, 240)  # it is done again
    gate.write_text("2")
    client.wait(job, 240)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(number) for path in found for number in path.read_text().split()]


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def test_a_node_that_dies_in_a_batch_costs_no_picture(
    nodes: tuple[Folders, RayCluster, list[object]], daemon: Daemon, client: Client, tmp_path: Path
) -> None:
    _, cluster, there = nodes
    wait_for(lambda: len(workers(client)) == 2, 240)
    figures = batch_with_a_killed_node(tmp_path, 24, lambda: cluster.kill(there.pop()))
    print(figures)
    assert figures["done"] == 24
    wait_for(lambda: len(workers(client)) == 1, 240)
    there.append(cluster.add())  # and it grows again
    client.wait(client.submit(request("identity")), 240)
    wait_for(lambda: len(workers(client)) == 2, 240)


def test_a_cluster_that_is_not_there_is_one_clear_sentence(folders: Folders) -> None:
    with ending(folders):
        daemon = Daemon(folders, "--pool", "ray", "--address", "127.0.0.1:1")
        with Client("test", launch=False) as client:
            with pytest.raises(ScumbleError, match="can't be reached") as raised:
                client.wait(client.submit(request("identity")), 240)
            assert raised.value.code == "worker_died"
            assert "ray status" in raised.value.hint
        daemon.stop()
