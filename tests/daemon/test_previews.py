"""Previews: small pictures of what a long job has come to, for those who ask for them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from scumble.daemon.submission import MAX_PREVIEW
from scumble_client import Client, Request, ScumbleError
from scumble_client.client import Event
from scumble_client.request import Pixels, ResultLayer
from tests.support.daemon import square, wait_for


def showing(seconds: float, **more: Any) -> Request:
    return Request("test-showing", {"image": square(1)}, {"seconds": seconds}, **more)


def shown(events: list[Event]) -> list[Event]:
    return [event for event in events if event.kind == "preview"]


def test_they_come_one_by_one_and_newer(client: Client) -> None:
    job = client.submit(showing(600, previews=20))
    levels: list[int] = []

    def another() -> bool:
        if shown(client.poll()):
            assert job.preview is not None
            levels.append(bytes(job.preview.data)[0])
        return len(levels) >= 3

    wait_for(another)
    assert levels == sorted(set(levels))
    assert job.preview is not None
    assert (job.preview.width, job.preview.height, job.preview.layout, job.preview.depth) == (20, 10, "rgba", "uint8")
    assert bytes(job.preview.data)[3] == 255
    client.cancel(job)
    with pytest.raises(ScumbleError, match="cancelled"):
        client.wait(job, 60)


def test_whoever_does_not_ask_gets_none_and_costs_nothing(client: Client) -> None:
    job = client.submit(showing(0.2))
    result = client.wait(job, 60)
    assert not shown(client.poll())
    assert bytes(result.layers[0].pixels.data) == bytes([0])  # the operation was not even asked for them


def test_who_does_not_say_seen_gets_one(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    send = client._link.send
    monkeypatch.setattr(client._link, "send", lambda message: None if message.type == "seen" else send(message))
    job = client.submit(showing(2.0, previews=20))
    client.wait(job, 60)
    assert len(shown(client.poll())) == 1


@pytest.mark.parametrize("previews", [-1, MAX_PREVIEW + 1, "large"])
def test_sizes_are_bounded(client: Client, previews: Any) -> None:
    job = client.submit(showing(0, previews=previews))
    with pytest.raises(ScumbleError) as raised:
        client.wait(job, 60)
    assert raised.value.code == "bad_request"


def test_a_job_can_be_cancelled_while_it_shows(client: Client) -> None:
    job = client.submit(showing(600, previews=20))
    wait_for(lambda: bool(shown(client.poll())))
    client.cancel(job)
    began = time.monotonic()
    with pytest.raises(ScumbleError) as raised:
        client.wait(job, 60)
    assert raised.value.code == "cancelled"
    assert time.monotonic() - began < 30


def test_an_optimization_shows_how_far_it_is(client: Client) -> None:
    parameters = {"method": "gatys", "iterations": 4, "preview_every": 1, "scales": 1}
    job = client.submit(Request("paint-style", {"image": square(90, 40)}, parameters, previews=32))
    client.wait(job, 120)
    assert job.preview is not None
    assert (job.preview.width, job.preview.height) == (20, 20)


def view_of(client: Client, pixels: Pixels, **view: int) -> list[ResultLayer]:
    job = client.submit(Request("identity", {"image": pixels}, view=view))
    return client.wait(job, 60).layers


def test_a_view_comes_back_before_and_after_in_place_of_the_result(client: Client) -> None:
    picture = Pixels(bytes([10, 20, 30, 255]) * 64, 8, 8, "bgra", x=5)
    before, after = view_of(client, picture, x=5, y=0, width=8, height=4, side=4)
    assert (before.name, after.name) == ("Before", "After")
    for layer in (before.pixels, after.pixels):
        assert (layer.x, layer.y, layer.width, layer.height, layer.layout) == (0, 0, 4, 2, "rgba")
        assert bytes(layer.data) == bytes([30, 20, 10, 255]) * 8


def test_a_view_beside_the_layer_is_one_clear_sentence(client: Client) -> None:
    with pytest.raises(ScumbleError, match="Nothing of the layer is in view"):
        view_of(client, square(1), x=500, y=0, width=8, height=4, side=4)
