"""LPIPS: its readers, what it says of alike and of different pictures, and that it can be learned from."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch

from scumble_client.errors import ScumbleError
from scumble_training.common.lpips import CHANNELS, NCNN_HALF, Lpips, load


def published(folder: Path, seed: int = 0) -> tuple[Path, Path, dict[str, torch.Tensor]]:
    """Files of the published structure with random weights: torchvision's names, and the heads'."""
    torch.manual_seed(seed)
    state = {}
    for name, tensor in Lpips().network.state_dict().items():
        name = name.replace("enter.", "features.0.").replace("fires.", "features.")
        state[name] = torch.randn_like(tensor) * (0.05 if name.endswith("bias") else (2 / tensor[0].numel()) ** 0.5)
    network, heads = folder / "squeezenet1_1-00000000.pth", folder / "squeeze.pth"
    torch.save({**state, "classifier.1.weight": torch.zeros(1000, 512, 1, 1)}, network)
    torch.save({f"lin{n}.model.1.weight": torch.rand(1, c, 1, 1) for n, c in enumerate(CHANNELS)}, heads)
    return network, heads, state


def as_ncnn(state: dict[str, torch.Tensor], path: Path, half: bool) -> Path:
    data = b""
    for name, tensor in state.items():
        if name.endswith(".weight"):
            raw = (tensor.half() if half else tensor).numpy().tobytes()
            data += struct.pack("<I", NCNN_HALF if half else 0) + raw + b"\0" * (-len(raw) % 4)
            data += state[name.replace(".weight", ".bias")].numpy().tobytes()
    path.write_bytes(data + b"the classifier follows")
    return path


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    picture = torch.rand(2, 3, 64, 48)
    return picture, (picture + 0.2 * torch.randn_like(picture)).clamp(0, 1)


def test_alike_is_zero_and_more_noise_is_more(tmp_path: Path, pictures: tuple[torch.Tensor, torch.Tensor]) -> None:
    network, heads, _ = published(tmp_path)
    lpips = load(network, heads)
    picture, noisy = pictures
    assert lpips(picture, picture).abs().max() < 1e-6
    near = lpips(picture, picture + 0.1 * (noisy - picture))
    far = lpips(picture, noisy)
    assert far.shape == (2,)
    assert (far > near).all()
    torch.testing.assert_close(far, lpips(noisy, picture))


@pytest.mark.parametrize("half", [False, True])
def test_ncnn_s_form_is_the_same_network(
    tmp_path: Path, pictures: tuple[torch.Tensor, torch.Tensor], half: bool
) -> None:
    network, heads, state = published(tmp_path)
    other = load(as_ncnn(state, tmp_path / "squeezenet.bin", half), heads)
    torch.testing.assert_close(
        other(*pictures), load(network, heads)(*pictures), rtol=2e-2 if half else 1e-5, atol=1e-4
    )


def test_only_what_is_covered_counts(tmp_path: Path, pictures: tuple[torch.Tensor, torch.Tensor]) -> None:
    network, heads, _ = published(tmp_path)
    lpips = load(network, heads)
    picture, noisy = pictures
    wrong_below = torch.cat([picture[..., :32, :], noisy[..., 32:, :]], 2)
    top = torch.zeros(2, 1, 64, 48)
    top[..., :8, :] = 1
    assert (lpips(picture, wrong_below, top) < 0.2 * lpips(picture, wrong_below, 1 - top)).all()


def test_it_can_be_learned_from(tmp_path: Path, pictures: tuple[torch.Tensor, torch.Tensor]) -> None:
    network, heads, _ = published(tmp_path)
    lpips = load(network, heads)
    picture, noisy = pictures
    made = noisy.clone().requires_grad_()
    optimizer = torch.optim.Adam([made], 0.01)
    before = float(lpips(noisy, picture).mean())
    for _ in range(8):
        loss = lpips(made, picture).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(lpips(made.detach(), picture).mean()) < 0.9 * before
    assert all(parameter.grad is None for parameter in lpips.parameters())


@pytest.mark.parametrize("covered", [False, True])
def test_the_slope_to_a_constant_is_that_of_the_formula(
    tmp_path: Path, pictures: tuple[torch.Tensor, torch.Tensor], covered: bool
) -> None:
    network, heads, _ = published(tmp_path)
    lpips = load(network, heads).double()
    made, truth = (picture.double() for picture in pictures)
    where = torch.rand(2, 1, *made.shape[2:], dtype=torch.float64) if covered else None
    slopes = []
    for other in (truth, truth.clone().requires_grad_()):  # only the first is a constant
        learned = made.clone().requires_grad_()
        (slope,) = torch.autograd.grad(lpips(learned, other, where).sum(), learned)
        slopes.append(slope)
    assert slopes[0].abs().max() > 0
    torch.testing.assert_close(*slopes)


def test_nothing_is_seen_and_nothing_breaks(tmp_path: Path) -> None:
    network, heads, _ = published(tmp_path)
    lpips = load(network, heads)
    for parameter in lpips.network.parameters():
        parameter.zero_()
    made = torch.rand(1, 3, 32, 32, requires_grad=True)
    (slope,) = torch.autograd.grad(lpips(made, torch.rand(1, 3, 32, 32)).sum(), made)
    assert not slope.any()


@pytest.mark.parametrize("spoil", ["network", "heads"])
@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_a_file_that_is_something_else_is_said(tmp_path: Path, spoil: str, content: bytes | None) -> None:
    network, heads, _ = published(tmp_path)
    path = {"network": network, "heads": heads}[spoil]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ScumbleError) as caught:
        load(network, heads)
    assert caught.value.code == "weights_missing"
    assert path.name in caught.value.message
