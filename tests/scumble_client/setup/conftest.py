"""Folders of the test's own, an index on this machine, and an engine so small that a set-up takes seconds."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scumble_client.setup import machine, places
from scumble_client.setup.lock import is_held
from scumble_client.setup.panel import BUSY, SetupPanel, View
from scumble_client.setup.state import State
from tests.support.package_index import PackageIndex, certify, serving
from tests.support.small_engine import small_index, small_plugin

PATIENCE = 180.0
"""Seconds after which something hangs, also on a busy machine."""


@dataclass
class Bench:
    """What a test of the process needs."""

    base: Path
    index: PackageIndex

    @property
    def engines(self) -> list[str]:
        """The names of what lies where engines go."""
        folder = places.usual_folder()
        return sorted(one.name for one in folder.iterdir() if one.name.startswith("engine")) if folder.is_dir() else []

    @property
    def launch(self) -> Path:
        return self.base / "config" / "launch.json"

    @property
    def calls(self) -> list[str]:
        """What the small engines were asked: version and command."""
        path = self.base / "small" / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def breaks(self, broken: bool = True) -> None:
        """Whether engines fail to fill a picture from now on."""
        path = self.base / "small" / "broken"
        path.touch() if broken else path.unlink()

    def panel(self, version: str = "1.0") -> SetupPanel:
        """An editor whose plugin is of this version."""
        plugin = self.base / f"plugin-{version}"
        return SetupPanel(plugin if plugin.exists() else small_plugin(plugin, version))

    def wait(self, panel: SetupPanel, condition: Callable[[View], bool] | None = None) -> View:
        """What is shown at the end, or as soon as a condition holds."""
        end = time.monotonic() + PATIENCE
        while True:
            view = panel.look()
            if condition(view) if condition else view.kind != BUSY:
                return view
            assert time.monotonic() < end, (view, State.read(), panel.log())
            time.sleep(0.02)

    def set_up(self, version: str = "1.0", task: str = "") -> SetupPanel:
        """One that is done, and was seen."""
        panel = self.panel(version)
        panel.begin(task)
        self.wait(panel)
        assert State.read().phase == "done", panel.log()
        panel.close()
        return panel


@pytest.fixture
def over_tls() -> bool:
    """Whether the index has a certificate; a test's own parameter says otherwise."""
    return False


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over_tls: bool) -> Iterator[Bench]:
    for name in [
        name for name in os.environ if name.startswith(("PIP_", "UV_")) or "CERT" in name or "CA_BUNDLE" in name
    ]:
        monkeypatch.delenv(name)
    for name in ("data", "config", "runtime", "cache", "small"):
        (tmp_path / name).mkdir(mode=0o700)
    made = small_index()
    if over_tls:
        certify(made, tmp_path)
        monkeypatch.setenv("PIP_CERT", made.certificate)
    with serving(made) as index:
        for name, value in {
            "SCUMBLE_DATA_DIR": tmp_path / "data",
            "SCUMBLE_CONFIG_DIR": tmp_path / "config",
            "SCUMBLE_RUNTIME_DIR": tmp_path / "runtime",
            "SCUMBLE_PYTHON": sys.executable,
            "SCUMBLE_TORCH_INDEX": "",
            "SMALL_ENGINE": tmp_path / "small",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_CACHE_DIR": tmp_path / "cache",
            "PIP_INDEX_URL": index.address,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "PATH": f"{tmp_path}:/usr/bin:/bin",  # no `scumble` of the tests' own
        }.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.delenv("SCUMBLE_DAEMON", raising=False)
        # the tests' own Python has the engine, so there is never none
        monkeypatch.setattr("scumble_client.launch._has_scumble", lambda: False)
        monkeypatch.setitem(machine.INSTALLED, machine.CPU, 3_000_000)
        bench = Bench(tmp_path, index)
        yield bench
        if is_held():
            bench.panel().cancel()
            end = time.monotonic() + PATIENCE
            while is_held():
                assert time.monotonic() < end
                time.sleep(0.05)
