"""A photograph with another face's shape: where its features would be is drawn at random, and they are moved there.

Nothing that a small network draws looks like a photograph; the photograph does. So without any other face to copy from, a random face is
the one that is there, with its landmarks where another person's would be (a smooth map through them: thin plate splines; Bookstein,
"Principal Warps" (1989)), a wider or narrower jaw, and everything else as it is. The map is applied to the document's own pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import RBFInterpolator

from scumble.faces.detection.alignment import Points, applied, inverse, sampled, scale_of
from scumble.faces.detection.found_face import FaceFrame, aligned_coverage, rows_of
from scumble.imaging import unseen
from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.operations.new_layer import NewLayer

from .shapes import Axes, FaceShapes, axes_of

Floats = NDArray[np.float32]

GRID = 64
"""Cells, each way, in which the map is told; it is smooth."""

MOST = 1.8
"""Deviations that a coefficient differs from the face's own at most: beyond that faces are caricatures."""

TOWARDS = 0.8
"""How far a face goes from its own shape to the one that was drawn."""

WIDER, LONGER = 0.045, 0.05
"""Standard deviations of how much wider and longer a jaw becomes, as a share of it."""

JAW = 9
"""Points along the jaw, and how far it is from the eyes' middle: half its width, its height above the chin's, and below it."""

JAW_ACROSS, JAW_LEVEL, JAW_DOWN = 0.98, 0.45, 1.12

HEAD_LEVEL, HEAD_ACROSS, HEAD_DOWN = 0.35, 1.45, 1.75
"""The oval beyond which nothing moves: its middle below the eyes, half its width and half its height, in eye distances."""

STILL = 28
"""Points along it."""

FADES = 0.12
"""Share of the oval's radius over which the map fades out; and of a selection, in eye distances, twice that."""

SMOOTHING = 1e-4

LEFT_CORNER, RIGHT_CORNER = 31, 37
UPPER_LIP = {32: 0.5, 33: 1.0, 34: 1.0, 35: 1.0, 36: 0.5, 43: 1.0, 44: 1.0, 45: 1.0}
LOWER_LIP = {38: 0.5, 39: 1.0, 40: 1.0, 41: 1.0, 42: 0.5, 46: 1.0, 47: 1.0, 48: 1.0}
"""Landmarks of the lips, and how far each goes along when the lips are brought nearer to each other or away."""

FOLDED = 0.35
"""Least area that a cell may keep of its own: less looks squeezed, and below 0 it is folded."""

SEEN = 0.02
"""Pixels of the document: what moves less stays."""


def reshaped_layer(
    image: Layer,
    place: FaceFrame,
    points: Points,
    selected: Layer | None,
    shapes: FaceShapes,
    variety: float,
    seed: int,
    context: Context,
) -> Layer | None:
    """The face with another shape, as a layer over the image; None where nothing moves.

    Parameters
    ----------
    place
        The face's aligned frame.
    points
        (49, 2): its landmarks in the unit square of that frame.
    selected
        Nothing changes outside; None where all of the head may.
    variety
        0: the shape that most faces are near to; 1: as varied as faces are.
    """
    axes = axes_of(points)
    moves = field(points, axes, shapes, variety, seed)
    if selected is not None:
        moves = moves * _within(selected, place, axes)[..., None]
    size = np.abs(moves).max(axis=2) * scale_of(place.frame)
    if not (size > SEEN).any():
        return None
    # a cell of the map is seen as far as its neighbours
    rows, columns = np.nonzero(size > SEEN)
    box = np.array([columns.min() - 1, rows.min() - 1, columns.max() + 2, rows.max() + 2]) / GRID
    corners = applied(place.frame, np.array([[x, y] for x in box[[0, 2]] for y in box[[1, 3]]]))
    low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    bounds = Bounds.from_edges(*(int(v) for v in (*low, *high))).intersection(image.bounds)
    if not bounds:
        return None
    reach = int(np.ceil(size.max())) + 4
    made = NewLayer(image, bounds)
    for part in rows_of(bounds):
        around = part.padded(reach).intersection(image.bounds)
        working = image.to_working(around)
        for note in working.notes:
            context.note(note)
        y, x = np.mgrid[part.y : part.bottom, part.x : part.right] + 0.5
        at = np.stack([x, y], axis=-1)
        inner = applied(inverse(place.frame), at.reshape(-1, 2)).reshape(at.shape)
        inside = np.asarray(((inner > 0) & (inner < 1)).all(axis=2))
        shift = sampled(moves, inner * GRID) * inside[..., None]
        source = at + shift @ place.frame[:, :2].T - [around.x, around.y]
        planes = np.concatenate([unseen.continued(working.rgb, working.alpha), working.alpha[..., None]], axis=2)
        found = sampled(np.asarray(planes, np.float32), source, order=3)
        low_, high_ = min(0.0, float(working.rgb.min(initial=0))), max(1.0, float(working.rgb.max(initial=1)))
        changed = np.hypot(*np.moveaxis(shift @ place.frame[:, :2].T, 2, 0)) > SEEN
        alpha = found[..., 3].clip(0, 1) * changed
        if selected is not None:
            alpha = alpha * (selected.coverage(part) > 0)
        made.put(np.clip(found[..., :3], low_, high_), np.asarray(alpha, np.float32), part)
    layer = made.layer()
    return layer if layer.bounds else None


