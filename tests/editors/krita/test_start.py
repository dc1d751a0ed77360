"""Starting: from nothing, from the archive, and in an environment that breaks Krita's Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble.cli.doctor import CHECKS
from scumble.installers import kritarc
from scumble.installers.krita_homes import candidates
from scumble_client.errors import ScumbleError
from scumble_client.paths import ConnectionFile
from tests.editors import roots
from tests.editors.daemon import private_folders
from tests.editors.display import TOGETHER, Display
from tests.support.daemon import Folders, wait_for

from .conftest import FAILURES, make_krita
from .harness.session import Home, Krita, krita_command


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Folders]:
    """Folders without a daemon, whose operations are only Scumble's own."""
    with private_folders(tmp_path, None) as folders:
        yield folders


def _inpaint(k: Any) -> Any:
    pixels = b"".join(bytes((x, y, x + y, 255)) for y in range(48) for x in range(64))
    document = yield from k.new(64, 48, pixels=pixels)
    k.select(document, 20, 20, 8, 8)
    k.trigger("scumble_inpaint")
    yield lambda: k.layers(document)[0].startswith("Inpaint")
    yield k.idle
    return k.said(), k.studio.connection.line


def test_without_a_daemon_the_action_starts_the_one_that_the_installer_named(
    alone: Folders, start_krita: Callable[..., Krita]
) -> None:
    krita = start_krita(alone)
    assert ConnectionFile.read(alone.runtime) is None
    said, _line = krita.run(_inpaint)
    assert said[0] == "Scumble starts its daemon: the first time takes some seconds."
    assert said[1].startswith("New layer: Inpaint ")
    connection = ConnectionFile.read(alone.runtime)
    assert connection
    command = json.loads((Path(alone.environment["SCUMBLE_CONFIG_DIR"]) / "launch.json").read_text())["command"]
    assert command == [sys.executable, "-m", "scumble.daemon"]


def _button(k: Any) -> Any:
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    docker.setVisible(True)
    k.studio.settings.set_option("start_daemon", False)
    document = yield from k.new(32, 32)
    k.select(document, 4, 4, 8, 8)
    yield lambda: "daemon" in docker.problem.text()
    before = [docker.daemon.text(), docker.start_button.isVisible(), docker.problem.text()]
    k.trigger("scumble_inpaint")
    refused = k.said()[-1]
    docker.start_button.click()
    yield lambda: k.studio.connection.warm
    return before, refused, [docker.daemon.text(), docker.start_button.isVisible()]


def test_the_start_button_starts_the_daemon(alone: Folders, start_krita: Callable[..., Krita]) -> None:
    before, refused, after = start_krita(alone).run(_button)
    assert before == ["Daemon: off", True, "Scumble's daemon is off. Press “Start” in the docker."]
    assert refused == "Scumble's daemon is off. Press “Start” in the docker."
    assert after[0].startswith("Daemon: ")
    assert after[0] not in ("Daemon: off", "Daemon: starting", "Daemon: warming up")
    assert not after[1]


def _no_command(k: Any) -> Any:
    document = yield from k.new(32, 32)
    k.select(document, 4, 4, 8, 8)
    k.trigger("scumble_inpaint")
    yield lambda: len(k.said()) > 1
    yield k.idle
    return k.said()


def test_a_daemon_that_does_not_start_is_said_once(alone: Folders, start_krita: Callable[..., Krita]) -> None:
    krita = start_krita(alone, SCUMBLE_DAEMON=f"{sys.executable} -c 'raise SystemExit(7)'")
    said = krita.run(_no_command)
    assert said == [
        "Scumble starts its daemon: the first time takes some seconds.",
        "The daemon ended at once, with code 7. Run this to see what is wrong: scumble doctor",
    ]


def _import(k: Any, archive: str) -> Any:
    from plugin_importer.plugin_importer import PluginImporter

    imported = PluginImporter(archive, k.app.getAppDataLocation(), lambda plugin: True).import_all()
    return [plugin["name"] for plugin in imported]


