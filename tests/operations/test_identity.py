"""`identity`: the layer itself comes back, whatever is sent along."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.imaging.geometry import Point
from scumble.imaging.layer import DEPTHS, LAYOUTS, Layer
from scumble.operations import find
from scumble_client.errors import ScumbleError
from tests.support.inpainting import context


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_the_very_layer_comes_back(depth: str, layout: str) -> None:
    layer = Layer(np.ones((3, 2, LAYOUTS.index(layout) + 1), depth), Point(-4, 9))
    identity = find("identity")
    (output,) = identity.run({"image": layer}, identity.validate({}), context(seed=5))
    assert output.layer is layer
    assert output.seed == 5


def test_a_mask_is_left_unused() -> None:
    layer, mask = Layer(np.ones((3, 2, 4), np.uint8)), Layer(np.zeros((7, 7, 1), np.uint8))
    identity = find("identity")
    (output,) = identity.run({"image": layer, "mask": mask}, identity.validate({}), context())
    assert output.layer is layer


def test_it_has_no_parameters_and_is_in_no_menu() -> None:
    assert find("identity").describe()["parameters"] == []
    assert find("identity").hidden
    with pytest.raises(ScumbleError, match="no parameter called “size”"):
        find("identity").validate({"size": 1})
