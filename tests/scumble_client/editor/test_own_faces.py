"""Adding portraits out of an editor: the command that is run, what it says, and that it can be stopped."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scumble_client.editor.own_faces import FaceAdding
from scumble_client.errors import ScumbleError
from scumble_client.launch import command_line
from scumble_client.system import command_lines
from tests.support import needs

Says = Callable[[str], None]


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Says:
    """Let the command line be a program with this text."""

    def let(text: str) -> None:
        script = tmp_path / "pretended.py"
        script.write_text("import json, sys, time\nsay = lambda **event: print(json.dumps(event), flush=True)\n" + text)
        monkeypatch.setenv(
            "SCUMBLE_DAEMON", command_lines.join([sys.executable, str(script), "serve", "--device", "cpu"])
        )

    return let


class TestCommand:
    @pytest.mark.parametrize(
        ("daemon", "line"),
        [
            ("python3 -m scumble.daemon", ["python3", "-m", "scumble.cli"]),
            ("flatpak-spawn --host --env=A=b py -m scumble.daemon -v", ["flatpak-spawn", "--host", "--env=A=b", "py", "-m", "scumble.cli"]),
            ("/usr/bin/scumble serve --device cpu", ["/usr/bin/scumble"]),
        ],
    )  # fmt: skip
    def test_it_is_the_daemon_s(self, monkeypatch: pytest.MonkeyPatch, daemon: str, line: list[str]) -> None:
        monkeypatch.setenv("SCUMBLE_DAEMON", daemon)
        assert command_line(["faces", "list"]) == [*line, "faces", "list"]

    def test_another_program_is_not_guessed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCUMBLE_DAEMON", "start-it")
        with pytest.raises(ScumbleError) as caught:
            command_line(["faces", "add", "my folder"])
        assert "scumble faces add" in caught.value.hint


def test_what_came_of_it_and_how_far_it_is(says: Says) -> None:
    says(
        "assert sys.argv[1:] == ['faces', 'add', '--porcelain', '--', '-a b'], sys.argv\n"
        "say(event='progress', done=1, total=3, name='anna.jpg')\nprint('not JSON')\nprint('[1]')\n"
        "say(event='done', sentence='2 faces from 3 pictures')"
    )
    adding = FaceAdding(["-a b"])
    assert adding.line == "Looking for faces…"
    assert adding.run() == "2 faces from 3 pictures."
    assert adding.line == "Looking for faces: 1 of 3, anna.jpg"


def test_an_error_is_the_command_s(says: Says) -> None:
    says("say(event='error', code='missing_input', message='No face.', hint='Choose others.')\nsys.exit(2)")
    with pytest.raises(ScumbleError, match=r"No face\. Choose others\.") as caught:
        FaceAdding(["x"]).run()
    assert caught.value.code == "missing_input"


@pytest.mark.parametrize("text", ["sys.exit(3)", "say(event='progress', done=0, total=1, name='a')\nsys.exit(1)"])
def test_a_command_that_says_nothing(says: Says, text: str) -> None:
    says(text)
    with pytest.raises(ScumbleError, match="could not be added"):
        FaceAdding(["x"]).run()


def test_a_command_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_DAEMON", "/nowhere/scumble serve")
    with pytest.raises(ScumbleError, match="could not be started"):
        FaceAdding(["x"]).run()


@needs.posix
def test_stopping_lets_it_store_what_it_has(says: Says, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    says(
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "say(event='progress', done=1, total=3, name='anna.jpg')\n"
        f"try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    open({str(kept)!r}, 'w').close()\n    sys.exit(130)"
    )
    adding = FaceAdding(["x"])
    errors: list[BaseException] = []

    def run() -> None:
        try:
            adding.run()
        except ScumbleError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while "anna.jpg" not in adding.line:
        time.sleep(0.01)
    adding.stop()
    thread.join(30)
    assert [error.code for error in errors if isinstance(error, ScumbleError)] == ["cancelled"]
    assert kept.exists()
