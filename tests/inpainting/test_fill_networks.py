"""Published weights by name: MI-GAN's form that was used before stands in where the new one is not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.inpainting import fill_networks
from scumble.inpainting.fill_networks import published_network
from scumble_client.errors import ScumbleError
from tests.inpainting.weights.test_loading import Migan, script
from tests.support.inpainting import context


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))


def test_without_either_the_new_one_is_asked_for() -> None:
    with pytest.raises(ScumbleError, match=r"MI-GAN 512 Places2 \(ONNX\) is not on this machine yet"):
        published_network("migan", context())


def test_the_one_of_before_still_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(Migan(), tmp_path / "migan_traced.pt")
    monkeypatch.setattr(fill_networks, "may_run", lambda name, sha256: name == "migan-torchscript")
    asked = context()
    assert published_network("migan", asked).name == "migan"
    assert list(asked.weights) == ["migan-torchscript"], "what is stored with the layer tells the truth"
