"""SC-FEGAN's checkpoint: files of the published structure give the network with the same numbers in their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scumble.faces.sketch import sc_fegan_weights
from scumble.faces.sketch.sc_fegan import ScFegan, tensorflow_names
from scumble_client.errors import ScumbleError
from tests.support.checkpoints import write_bundle

WIDTH = 2


def published(network: ScFegan) -> dict[str, NDArray[np.generic]]:
    """The network's numbers as TensorFlow keeps them, with what else is in the file."""
    parameters = dict(network.named_parameters())
    arrays: dict[str, NDArray[np.generic]] = {}
    for ours, theirs in tensorflow_names():
        values = parameters[ours].detach().numpy()
        arrays[theirs] = np.ascontiguousarray(values.transpose(2, 3, 1, 0)) if values.ndim == 4 else values
    arrays["generator/deconv1/biases2"] = np.zeros(8 * WIDTH, np.float32)
    arrays["discriminator/conv1/kernel"] = np.zeros((5, 5, 8, 4), np.float32)
    return arrays


def made() -> ScFegan:
    torch.manual_seed(0)
    return ScFegan(WIDTH).eval()


def test_gives_the_same_network(tmp_path: Path) -> None:
    network = made()
    arrays = published(network)
    assert arrays["generator/gconv1_ds/kernel"].shape == (7, 7, 9, WIDTH)
    assert arrays["generator/deconv7/w"].shape == (5, 5, 3, WIDTH)
    write_bundle(tmp_path / "SC-FEGAN.ckpt", arrays)
    found = sc_fegan_weights.load(tmp_path / "SC-FEGAN.ckpt")
    inputs = torch.randn(1, 9, 128, 128)
    with torch.no_grad():
        assert torch.equal(found(inputs), network(inputs))


def test_own_form(tmp_path: Path) -> None:
    network = made()
    sc_fegan_weights.save(network, tmp_path / "x.safetensors")
    inputs = torch.randn(1, 9, 128, 128)
    with torch.no_grad():
        assert torch.equal(sc_fegan_weights.load(tmp_path / "x.safetensors")(inputs), network(inputs))


def test_is_told_from_other_checkpoints(tmp_path: Path) -> None:
    write_bundle(tmp_path / "SC-FEGAN.ckpt", published(made()))
    write_bundle(tmp_path / "other.ckpt", {"inpaint_net/conv1/kernel": np.zeros((3, 3, 5, 4), np.float32)})
    assert sc_fegan_weights.is_checkpoint(tmp_path / "SC-FEGAN.ckpt.index")
    assert not sc_fegan_weights.is_checkpoint(tmp_path / "other.ckpt")
    assert not sc_fegan_weights.is_checkpoint(tmp_path / "nowhere.ckpt")


@pytest.mark.parametrize("lost", ["generator/gconv9_g/bias", "generator/gconv1_ds/kernel"])
def test_a_variable_that_is_missing(tmp_path: Path, lost: str) -> None:
    arrays = published(made())
    del arrays[lost]
    write_bundle(tmp_path / "SC-FEGAN.ckpt", arrays)
    with pytest.raises(ScumbleError) as raised:
        sc_fegan_weights.load(tmp_path / "SC-FEGAN.ckpt")
    assert raised.value.code == "weights_missing"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScumbleError):
        sc_fegan_weights.load(tmp_path / "SC-FEGAN.ckpt")
