"""Another picture as the source of a fill: aligned where it shows the same place, as texture otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.imaging.colour import luma
from scumble.imaging.geometry import Bounds, Extent
from scumble.imaging.layer import Layer
from scumble.vision import blending
from scumble.vision.alignment.homography import Matrix, homography, moved
from scumble.vision.alignment.keypoints import keypoints, matched
from scumble.vision.alignment.refinement import light, likeness, refined, warped
from scumble_client.errors import ScumbleError

from .fill_regions import FillRegion
from .holes import Holes

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

LOOKED_AT = 1200
"""Longest side, in pixels, at which pictures are compared as wholes."""

REFINED_AT = 448
"""Longest side at which the surroundings of a hole are."""

RIM = 32
"""Pixels around a hole, or a quarter of its longer side if that is more, over which light and agreement are found."""

ALIKE = 0.6
"""Correlation around the hole from which the reference shows the same place."""

ANOTHER = 0.2
"""Where colours beside the hole differ by more, another thing stands there, and is not made to meet."""

GAP = 8
"""Pixels between the picture and the reference, where one is laid beside the other for their texture."""


@dataclass(frozen=True)
class Taken:
    """What a reference gives to a region: (H, W, 3) with the aligned pixels, and where (H, W) they are in the hole."""

    rgb: Floats
    covered: Mask


class Reference:
    """A picture that may show what a hole lacks."""

    def __init__(self, layer: Layer, image: Layer, holes: Holes) -> None:
        if not layer.extent.area or not layer.content_bounds():
            raise ScumbleError(
                "missing_input", "There is nothing on the reference.", "Choose a layer or a file that shows something."
            )
        self.layer, self.image, self.holes = layer, image, holes

    @cached_property
    def _alignment(self) -> Matrix | None:
        """From the picture's own pixels to the reference's; None where they show no place in common."""
        shown, step = _small(self.image)
        other, other_step = _small(self.layer)
        hidden = _reduced(self.holes.coverage(self.image.bounds)[..., None], step)[..., 0] > 0
        one = keypoints(luma(shown[..., :3]), (shown[..., 3] > 0.99) & ~hidden)
        two = keypoints(luma(other[..., :3]), other[..., 3] > 0.99)
        pairs = matched(one, two)
        found = homography(one.places[pairs[:, 0]], two.places[pairs[:, 1]])
        return None if found is None else _scaled(other_step) @ found.matrix @ np.linalg.inv(_scaled(step))

    def shown_in(self, piece: FillRegion) -> Taken | None:
        """What the reference shows of a region, in the light of the picture; None where it shows another place."""
        if self._alignment is None:
            return None
        at = piece.region.crop.offset
        corner = (at.x - self.image.offset.x, at.y - self.image.offset.y)
        matrix = self._alignment @ _shift(*corner)
        rows, columns = np.flatnonzero(piece.hole.any(1)), np.flatnonzero(piece.hole.any(0))
        longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
        wide = max(RIM, int(longest) // 4)
        top, left = max(0, rows[0] - wide), max(0, columns[0] - wide)
        box = (slice(top, rows[-1] + 1 + wide), slice(left, columns[-1] + 1 + wide))
        matrix = matrix @ _shift(left, top)
        rgb, hole = piece.rgb[box], piece.hole[box]
        part, matrix = self._part(matrix, hole.shape)
        if part is None:
            return None
        working = part.to_working()
        known = piece.source[box] if not piece.restricted else ~hole
        matrix = _exact(matrix, rgb, known, working.rgb, working.alpha)
        seen = warped(working.rgb, matrix, hole.shape, order=3)
        inside = _inside(matrix, hole.shape, part.extent) & (warped(working.alpha, matrix, hole.shape) > 0.99)
        near = ndimage.binary_dilation(hole, iterations=wide) & known & inside
        if near.sum() < 64:
            return None
        seen = light(rgb, seen, near).on(seen)
        if likeness(luma(rgb), luma(seen), near) < ALIKE:
            return None
        covered = hole & ndimage.binary_erosion(inside, iterations=2, border_value=1)
        # what meets another thing at the rim keeps its own colours there: else these would flow in
        around = np.where((np.abs(seen - rgb).max(-1) > ANOTHER)[..., None] | ~known[..., None], seen, rgb)
        met = blending.membrane(seen, around, covered)
        out, whole = piece.rgb.copy(), np.zeros_like(piece.hole)
        out[box] = np.where(covered[..., None], met, rgb)
        whole[box] = covered
        return Taken(out, whole)

    def _part(self, matrix: Matrix, shape: tuple[int, int]) -> tuple[Layer | None, Matrix]:
        """What of the reference is looked at, and the homography to its pixels."""
        height, width = shape
        corners = moved(matrix, np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))
        low, high = np.floor(corners.min(0)) - 24, np.ceil(corners.max(0)) + 24
        own = Bounds(0, 0, self.layer.extent.width, self.layer.extent.height)
        low, high = (np.clip(x, -1, (own.width + 1, own.height + 1)).astype(int) for x in (low, high))
        bounds = Bounds.from_edges(int(low[0]), int(low[1]), int(high[0]), int(high[1])).intersection(own)
        if not bounds or min(bounds.width, bounds.height) < 8:
            return None, matrix
        return self.layer.crop(bounds.moved(self.layer.offset)), _shift(-bounds.x, -bounds.y) @ matrix

    def beside(self, piece: FillRegion) -> FillRegion:
        """The region with the reference laid to its right, from which alone is copied (and from the artist's source mask)."""
        height, width = piece.hole.shape
        most = 2 * max(height, width)
        working = self.layer.to_working(self.layer.content_bounds())
        rgb, alpha = working.rgb, working.alpha
        factor = -(-max(alpha.shape) // most)
        if factor > 1:
            rgb, alpha = _reduced(rgb, factor), _reduced(alpha[..., None], factor)[..., 0]
        tall, broad = max(height, alpha.shape[0]), width + GAP + alpha.shape[1]

        def canvas(array: NDArray[np.generic]) -> NDArray[np.generic]:
            out = np.zeros((tall, broad, *array.shape[2:]), array.dtype)
            out[:height, :width] = array
            return out

        colours, hole, source, coverage = (canvas(x) for x in (piece.rgb, piece.hole, piece.source, piece.alpha))
        if not piece.restricted:
            source[:] = False
        colours[: alpha.shape[0], width + GAP :] = rgb
        source[: alpha.shape[0], width + GAP :] = alpha > 0.99
        if not source.any():
            raise ScumbleError(
                "missing_input", "The reference is transparent.", "Choose a layer or a file that shows something solid."
            )
        return FillRegion(piece.region, colours, hole, source, coverage, restricted=True)  # type: ignore[arg-type]


def without(piece: FillRegion, taken: Taken) -> FillRegion:
    """What is left to fill of a region after the reference has given what it shows."""
    source = piece.source if piece.restricted else piece.source | taken.covered
    return replace(piece, rgb=taken.rgb, hole=piece.hole & ~taken.covered, source=source)


def _exact(matrix: Matrix, rgb: Floats, known: Mask, other: Floats, other_alpha: Floats) -> Matrix:
    """Refined by the pixels around the hole, at a size at which that takes little."""
    step = -(-max(rgb.shape[:2]) // REFINED_AT)
    small = _reduced(luma(rgb)[..., None], step)[..., 0]
    sure = _reduced(known.astype(np.float32)[..., None], step)[..., 0] > 0.99
    target = luma(other)
    inside = _inside(matrix @ _scaled(step), small.shape, Extent(other.shape[1], other.shape[0]))
    weights = (sure & inside).astype(np.float32)
    if weights.sum() < 256:
        return matrix
    found = refined(matrix @ _scaled(step), small, target, weights)
    return found @ np.linalg.inv(_scaled(step))


def _inside(matrix: Matrix, shape: tuple[int, int], extent: Extent) -> Mask:
    """(H, W): whether the homography looks at a pixel that the other picture has."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    places = moved(matrix, np.stack([columns.ravel(), rows.ravel()], 1).astype(np.float64)).reshape(*shape, 2)
    x, y = places[..., 0], places[..., 1]
    return np.asarray((x >= 0) & (y >= 0) & (x <= extent.width - 1) & (y <= extent.height - 1))


def _small(layer: Layer) -> tuple[Floats, int]:
    """(h, w, 4) colours and alpha, reduced by a whole number so that they can be compared as wholes; a band at a time."""
    step = max(1, -(-layer.extent.longest // LOOKED_AT))
    rows = max(step, 512 // step * step)
    bands = []
    for top in range(0, max(1, layer.extent.height - step + 1), rows):
        bounds = Bounds(0, top, layer.extent.width, min(rows, layer.extent.height - top)).moved(layer.offset)
        working = layer.to_working(bounds)
        bands.append(_reduced(np.concatenate([working.rgb, working.alpha[..., None]], -1), step))
    return np.concatenate(bands), step


def _reduced(array: Floats, step: int) -> Floats:
    """(H, W, C): means of step × step pixels; what is left over at the far borders is left out, but never all."""
    if step == 1:
        return array
    height, width = (max(1, length // step) for length in array.shape[:2])
    part = array[: height * step, : width * step]
    if part.shape[0] % step or part.shape[1] % step:
        part = np.pad(part, ((0, -part.shape[0] % step), (0, -part.shape[1] % step), (0, 0)), mode="edge")
    return np.asarray(part.reshape(height, step, width, step, -1).mean((1, 3)), np.float32)


def _scaled(step: int) -> Matrix:
    """From pixels of a picture that was reduced to those of the whole one, by their centres."""
    return np.array([[step, 0, (step - 1) / 2], [0, step, (step - 1) / 2], [0, 0, 1]], np.float64)


def _shift(x: int, y: int) -> Matrix:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)
