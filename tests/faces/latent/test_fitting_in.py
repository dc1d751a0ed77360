"""A random face fits what is around it."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.faces.detection.found_face import frame_of
from scumble.faces.latent.fitting_in import face_oval
from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from tests.support.faces import portrait

WARM = ModelCache()
FACE = Layer(portrait())


def context(seed: int = 0) -> Context:
    return Context(seed, "cpu", WARM, lambda fraction, message: None)


def sampled(image: Layer, seed: int = 0, mask: Layer | None = None, **raw: object) -> Layer:
    operation = find("face-sample")
    layers = {"image": image} if mask is None else {"image": image, "mask": mask}
    (output,) = operation.run(layers, operation.validate({"exemplars": False, **raw}), context(seed))
    return output.layer


def oval() -> Layer:
    return face_oval(FACE, frame_of({"image": FACE}, context()))


def seam(image: Layer, layer: Layer, mask: Layer) -> float:
    """The mean step of colours over the mask's half-covered rim, in 8-bit levels, beside the photograph's own there."""
    made = composite(image, layer).pixels[..., :3].astype(float)
    cover = mask.coverage(image.bounds)
    rim = (cover > 0.05) & (cover < 0.95)
    steps = [
        np.abs(np.diff(one.mean(2), axis=1))[rim[:, 1:]].mean() for one in (made, image.pixels[..., :3].astype(float))
    ]
    return float(steps[0] / steps[1])


def test_the_oval_lies_on_the_face() -> None:
    mask = oval()
    cover = mask.coverage(FACE.bounds)
    middle = cover[
        FACE.bounds.height // 2 - 8 : FACE.bounds.height // 2 + 8,
        FACE.bounds.width // 2 - 8 : FACE.bounds.width // 2 + 8,
    ]
    assert middle.min() == 1
    assert cover[0].max() == 0
    assert cover[:, 0].max() == 0


def test_another_person_looks_out_of_the_same_photograph() -> None:
    mask = oval()
    layer = sampled(FACE, mask=mask)
    made = composite(FACE, layer).pixels.astype(int)
    apart = np.abs(made - FACE.pixels.astype(int)).mean(2)
    cover = mask.coverage(FACE.bounds)
    assert apart[cover == 0].max() == 0, "nothing changes outside"
    assert apart[cover == 1].mean() > 4, "it is somebody else"
    assert seam(FACE, layer, mask) < 1.6


def test_it_takes_on_the_photograph_s_light() -> None:
    dark = Layer((FACE.pixels * 0.45).astype(np.uint8))
    mask = oval()
    cover = mask.coverage(FACE.bounds) == 1
    light = [composite(one, sampled(one, mask=mask)).pixels[..., :3][cover].mean() for one in (FACE, dark)]
    own = [one.pixels[..., :3][cover].mean() for one in (FACE, dark)]
    assert light[1] / light[0] == pytest.approx(own[1] / own[0], abs=0.12)


def test_each_seed_is_somebody_else() -> None:
    one, same, other = (composite(FACE, sampled(FACE, seed=s)).pixels.astype(int) for s in (3, 3, 4))
    assert np.array_equal(one, same)
    assert np.abs(one - other).mean() > 0.5


def test_a_selection_of_everything_is_a_face_as_it_was_drawn() -> None:
    everything = Layer(np.full((*FACE.bounds.extent.shape, 1), 255, np.uint8))
    layer = sampled(FACE, mask=everything)
    assert layer.bounds.width > 100


def test_a_selection_with_one_pixel_of_the_face() -> None:
    mask = np.zeros((*FACE.bounds.extent.shape, 1), np.uint8)
    mask[mask.shape[0] // 2, mask.shape[1] // 2] = 255
    layer = sampled(FACE, mask=Layer(mask))
    assert layer.bounds.width <= 1


def test_without_finishing_it_fits_as_well() -> None:
    mask = oval()
    assert seam(FACE, sampled(FACE, mask=mask, finish=False), mask) < 1.6
