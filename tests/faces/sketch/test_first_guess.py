"""The first guess: colours flow in, and lines stop them."""

from __future__ import annotations

import torch

from scumble.faces.sketch.first_guess import NOTHING_KNOWN, first_guess

SIDE = 128


def maps() -> dict[str, torch.Tensor]:
    nothing = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    hole = nothing.clone()
    hole[..., 32:96, 32:96] = True
    picture = torch.zeros(1, 3, SIDE, SIDE)
    picture[..., SIDE // 2 :] = 1.0  # black on the left, white on the right
    colours = torch.zeros_like(picture)
    return {"picture": picture, "hole": hole, "lines": nothing.clone(), "colours": colours, "given": nothing.clone()}


def test_outside_the_hole_nothing_changes() -> None:
    given = maps()
    found = first_guess(**given)
    outside = ~given["hole"].expand_as(found)
    assert torch.equal(found[outside], given["picture"][outside])
    assert 0.2 < float(found[0, 0, 64, 62]) < 0.8


def test_a_line_stops_colours() -> None:
    given = maps()
    soft = first_guess(**given)[0, 0, 64]
    given["lines"][..., 20:108, 62:66] = True
    sharp = first_guess(**given)[0, 0, 64]
    assert float(soft[56]) > 0.2
    assert float(sharp[56]) < 0.6 * float(soft[56])
    assert float(1 - sharp[70]) < 0.6 * float(1 - soft[70])


def test_given_colours_are_taken_and_end_soon() -> None:
    given = maps()
    given["colours"][:, 1] = 1.0
    given["given"][..., 60:68, 40:88] = True
    found = first_guess(**given)
    assert torch.allclose(found[0, :, 64, 60], torch.tensor([0.0, 1.0, 0.0]), atol=0.01)
    green = found[0, 1, :, 60] - found[0, 0, :, 60]
    assert float(green[69]) > 0.3, "it flows a little"
    assert float(green[84]) < 0.05, "and ends where the surroundings say something else"
    given["given"][:] = True
    everywhere = first_guess(**given)
    assert torch.equal(everywhere[0, :, 10, 10], given["picture"][0, :, 10, 10]), "not outside the hole"


def test_everything_is_hole() -> None:
    given = maps()
    given["hole"][:] = True
    assert torch.allclose(first_guess(**given), torch.tensor(NOTHING_KNOWN))
    given["colours"][:] = torch.tensor([0.2, 0.4, 0.6])[None, :, None, None]
    given["given"][..., 8, 8] = True
    assert torch.allclose(first_guess(**given)[0, :, 120, 120], torch.tensor([0.2, 0.4, 0.6]), atol=1e-3)


def test_flat_patches_go_over_into_each_other_where_no_line_parts_them() -> None:
    given = maps()
    given["given"][:] = True
    given["colours"][..., 64:] = 1.0
    soft = first_guess(**given)[0, 0, 64]
    assert 0.1 < float(soft[63]) < 0.5 < float(soft[64]) < 0.9
    assert float(soft[54]) < 0.02
    given["lines"][..., 63:65] = True
    sharp = first_guess(**given)[0, 0, 64]
    assert float(sharp[62]) < 0.5 * float(soft[62])


def lit() -> dict[str, torch.Tensor]:
    """Skin that grows darker from left to right, and a hole in it."""
    given = maps()
    skin = torch.tensor([0.8, 0.6, 0.5])[None, :, None, None]
    given["picture"] = (skin * torch.linspace(1.1, 0.8, SIDE)).expand(1, 3, SIDE, SIDE).clone()
    given["colours"] = skin.expand(1, 3, SIDE, SIDE).clone() * 0.95
    given["given"] = torch.ones_like(given["given"])
    return given


def test_a_flat_colour_like_its_surroundings_takes_on_their_light() -> None:
    given = lit()
    found = first_guess(**given)
    assert float((found - given["picture"])[given["hole"].expand_as(found)].abs().mean()) < 0.015
    assert float((given["colours"] - given["picture"])[given["hole"].expand_as(found)].abs().mean()) > 0.02


def test_what_is_painted_amid_the_hole_stays_as_it_was_painted() -> None:
    given = lit()
    lips = torch.tensor([0.7, 0.15, 0.2])[None, :, None, None]
    given["colours"][..., 60:70, 52:76] = lips
    found = first_guess(**given)[..., 62:68, 56:72]
    assert torch.allclose(found, lips.expand_as(found), atol=0.04)


def test_another_colour_than_the_surroundings_is_wanted() -> None:
    given = lit()
    given["colours"][:] = torch.tensor([0.25, 0.15, 0.1])[None, :, None, None]
    found = first_guess(**given)[0, :, 64, 64]
    assert torch.allclose(found, torch.tensor([0.25, 0.15, 0.1]), atol=0.02)


def test_a_colour_that_is_a_little_darker_all_over_stays_darker() -> None:
    given = lit()
    given["colours"] = given["picture"] - 0.12
    found = first_guess(**given)[0, :, 64, 64]
    assert -0.12 < float((found - given["picture"][0, :, 64, 64]).mean()) < -0.05


def test_a_batch_is_lit_one_by_one() -> None:
    one, other = lit(), maps()
    other["colours"][:, 1] = 1.0
    other["given"][..., 60:68, 40:88] = True
    both = {name: torch.cat([one[name], other[name]]) for name in one}
    found = first_guess(**both)
    assert torch.allclose(found[0], first_guess(**one)[0], atol=1e-5)
    assert torch.allclose(found[1], first_guess(**other)[0], atol=1e-5)
