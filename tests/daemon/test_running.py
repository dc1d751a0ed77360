"""A second daemon: it leaves quietly where the first does what is wanted of it, and says what to do where not."""

from __future__ import annotations

from typing import Any

import pytest

from scumble.daemon.running import check_same
from scumble_client import ScumbleError


@pytest.mark.parametrize(
    ("wanted", "running"),
    [
        ({}, {}),
        ({}, {"listen": ["tcp://*:5555"]}),
        ({"listen": ["tcp://*:5555"]}, {"listen": ["tcp://*:5555", "tcp://*:6666"]}),
        ({"device": "cpu"}, {"device": "cpu", "loopback": True}),
    ],
)
def test_one_that_does_what_is_wanted_will_do(wanted: dict[str, Any], running: dict[str, Any]) -> None:
    check_same(wanted, running)


@pytest.mark.parametrize(
    ("wanted", "running", "said"),
    [
        ({"listen": ["tcp://*:5555"]}, {}, "--listen tcp://*:5555"),
        ({"loopback": True}, {"device": "cpu"}, "--loopback"),
        ({"pool": "ray"}, {"pool": "local"}, "--pool ray"),
        ({"buffer_size": 2.0}, {}, "--buffer-size 2.0"),
    ],
)
def test_one_that_does_not_has_to_be_stopped(wanted: dict[str, Any], running: dict[str, Any], said: str) -> None:
    with pytest.raises(ScumbleError) as raised:
        check_same(wanted, running)
    assert said in raised.value.message
    assert f"scumble stop && scumble serve {said}" in raised.value.hint
