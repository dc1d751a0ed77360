"""Where an operation's weights lie, and that the layer will know which they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.operations.weight_file import weight_file
from scumble.weights import WeightStore
from scumble_client.errors import ScumbleError
from tests.support.inpainting import context


def test_embedded_weights_are_found_and_noted() -> None:
    asked = context()
    path = weight_file("scumble-features", asked)
    assert path == WeightStore().path("scumble-features")
    assert asked.weights == {"scumble-features": WeightStore().digest("scumble-features")}


def test_a_folder_that_is_named_later_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    asked = context()
    with pytest.raises(ScumbleError, match="LaMa"):
        weight_file("big-lama", asked)
    assert asked.weights == {}
    (tmp_path / "big-lama.pt").write_bytes(b"any")
    assert weight_file("big-lama", asked) == tmp_path / "big-lama.pt"