def test_the_archive_can_be_imported_by_krita_and_works(
    alone: Folders, display: Display, template: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path / "krita", template)
    archive = tmp_path / "scumble.zip"
    environment = {**home.environment, **alone.environment}
    subprocess.run(
        [sys.executable, "-m", "scumble.cli", "install", "krita", "--zip", str(archive)],
        env=environment,
        check=True,
        capture_output=True,
        timeout=120,
    )
    ours = {name: value for name, value in alone.environment.items() if name.startswith("SCUMBLE_")}
    home.add_driver()
    with Krita(home, display, ours, FAILURES) as first:
        assert first.run(_import, archive=str(archive)) == ["scumble"]
        assert first.quit() == 0
    assert (home.resources / "pykrita" / "scumble" / "scumble_client" / "client.py").is_file()
    assert (home.resources / "actions" / "scumble.action").is_file()
    kritarc.enable(home.kritarc)  # as the importer's question does, or the plugin manager
    with Krita(home, display, ours, FAILURES) as second:
        said, _line = second.run(_inpaint)
    assert said[-1].startswith("New layer: Inpaint ")


@pytest.mark.skipif(roots.wanted("krita") != roots.HOST, reason="the doctor looks at the machine's own Krita")
def test_a_python_that_krita_must_not_find_first_is_noticed_by_the_doctor(
    alone: Folders, display: Display, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(trap)], check=True, timeout=60)
    home = Home(tmp_path / "krita", template)
    ours = {name: value for name, value in alone.environment.items() if name.startswith("SCUMBLE_")}
    home.install({**ours, "PYTHONPATH": alone.environment["PYTHONPATH"]})
    for name, value in {**home.environment, **ours}.items():
        monkeypatch.setenv(name, value)
    assert CHECKS["Krita"]().startswith("the plugin is in ")
    monkeypatch.setenv("PATH", f"{trap / 'bin'}{os.pathsep}{home.environment['PATH']}")
    with pytest.raises(ScumbleError, match="Krita's Python would not find PyQt5"):
        CHECKS["Krita"]()
    # and so it is: the plugin is not loaded
    home.environment["PATH"] = os.environ["PATH"]
    log = tmp_path / "krita.log"
    with open(log, "wb") as file:
        environment = {**home.environment, **ours, "DISPLAY": display.name, "XDG_RUNTIME_DIR": str(alone.runtime)}
        process = subprocess.Popen([*TOGETHER, *krita_command("--nosplash")], env=environment, stdout=file, stderr=file)
    try:
        wait_for(lambda: b"PyQt5" in log.read_bytes() or process.poll() is not None, 60)
        assert b"No module named 'PyQt5'" in log.read_bytes()
    finally:
        process.terminate()
        process.wait(20)


def _opened(k: Any) -> Any:
    next(d for d in k.app.dockers() if d.windowTitle() == "Scumble").setVisible(True)
    yield from k.new(64, 48)
    yield 1.0  # the docker looks at it


def test_krita_ends_well_with_a_picture_open(alone: Folders, start_krita: Callable[..., Krita]) -> None:
    krita = start_krita(alone)
    krita.run(_opened)
    assert krita.quit() == 0, krita.said()


def _shortcut(k: Any) -> Any:
    action = k.app.action("scumble_inpaint")
    return action.shortcut().toString(), k.app.action("scumble_run_again").toolTip()


def test_the_actions_can_have_shortcuts(alone: Folders, display: Display, template: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "krita", template)
    (home.base / "config" / "kritashortcutsrc").write_text("[Shortcuts]\nscumble_inpaint=Ctrl+F9\n")
    with make_krita(home, display, alone) as krita:
        shortcut, tip = krita.run(_shortcut)
    assert shortcut == "Ctrl+F9"
    assert tip == "Run the request of the active result layer once more"


def test_uninstalling_leaves_nothing(alone: Folders, template: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "krita", template)
    environment = {**home.environment, **alone.environment, "PATH": home.environment["PATH"]}

    def files() -> dict[str, int]:
        roots = (home.base, Path(alone.environment["SCUMBLE_CONFIG_DIR"]))
        return {str(p): p.stat().st_size for root in roots for p in root.rglob("*") if p.is_file()}

    before = files()
    home.install(environment)
    assert files() != before
    subprocess.run(
        [sys.executable, "-m", "scumble.cli", "uninstall", "krita"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert files() == before
    native = candidates(environment, home.base)[0]
    assert native.folder == home.resources
