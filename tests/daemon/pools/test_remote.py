"""The box in the next room: two daemons in two network namespaces, with a cable that is slow, lossy, and cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scumble_client import Client, Pixels, Request, ScumbleError
from tests.conftest import _enter
from tests.support.cable import NamespaceCable, namespaces_work
from tests.support.daemon import LOOK, looked_at, request, status, wait_for
from tests.support.two_machines import TwoMachines, stranger, two_machines


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoMachines]:
    """20 ms and 2 % loss each way: a bad wireless link."""
    with two_machines(tmp_path_factory.mktemp("studio"), delay=0.02, loss=0.02) as machines:
        machines.start_box()
        with pytest.MonkeyPatch.context() as patch:
            _enter(machines.box_folders, patch)
            with Client("test", launch=False) as client:
                machines.endpoint = machines.cable.reach(machines.port(client))
        machines.start_laptop(machines.endpoint)
        yield machines


@pytest.fixture
def machines(running: TwoMachines, monkeypatch: pytest.MonkeyPatch) -> TwoMachines:
    _enter(running.laptop_folders, monkeypatch)
    return running


@pytest.fixture
def client(machines: TwoMachines) -> Iterator[Client]:
    with Client("test", launch=False) as one:
        yield one


def photo(side: int = 256, seed: int = 0) -> Pixels:
    """Smooth, with a little noise, as photographs are."""
    y, x = np.mgrid[:side, :side]
    noise = np.random.default_rng(seed).integers(0, 4, (side, side, 4))
    return Pixels(((np.sin(x / 40) * 60 + np.cos(y / 30) * 60 + 128)[..., None] + noise).astype(np.uint8), side, side)


def test_where_namespaces_should_work_they_do() -> None:
    if os.environ.get("SCUMBLE_CI"):
        assert namespaces_work()


def test_a_layer_goes_there_and_comes_back(machines: TwoMachines, client: Client) -> None:
    sent = photo()
    back = client.wait(client.submit(Request("test-slow", {"image": sent})), 240).layers[0].pixels
    assert np.array_equal(np.frombuffer(back.data, np.uint8), 255 - np.frombuffer(memoryview(sent.data), np.uint8))
    odd = Pixels(bytes([10, 20, 30, 255]) * 6, 3, 2, "bgra", x=-4, y=2)
    back = client.wait(client.submit(Request("test-slow", {"image": odd})), 240).layers[0].pixels
    assert (bytes(back.data), back.layout, back.x, back.y) == (bytes([245, 235, 225, 0]) * 6, "bgra", -4, 2)
    profiled = Pixels(bytes(12), 2, 2, "rgb", colour="icc", icc=b"a profile's bytes")
    back = client.wait(client.submit(Request("identity", {"image": profiled})), 240).layers[0].pixels
    assert (back.colour, back.icc) == ("icc", b"a profile's bytes")


def test_a_layer_travels_once(machines: TwoMachines, client: Client) -> None:
    layer = photo(512, 1)
    client.wait(client.submit(Request("identity", {"image": layer})), 240)
    before = machines.cable.carried
    client.wait(client.submit(Request("test-warm", {"image": layer})), 240)  # its result is one value everywhere
    assert machines.cable.carried - before < 100_000 < memoryview(layer.data).nbytes


def test_a_slow_link_has_its_layers_packed(machines: TwoMachines, client: Client) -> None:
    found = wait_for(lambda: next((w for w in status(client)["workers"] if w.get("packing")), None))
    assert found["state"] == "ready"
    assert found["bytes_per_second"] < 12e6
    layer = photo(512, 2)
    before = machines.cable.carried
    client.wait(client.submit(Request("test-slow", {"image": layer})), 240)
    assert machines.cable.carried - before < 1.6 * memoryview(layer.data).nbytes  # there and back


def test_a_view_comes_from_there(client: Client) -> None:
    assert looked_at(client) == LOOK


def test_progress_previews_and_cancel(client: Client, tmp_path: Path) -> None:
    told: list[str] = []
    job = client.submit(Request("test-showing", {"image": photo(8)}, {"seconds": 1.5}, previews=40))
    client.wait(job, 60, progress=lambda j: told.append(j.message))
    assert "Showing" in told
    assert job.preview
    marker = tmp_path / "began"
    job = client.submit(request("test-slow", seconds=600, marker=str(marker)))
    wait_for(marker.exists)
    client.cancel(job)
    with pytest.raises(ScumbleError, match="cancelled"):
        client.wait(job, 240)


def test_an_error_there_is_an_error_here(client: Client) -> None:
    with pytest.raises(ScumbleError) as raised:
        client.wait(client.submit(request("test-deadly")), 240)
    assert raised.value.code == "worker_died"
    client.wait(client.submit(request("identity")), 240)


def test_status_shows_both(client: Client) -> None:
    client.wait(client.submit(request("identity")), 240)
    wait_for(lambda: [w for w in status(client)["workers"] if w["device"] == "cpu" and w["state"] in ("idle", "busy")])


def test_a_cut_cable_costs_a_running_job_nothing(machines: TwoMachines, client: Client, tmp_path: Path) -> None:
    """The job goes on there, and is found again; it is not done twice."""
    marker, gate = tmp_path / "began", tmp_path / "gate"
    job = client.submit(request("test-gated", 3, marker=str(marker), gate=str(gate)))
    wait_for(marker.exists)
    machines.cable.cut()
    wait_for(lambda: "can't be reached; waiting" in job.message)
    machines.cable.mend()
    wait_for(lambda: job.message == "Waiting")
    gate.write_text("1")
    assert set(bytes(client.wait(job, 240).layers[0].pixels.data)) == {3}
    assert marker.stat().st_size == 1


def test_a_result_that_was_ready_meanwhile_is_fetched(machines: TwoMachines, client: Client, tmp_path: Path) -> None:
    marker, gate = tmp_path / "began", tmp_path / "gate"
    job = client.submit(request("test-gated", 4, marker=str(marker), gate=str(gate)))
    wait_for(marker.exists)
    if isinstance(machines.cable, NamespaceCable):
        machines.cable.unplug()
    machines.cable.cut()
    gate.write_text("1")
    wait_for(lambda: f"job {job.id} (test-gated) done" in machines.box_folders.log.read_text())
    wait_for(lambda: "can't be reached; waiting" in job.message)
    machines.cable.mend()
    if isinstance(machines.cable, NamespaceCable):
        machines.cable.plug_in()
    assert set(bytes(client.wait(job, 240).layers[0].pixels.data)) == {4}
    assert marker.stat().st_size == 1


def test_a_box_that_starts_again_gets_the_job_again(machines: TwoMachines, client: Client, tmp_path: Path) -> None:
    marker, gate = tmp_path / "began", tmp_path / "gate"
    job = client.submit(request("test-gated", 5, marker=str(marker), gate=str(gate)))
    wait_for(marker.exists)
    port = machines.endpoint.rpartition(":")[2]
    if not isinstance(machines.cable, NamespaceCable):
        port = str(machines.cable._port)
    machines.box.kill()
    machines.start_box(machines.cable.listen().replace("*", port))
    gate.write_text("2")
    assert set(bytes(client.wait(job, 240).layers[0].pixels.data)) == {5}
    assert marker.stat().st_size == 2


def test_a_box_that_is_not_there_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with two_machines(tmp_path, patience=1.0) as machines:
        machines.start_laptop(machines.cable.reach(9))
        _enter(machines.laptop_folders, monkeypatch)
        with Client("test", launch=False) as client:
            for _ in range(2):
                with pytest.raises(ScumbleError, match="can't be reached") as raised:
                    client.wait(client.submit(request("identity")), 240)
                assert raised.value.code == "worker_died"
                assert "scumble serve --listen" in raised.value.hint


def test_a_key_that_the_box_does_not_know_is_one_clear_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with two_machines(tmp_path) as machines:
        machines.box_keys.revoke("laptop")
        machines.box_keys.allow("another", stranger())
        machines.start_box()
        _enter(machines.box_folders, monkeypatch)
        with Client("test", launch=False) as client:
            port = machines.port(client)
        machines.start_laptop(machines.cable.reach(port))
        _enter(machines.laptop_folders, monkeypatch)
        with Client("test", launch=False) as client, pytest.raises(ScumbleError, match="does not let this") as raised:
            client.wait(client.submit(request("identity")), 240)
        assert raised.value.code == "unauthorized"
        assert "scumble keys allow" in raised.value.hint
        assert "refused the unknown CURVE key" in machines.box_folders.log.read_text()
