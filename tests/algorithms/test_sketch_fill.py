"""The first guess: colours flow in, and lines stop them."""

from __future__ import annotations

import torch

from scumble.algorithms.sketch_fill import NOTHING_KNOWN, sketch_fill

SIDE = 64


def maps() -> dict[str, torch.Tensor]:
    nothing = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    hole = nothing.clone()
    hole[..., 16:48, 16:48] = True
    picture = torch.zeros(1, 3, SIDE, SIDE)
    picture[..., SIDE // 2 :] = 1.0  # black on the left, white on the right
    colours = torch.zeros_like(picture)
    return {"picture": picture, "hole": hole, "lines": nothing.clone(), "colours": colours, "given": nothing.clone()}


def test_outside_the_hole_nothing_changes() -> None:
    given = maps()
    found = sketch_fill(**given)
    outside = ~given["hole"].expand_as(found)
    assert torch.equal(found[outside], given["picture"][outside])
    assert 0.2 < float(found[0, 0, 32, 31]) < 0.8


def test_a_line_stops_colours() -> None:
    given = maps()
    soft = sketch_fill(**given)[0, 0, 32]
    given["lines"][..., 10:54, 31:33] = True
    sharp = sketch_fill(**given)[0, 0, 32]
    assert float(soft[28]) > 0.2
    assert float(sharp[28]) < 0.1
    assert float(sharp[35]) > 0.9


def test_given_colours_are_taken_and_flow() -> None:
    given = maps()
    given["colours"][:, 1] = 1.0
    given["given"][..., 30:34, 20:44] = True
    found = sketch_fill(**given)
    assert torch.equal(found[0, :, 32, 30], torch.tensor([0.0, 1.0, 0.0]))
    assert float(found[0, 1, 36, 25]) > 0.5
    given["given"][:] = True
    everywhere = sketch_fill(**given)
    assert torch.equal(everywhere[0, :, 5, 5], given["picture"][0, :, 5, 5]), "not outside the hole"


def test_everything_is_hole() -> None:
    given = maps()
    given["hole"][:] = True
    assert torch.allclose(sketch_fill(**given), torch.tensor(NOTHING_KNOWN))
    given["colours"][:] = torch.tensor([0.2, 0.4, 0.6])[None, :, None, None]
    given["given"][..., 8, 8] = True
    assert torch.allclose(sketch_fill(**given)[0, :, 60, 60], torch.tensor([0.2, 0.4, 0.6]), atol=1e-3)
