"""Fixtures of the commands' tests: the command line in this process, with the shared daemon or with none."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Call, Scene, mask_pixels, save, textured
from tests.support.daemon import Folders


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Ctrl-C has its usual meaning also where the tests run in the background, with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def alone(folders: Folders, calling: Call) -> Call:
    """`scumble …` in folders of its own, where no daemon runs."""
    return calling


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    folder = tmp_path / "scene"
    return Scene(folder, save(folder / "image.png", textured()), save(folder / "mask.png", mask_pixels()))
