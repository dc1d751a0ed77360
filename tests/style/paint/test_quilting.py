"""Image quilting: seams against a brute search, and a texture that goes on as it began."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from scumble.style.paint.blocks import Blocks, Cut, Style, box_means, from_ycc, to_ycc, turned
from scumble.style.paint.quilting import Quilt, lay, least_seams


def test_seams_are_the_least_there_are() -> None:
    costs = torch.rand(6, 5, 4, generator=torch.Generator().manual_seed(0))
    beyond = least_seams(costs)
    for cost, mask in zip(costs.numpy(), beyond.numpy(), strict=True):
        path = mask.argmax(axis=1)
        assert (np.abs(np.diff(path)) <= 1).all()
        assert (mask == (np.arange(4) >= path[:, None])).all()
        paths = (
            p for p in itertools.product(range(4), repeat=5) if max(abs(a - b) for a, b in itertools.pairwise(p)) <= 1
        )
        least = min(float(cost[range(5), p].sum()) for p in paths)
        assert float(cost[range(5), path].sum()) == np.float32(least) or abs(cost[range(5), path].sum() - least) < 1e-5


def style(picture: torch.Tensor) -> Style:
    height, width = picture.shape[2:]
    return Style(picture, torch.ones(1, 1, -(-height // 4), -(-width // 4)), torch.ones(height, width))


def waves(height: int, width: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    wave = 0.5 + 0.4 * torch.sin((2 * x + y) * 0.5)
    return torch.stack([wave, 0.5 * wave, 1 - wave])[None]


def quilted(target: torch.Tensor, texture: torch.Tensor, cut: Cut, need: torch.Tensor | None = None) -> Quilt:
    blocks = Blocks([style(texture)], cut, 10_000, 1, torch.Generator().manual_seed(0))
    start = Quilt(target, torch.full(target.shape[2:], -1, dtype=torch.int64))
    features = torch.ones(1, 1, -(-target.shape[2] // 4), -(-target.shape[3] // 4))
    return lay(start, target, features, blocks, [1.0], torch.Generator().manual_seed(0), need)


def test_every_pixel_comes_from_the_style() -> None:
    texture = torch.rand(1, 3, 40, 44, generator=torch.Generator().manual_seed(1))
    found = quilted(torch.rand(1, 3, 37, 53), texture, Cut(12, 4))
    assert found.picture.shape == (1, 3, 37, 53)
    assert int(found.origins.min()) >= 0
    assert torch.equal(found.picture[0], texture.reshape(3, -1)[:, found.origins.flatten()].view(3, 37, 53))


def test_a_texture_goes_on_across_blocks() -> None:
    found = quilted(torch.full((1, 3, 60, 60), 0.5), waves(64, 64), Cut(16, 6, rim=5.0, features=0.0, usage=0.0))
    inner = found.picture[0, 0]
    # along a wave's crest nothing changes; random blocks would differ there by about 0.45
    assert float((inner[2:, :-1] - inner[:-2, 1:]).abs().mean()) < 0.1


def test_only_what_is_in_need_is_painted() -> None:
    target = torch.rand(1, 3, 60, 60, generator=torch.Generator().manual_seed(2))
    need = torch.zeros(60, 60, dtype=torch.bool)
    need[:10, :10] = True
    found = quilted(target, waves(40, 40), Cut(12, 4), need)
    assert torch.equal(found.picture[:, :, 24:], target[:, :, 24:])
    assert int((found.origins[:10, :10] >= 0).sum()) > 20
    nothing = quilted(target, waves(40, 40), Cut(12, 4), torch.zeros(60, 60, dtype=torch.bool))
    assert torch.equal(nothing.picture, target)


def test_used_blocks_become_dear() -> None:
    target, texture = (
        torch.full((1, 3, 90, 90), 0.5),
        torch.rand(1, 3, 60, 60, generator=torch.Generator().manual_seed(3)),
    )
    kinds = [
        len(set(quilted(target, texture, Cut(10, 3, rim=0.0, usage=usage)).origins[::7, ::7].flatten().tolist()))
        for usage in (0.0, 0.05)
    ]
    assert kinds[1] > kinds[0]


def test_box_means_are_means() -> None:
    planes = torch.rand(1, 2, 9, 11)
    assert torch.allclose(box_means(planes, 4), torch.nn.functional.avg_pool2d(planes, 4, 1), atol=1e-6)
    assert box_means(planes, 1) is planes


def test_the_rim_of_painted_blocks_is_that_of_the_style_s() -> None:
    texture = torch.rand(1, 3, 30, 34)
    blocks = Blocks([style(texture)], Cut(12, 4), 10_000, 1, torch.Generator().manual_seed(0))
    chosen = torch.tensor([0, 7, 31])
    painted = texture.reshape(3, -1)[:, blocks.origins(chosen).flatten()].view(3, 3, 12, 12).transpose(0, 1)
    parts = blocks.continuing(painted)
    assert torch.allclose(parts, blocks.keys[chosen][:, -parts.shape[1] :], atol=1e-4)


def test_colours_and_turns_go_back() -> None:
    picture = torch.rand(1, 3, 5, 7)
    assert torch.allclose(from_ycc(to_ycc(picture, 1.0)), picture, atol=1e-5)
    assert torch.equal(turned(picture, 2), picture.transpose(2, 3))
    assert torch.equal(turned(picture, 3), picture.flip(3).transpose(2, 3))
