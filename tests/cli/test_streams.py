"""Closed and full streams, other locales, signals at any moment: the work is done or undone, and nobody sees a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

import pytest

from tests.support import needs
from tests.support.commands import Call, Scene, command, load, save, spawn, textured
from tests.support.daemon import Folders, wait_for

pytestmark = needs.posix


def shell(environment: Mapping[str, str], redirection: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command with its streams led elsewhere."""
    line = ["sh", "-c", f'exec "$@" {redirection}', "sh", *command(*arguments)]
    return subprocess.run(line, env=dict(environment), capture_output=True, text=True, timeout=120, check=False)


def identity(scene: Scene, name: str = "out.png") -> tuple[object, ...]:
    return ("run", "identity", "--image", scene.image, "--out", scene.path(name), "--local")


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", ">/dev/full", ">/dev/full 2>&1"])
def test_streams_that_take_nothing(folders: Folders, scene: Scene, redirection: str) -> None:
    ran = shell(folders.environment, redirection, *identity(scene))
    assert ran.returncode == 0
    assert "Traceback" not in ran.stderr
    assert "Exception" not in ran.stderr
    assert load(scene.path("out.png")).shape == load(scene.image).shape, "no words were written into the picture"


@pytest.mark.parametrize("name", ["Käse 猫.png", "plain.png"])
def test_json_under_an_ascii_locale(folders: Folders, scene: Scene, name: str) -> None:
    environment = {**folders.environment, "LC_ALL": "C", "PYTHONUTF8": "1", "PYTHONIOENCODING": "ascii"}
    ran = shell(environment, "", *identity(scene, name), "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["files"][0]["path"] == str(scene.path(name))


def test_json_says_failures(calling: Call, scene: Scene) -> None:
    asked = ("--out", scene.path("out.png"), "--local", "--json")
    ran = calling("run", "identity", "--image", scene.path("nowhere.png"), *asked)
    assert ran.code == 2
    assert ran.json["error"]["code"] == "missing_input"
    assert "nowhere.png" in ran.json["error"]["message"]
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_it_computes(folders: Folders, scene: Scene, number: int, code: int) -> None:
    marker = scene.path("began")
    asked = ("--set", "seconds=60", "--set", f"marker={marker}", "--out", scene.path("out.png"), "--local")
    process = spawn(folders.environment, "run", "test-slow", "--image", scene.image, *asked)
    wait_for(marker.exists)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    assert sorted(path.name for path in scene.folder.iterdir()) == ["began", "image.png", "mask.png"]


def test_a_signal_while_it_writes_leaves_no_part(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise SystemExit(143)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(SystemExit):
        save(scene.path("out.png"), textured())
    assert sorted(path.name for path in scene.folder.iterdir()) == ["image.png", "mask.png"]


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3, 1.0])
def test_ctrl_c_at_any_moment(folders: Folders, scene: Scene, delay: float) -> None:
    words = ["scumble", *map(str, identity(scene))]
    entry = f"import sys, scumble.cli.entry as e; sys.argv = {words}; print('up', flush=True); e.main()"
    with subprocess.Popen(
        [sys.executable, "-c", entry],
        env=dict(folders.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err


def test_until_then_hardly_anything_is_imported() -> None:
    asked = "import sys, scumble.cli.entry; print(sorted(m for m in sys.modules if m.partition('.')[0] in {'scumble', 'scumble_client', 'typer', 'numpy', 'rich'}))"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['scumble', 'scumble.cli', 'scumble.cli.entry']"
