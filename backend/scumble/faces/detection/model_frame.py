"""The part of a face's aligned frame that face models see."""

from __future__ import annotations

from .alignment import Matrix, inner_frame

SHARE = 0.9
"""Of the aligned frame's side."""

MIDDLE = (0.5, 0.52)


def model_frame(face: Matrix, margin: float = 1.0) -> Matrix:
    """From the unit square that a model sees to the picture, given the face's aligned frame; `margin` times as large."""
    return inner_frame(face, SHARE * margin, MIDDLE)


def aligned_frame(model: Matrix) -> Matrix:
    """The face's aligned frame, given the part of it that a model sees: the reverse of `model_frame`."""
    x, y = ((0.5 - middle) / SHARE + 0.5 for middle in MIDDLE)
    return inner_frame(model, 1 / SHARE, (x, y))
