"""The broker end to end: real daemon, real worker, real client."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scumble_client import Client, Pixels, Request, ScumbleError
from scumble_client.paths import process_alive
from tests.support.daemon import Daemon, request, square, status, wait_for


def test_a_layer_comes_back(client: Client) -> None:
    job = client.submit(request("identity", 9))
    result = client.wait(job, 60)
    assert bytes(result.layers[0].pixels.data) == bytes([9]) * 256
    assert result.request["operation"] == "identity"


@pytest.mark.parametrize("layout", ["gray", "graya", "rgb", "rgba", "bgr", "bgra"])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float16", "float32"])
def test_every_layout_and_depth_comes_back_as_it_went(client: Client, layout: str, depth: str) -> None:
    from scumble_client.request import CHANNELS, SAMPLE_BYTES

    data = os.urandom(5 * 3 * CHANNELS[layout] * SAMPLE_BYTES[depth])
    sent = Pixels(data, 5, 3, layout, depth, x=-4, y=2)
    back = client.wait(client.submit(Request("identity", {"image": sent})), 60).layers[0].pixels
    assert (bytes(back.data), back.layout, back.depth) == (data, layout, depth)
    assert (back.x, back.y, back.width, back.height) == (-4, 2, 5, 3)


def test_a_profile_is_carried_through(client: Client) -> None:
    sent = Pixels(bytes(12), 2, 2, "rgb", colour="icc", icc=b"a profile's bytes")
    back = client.wait(client.submit(Request("identity", {"image": sent})), 60).layers[0].pixels
    assert (back.colour, back.icc) == ("icc", b"a profile's bytes")


def test_krita_s_channel_order_is_kept_for_new_pixels(client: Client) -> None:
    sent = Pixels(bytes([10, 20, 30, 255]) * 4, 2, 2, "bgra")
    back = client.wait(client.submit(Request("test-slow", {"image": sent})), 60).layers[0].pixels
    assert (bytes(back.data), back.layout) == (bytes([245, 235, 225, 0]) * 4, "bgra")


def test_known_buffers_are_not_sent_again(client: Client) -> None:
    large = Pixels(os.urandom(400_000), 250, 400)
    client.wait(client.submit(Request("identity", {"image": large})), 60)
    first = client.bytes_sent
    client.wait(client.submit(Request("identity", {"image": large, "mask": square(255)})), 60)
    assert first > 400_000
    assert client.bytes_sent - first < 2_000


def test_an_error_in_an_operation_names_the_log(shared: Daemon, client: Client) -> None:
    job = client.submit(request("test-broken"))
    with pytest.raises(ScumbleError) as raised:
        client.wait(job, 60)
    assert raised.value.code == "internal"
    assert str(shared.folders.log) in raised.value.hint
    wait_for(lambda: "ZeroDivisionError" in shared.folders.log.read_text())


def test_cancel_is_cooperative_first(client: Client, tmp_path: Path) -> None:
    marker = tmp_path / "began"
    job = client.submit(request("test-slow", seconds=600, marker=str(marker)))
    wait_for(lambda: marker.exists() and marker.read_text())
    client.cancel(job)
    with pytest.raises(ScumbleError, match="cancelled"):
        client.wait(job, 60)
    assert process_alive(int(marker.read_text()))  # the worker was asked, not killed


def test_a_deaf_job_is_killed_and_its_worker_replaced(client: Client, tmp_path: Path) -> None:
    marker = tmp_path / "began"
    job = client.submit(request("test-deaf", seconds=600, marker=str(marker)))
    wait_for(lambda: marker.exists() and marker.read_text())
    client.cancel(job)
    with pytest.raises(ScumbleError) as raised:
        client.wait(job, 60)
    assert raised.value.code == "cancelled"
    wait_for(lambda: not process_alive(int(marker.read_text())))
    client.wait(client.submit(request("identity")), 60)


def test_a_worker_s_death_costs_only_its_job(client: Client) -> None:
    dying = client.submit(request("test-deadly"))
    waiting = client.submit(request("identity"))
    with pytest.raises(ScumbleError) as raised:
        client.wait(dying, 60)
    assert raised.value.code == "worker_died"
    client.wait(waiting, 60)


def test_out_of_memory_is_tried_with_less_then_said(client: Client) -> None:
    mild = client.wait(client.submit(request("test-greedy")), 60)
    assert set(bytes(mild.layers[0].pixels.data)) == {7}
    with pytest.raises(ScumbleError) as raised:
        client.wait(client.submit(request("test-insatiable")), 60)
    assert raised.value.code == "out_of_memory"


def test_models_stay_warm_and_are_freed(start_daemon: Callable[..., Daemon]) -> None:
    start_daemon("--free-after", "0.02")
    with Client("test", launch=False) as client:
        first = client.wait(client.submit(request("test-warm")), 60)
        second = client.wait(client.submit(request("test-warm")), 60)
        assert set(bytes(first.layers[0].pixels.data)) == {1}
        assert set(bytes(second.layers[0].pixels.data)) == {0}
        assert status(client)["workers"][0]["models"] == ["test model"]
        wait_for(lambda: status(client)["workers"][0]["models"] == [])


def test_a_newer_job_replaces_an_older_one(client: Client, tmp_path: Path) -> None:
    marker = tmp_path / "began"
    old = client.submit(request("test-slow", seconds=600, marker=str(marker)))
    wait_for(lambda: marker.exists())
    newer = request("identity")
    newer.replaces = old.id
    client.wait(client.submit(newer), 60)
    with pytest.raises(ScumbleError) as raised:
        client.wait(old, 60)
    assert raised.value.code == "cancelled"


def test_interactive_comes_before_batch(client: Client, tmp_path: Path) -> None:
    marker = tmp_path / "began"
    first = client.submit(request("test-slow", seconds=600, marker=str(marker)))
    wait_for(lambda: marker.exists())
    patient = request("identity", 1)
    patient.priority = "batch"
    batch = client.submit(patient)
    urgent = client.submit(request("identity", 2))
    wait_for(lambda: [j["state"] for j in status(client)["jobs"]] == ["running", "queued", "queued"])
    assert [j["job"] for j in status(client)["jobs"]] == [first.id, urgent.id, batch.id]
    client.cancel(first)
    client.wait(batch, 60)
    ended = [e.job for e in client.poll() if e.kind == "result"]
    assert ended == [urgent, batch]


def test_a_vanished_client_s_job_is_cancelled(client: Client, tmp_path: Path) -> None:
    marker = tmp_path / "began"
    with Client("going away", launch=False) as other:
        other.submit(request("test-slow", seconds=600, marker=str(marker)))
        wait_for(lambda: marker.exists())
    wait_for(lambda: status(client)["jobs"] == [])


def test_a_result_stays_until_it_is_received(shared: Daemon, client: Client) -> None:
    job = client.submit(request("test-slow", 9))
    client.wait(job, 60)
    with Client("after the editor's crash", launch=False) as other:
        again = other.wait(other.fetch(job.id), 60)
        assert bytes(again.layers[0].pixels.data) == bytes([246]) * 256
        other.received(job)
        with pytest.raises(ScumbleError, match="no such result"):
            other.wait(other.fetch(job.id), 60)
    assert not list(shared.folders.results.glob(f"{job.id}*"))


def test_a_result_outlives_the_daemon(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    with Client("test", launch=False) as client:
        jobs = [client.submit(request(name, 9)) for name in ("test-slow", "identity")]
        for job in jobs:
            client.wait(job, 60)
        daemon.kill()
    daemon.start()
    with Client("test", launch=False) as other:
        assert {r["job"] for r in status(other)["results"]} == {job.id for job in jobs}
        values = [set(bytes(other.wait(other.fetch(j.id), 60).layers[0].pixels.data)) for j in jobs]
    assert values == [{246}, {9}]


def test_unknown_operations_parameters_and_inputs(client: Client) -> None:
    cases = [
        (Request("nope", {"image": square()}), "unknown_operation"),
        (Request("inpaint", {"image": square()}, {"patch": 4}), "invalid_parameter"),
        (Request("inpaint", {"image": square()}, {"nope": 4}), "invalid_parameter"),
        (Request("inpaint", {"mask": square()}), "missing_input"),
        (Request("inpaint", {"image": square(), "strokes": square()}), "bad_request"),
        (Request("identity", {"image": Pixels(b"", 0, 0)}), "missing_input"),
        (Request("identity", {"image": square()}, seed=-1), "invalid_parameter"),
        (Request("identity", {"image": square()}, priority="now"), "bad_request"),
    ]
    for wrong, code in cases:
        with pytest.raises(ScumbleError) as raised:
            client.wait(client.submit(wrong), 60)
        assert raised.value.code == code
        assert raised.value.message.endswith(".")
        assert raised.value.hint


def test_status_says_what_there_is(client: Client) -> None:
    client.wait(client.submit(request("identity")), 60)
    found = status(client)
    assert found["workers"][0]["device"] == "cpu"
    assert found["workers"][0]["memory"] > 0
    assert found["uptime"] > 0
    assert found["endpoints"][0].startswith("ipc://")
    assert found["idle_exit"] == 1800


def test_a_layer_that_was_damaged_on_its_way_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("scumble_client.link.checksum", lambda data: 1)
        with pytest.raises(ScumbleError, match="damaged on its way") as caught:
            client.wait(client.submit(request("identity", value=201)), 60)
    assert caught.value.code == "bad_request"
    assert client.wait(client.submit(request("identity", value=201)), 60).layers  # and was not kept


def test_more_layers_than_there_is_room_for_take_turns(start_daemon: Callable[..., Daemon]) -> None:
    """Ten jobs of 4 MB at once, and room for five: each is computed, and none hangs."""
    start_daemon("--buffer-size", str(21e6 / 1024**3))
    with Client("test", launch=False) as client:
        jobs = [client.submit(Request("identity", {"image": square(number, 1000)})) for number in range(10)]
        for number, job in enumerate(jobs):
            back = client.wait(job, 120).layers[0].pixels
            assert bytes(back.data[:4]) == bytes([number]) * 4
        with pytest.raises(ScumbleError, match="larger than all the room") as raised:
            client.wait(client.submit(Request("identity", {"image": square(1, 3000)})), 60)
        assert raised.value.code == "too_large"
        assert status(client)["buffers"]["bytes"] <= 21e6


def test_a_layer_of_three_quick_jobs_travels_once(client: Client) -> None:
    """The first brings it, and while it is being written, the others come: nobody asks for it."""
    large = Pixels(os.urandom(64 * 1024**2), 4096, 4096)
    jobs = [client.submit(Request("test-warm", {"image": large})) for _ in range(3)]
    for job in jobs:
        client.wait(job, 120)
    assert client.bytes_sent < 1.01 * 64 * 1024**2


def test_a_layer_file_that_can_t_be_removed_hangs_nobody(
    start_daemon: Callable[..., Daemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where somebody has it mapped still."""
    (tmp_path / "sitecustomize.py").write_text(NO_UNLINK)
    daemon = start_daemon("--idle-exit", "10")
    daemon.stop()
    daemon.folders.environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    daemon.options = ("--device", "cpu", "--buffer-size", str(9e6 / 1024**3))
    daemon.start()
    with Client("test", launch=False) as client:
        for number in range(5):
            job = client.submit(Request("identity", {"image": square(number, 1000)}))
            assert client.wait(job, 120).layers
            client.received(job)
        wait_for(lambda: status(client)["results"] == [])
    assert daemon.stop() == 0


NO_UNLINK = """
import os
for name in ("unlink", "replace", "rename"):
    def refuse(path, *more, real=getattr(os, name), **named):
        if str(path).endswith((".json", ".ipc")) or ".json." in str(path):
            return real(path, *more, **named)
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")
    setattr(os, name, refuse)
"""