def field(points: Points, axes: Axes, shapes: FaceShapes, variety: float, seed: int) -> Floats:
    """(GRID, GRID, 2): from where each place of the frame is taken, less the place itself, in shares of the frame's side."""
    rng = np.random.default_rng([seed, 11])
    drawn = variety * rng.standard_normal(len(shapes.deviations))
    wide, long = variety * rng.normal(0, [WIDER, LONGER])
    own = shapes.coefficients(axes.inside(points)) / shapes.deviations
    step = np.clip(TOWARDS * (drawn - own), -MOST, MOST) * shapes.deviations
    shape = axes.inside(points)
    moved = axes.outside(with_own_opening(shape, shape + np.tensordot(step, shapes.components, 1)) - shape)
    turn = np.linspace(0.15, 0.85, JAW) * np.pi
    jaw = np.stack([JAW_ACROSS * np.cos(turn), JAW_LEVEL + JAW_DOWN * np.sin(turn)], axis=1)
    jaws = np.stack([wide * jaw[:, 0], long * np.maximum(jaw[:, 1] - JAW_LEVEL, 0)], axis=1)
    turn = np.linspace(0, 2 * np.pi, STILL, endpoint=False)
    still = np.stack([HEAD_ACROSS * np.cos(turn), HEAD_LEVEL + HEAD_DOWN * np.sin(turn)], axis=1)
    before = np.concatenate([points, axes.middle + axes.outside(jaw), axes.middle + axes.outside(still)])
    change = np.concatenate([moved, axes.outside(jaws), np.zeros_like(still)])
    y, x = (np.mgrid[:GRID, :GRID] + 0.5) / GRID
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    inside = axes.inside(places).reshape(GRID, GRID, 2)
    radius = np.hypot(inside[..., 0] / HEAD_ACROSS, (inside[..., 1] - HEAD_LEVEL) / HEAD_DOWN)
    fade = np.clip((1 - radius) / FADES, 0, 1)[..., None]
    for share in (1.0, 0.75, 0.5, 0.25):
        # a little smoothing, for landmarks that lie in one place
        back = RBFInterpolator(
            before + share * change, -share * change, kernel="thin_plate_spline", smoothing=SMOOTHING
        )
        found = np.asarray(back(places).reshape(GRID, GRID, 2) * fade, np.float32)
        if _least_area(found) > FOLDED:
            return found
    return np.zeros((GRID, GRID, 2), np.float32)


def with_own_opening(before: Points, after: Points) -> Points:
    """Landmarks (49, 2) in the face's axes, with the lips as far apart as they were, for the mouth's width: what is seen between them is
    stretched as a whole, or teeth become long."""
    apart = [float((one[46:49, 1] - one[43:46, 1]).mean()) for one in (before, after)]
    width = [float(np.hypot(*(one[RIGHT_CORNER] - one[LEFT_CORNER]))) for one in (before, after)]
    excess = apart[1] - apart[0] * width[1] / max(width[0], 1e-6)
    found = after.copy()
    for lips, way in ((UPPER_LIP, 0.5), (LOWER_LIP, -0.5)):
        for point, share in lips.items():
            found[point, 1] += way * share * excess
    return found


def _least_area(moves: Floats) -> float:
    """Of the cells, after the map, as a share of what they had."""
    (xy, xx), (yy, yx) = (np.gradient(GRID * moves[..., n]) for n in (0, 1))
    return float(((1 + xx) * (1 + yy) - xy * yx).min())


def _within(selected: Layer, place: FaceFrame, axes: Axes) -> Floats:
    """(GRID, GRID) in 0 to 1: how far the map may go within a selection; nothing at its rim, so that there is no seam."""
    inside = np.pad(aligned_coverage(selected, place, GRID) > 0.5, 1)
    away = ndimage.distance_transform_edt(inside)[1:-1, 1:-1] / GRID
    share = np.clip((away - 1 / GRID) / (2 * FADES * axes.unit), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
