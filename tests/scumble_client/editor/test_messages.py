"""One line on the daemon's state; work off the editor's thread."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from scumble_client.editor.background import Background
from scumble_client.editor.messages import daemon_line, sentence
from scumble_client.errors import ScumbleError
from scumble_client.setup.state import State
from tests.support.daemon import wait_for

CPU = {"name": "CPU, 2 threads", "state": "idle"}


@pytest.mark.parametrize(
    ("state", "status", "line"),
    [
        ("off", None, "Daemon: off"),
        ("starting", None, "Daemon: starting"),
        ("connecting", None, "Daemon: connecting"),
        ("ready", None, "Daemon: warming up"),
        ("ready", {"workers": []}, "Daemon: warming up"),
        ("ready", {"workers": [{**CPU, "state": "starting"}]}, "Daemon: warming up"),
        ("ready", {"workers": [CPU, CPU]}, "Daemon: CPU, 2 threads"),
        ("ready", {"workers": [{**CPU, "state": "busy"}], "jobs": [{}]}, "Daemon: CPU, 2 threads"),
        ("ready", {"workers": [CPU], "jobs": [{}, {}]}, "Daemon: CPU, 2 threads, 2 in the queue"),
    ],
)
def test_the_state_is_one_line(state: str, status: dict[str, Any] | None, line: str) -> None:
    assert daemon_line(state, status) == line


def test_the_reason_why_it_is_off_is_said() -> None:
    error = ScumbleError("unreachable", "It ended at once.", "Look.")
    assert daemon_line("off", None, error) == "Daemon: off. It ended at once."


def outcomes(background: Background, *work: Any) -> list[Any]:
    got: list[Any] = []
    for one in work:
        background.start(one, lambda value, error: got.append(error or value))

    def all_there() -> bool:
        background.poll()
        return len(got) == len(work)

    wait_for(all_there, 10)
    return got


def test_outcomes_come_in_the_callers_thread() -> None:
    background = Background()
    where: list[Any] = []
    background.start(threading.get_ident, lambda value, _: where.extend([value, threading.get_ident()]))

    def there() -> bool:
        background.poll()
        return bool(where)

    wait_for(there, 10)
    assert where[0] != where[1] == threading.get_ident()
    assert not background.busy
    background.close()


def test_an_exception_is_an_outcome() -> None:
    background = Background()
    (error,) = outcomes(background, lambda: 1 // 0)
    assert isinstance(error, ZeroDivisionError)
    background.close()


def test_more_work_than_threads_is_done_all_the_same() -> None:
    background = Background(threads=2)
    assert sorted(outcomes(background, *(lambda n=n: n for n in range(20)))) == list(range(20))
    background.close()


def test_after_the_end_nothing_is_called() -> None:
    background = Background()
    called: list[int] = []
    release = threading.Event()
    background.start(release.wait, lambda *_: called.append(1))
    background.close()
    release.set()
    background.start(lambda: 2, lambda *_: called.append(2))
    background.poll()
    assert called == []


def test_who_has_set_up_from_an_editor_is_not_sent_to_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCUMBLE_DATA_DIR", str(tmp_path))
    error = ScumbleError("unreachable", "It is off.", "Run this to see what is wrong: scumble doctor")
    assert sentence(error) == "It is off. Run this to see what is wrong: scumble doctor"
    State(engine={"folder": str(tmp_path), "version": "1.0"}).write()
    assert sentence(error) == "It is off. Press ⋯ in the docker, then “What Is Wrong?”."
    assert sentence(error, "Look there.") == "It is off. Look there."
    other = ScumbleError("internal", "It is full.", "Make room.")
    assert sentence(other) == "It is full. Make room."
