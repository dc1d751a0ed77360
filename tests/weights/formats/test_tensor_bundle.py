"""TensorFlow's tensor bundles: what a writer of the same format wrote comes back, damage is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scumble.weights.formats.tensor_bundle import BundleError, crc32c, is_bundle, prefix_of, read_bundle
from tests.support.checkpoints import write_bundle

RNG = np.random.default_rng(0)
TENSORS = {
    f"net/conv{n}/{name}": RNG.standard_normal(shape).astype(dtype)
    for n in range(9)
    for name, shape, dtype in (("kernel", (3, 3, n + 1, 2), "float32"), ("bias", (2,), "float64"))
} | {"global_step": np.array(77, np.int64), "empty": np.zeros((0, 4), np.float32)}


def test_the_checksum_is_that_of_the_standard() -> None:
    crc = crc32c(b"123456789")  # masked; RFC 3720's check value is 0xE3069283
    assert crc == (((0xE3069283 >> 15) | (0xE3069283 << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize("how", [{}, {"shards": 3}, {"snappy": True}, {"per_block": 1}, {"per_block": 100}], ids=str)
def test_comes_back(tmp_path: Path, how: dict[str, int]) -> None:
    write_bundle(tmp_path / "model-5", TENSORS, **how)  # type: ignore[arg-type]
    found = read_bundle(tmp_path / "model-5")
    assert set(found) == set(TENSORS)
    for name, array in TENSORS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("end", ["", ".index", ".meta", ".data-00000-of-00001"])
def test_any_of_its_files_names_it(tmp_path: Path, end: str) -> None:
    write_bundle(tmp_path / "Train_775000", TENSORS)
    path = tmp_path / f"Train_775000{end}"
    assert prefix_of(path) == tmp_path / "Train_775000"
    assert is_bundle(path)
    assert len(read_bundle(path, ("net/conv1/",))) == 2


def test_no_bundle_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"x")
    assert not is_bundle(tmp_path / "a.pth")


@pytest.mark.parametrize("where", [0.0, 0.3, 0.7, 0.99, "short", "footer", "garbage"])
def test_a_damaged_index_is_found(tmp_path: Path, where: float | str) -> None:
    write_bundle(tmp_path / "m", TENSORS)
    index = tmp_path / "m.index"
    content = bytearray(index.read_bytes())
    if where == "short":
        content = content[len(content) // 2 :]
    elif where == "footer":
        content = content[:-3]
    elif where == "garbage":
        content = bytearray(b"no table")
    else:
        content[int((len(content) - 49) * float(where))] ^= 0x55
    index.write_bytes(content)
    with pytest.raises(BundleError):
        read_bundle(tmp_path / "m")


def test_data_that_ends_early_is_found(tmp_path: Path) -> None:
    write_bundle(tmp_path / "m", TENSORS)
    data = tmp_path / "m.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-40])
    with pytest.raises(BundleError, match="ends before"):
        read_bundle(tmp_path / "m")
    data.unlink()
    with pytest.raises(FileNotFoundError):
        read_bundle(tmp_path / "m")
