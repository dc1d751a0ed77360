"""The faces that a hole is made of: the photograph's own, mirrored, its other faces, and those of this machine's library.

`copied` is what operations call: an aligned guess goes in, and comes back with real skin, hair and eyes where some fit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from scumble.faces.detection.found_face import FaceFrame, aligned_coverage, aligned_layer, faces_of
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.vision.gaussian import blurred

from .library import ExemplarLibrary, open_libraries
from .synthesis import SIDE, Faces, synthesized

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SHORTLIST = 96
"""Faces of the library, of which each counts mirrored as well, that patches are looked for in."""

PORTION = 16
"""Faces that are brought to the size of the search at a time."""

KEPT = 192 * 2**20
"""Bytes of decoded pictures that stay in memory."""

CAST = 0.7
"""How much of the difference in mean colour is forgiven: light differs more than people do."""

AROUND = 0.05
"""What a place far from the hole counts in the shortlist, where one in it counts 1."""

FAR = 0.08
"""As a share of the face's square: what the artist says in a place says something of so much around it."""

SEEN = 0.5
"""Coverage from which a pixel of a layer may be copied."""


@dataclass(frozen=True)
class Guess:
    """An aligned face, all of one side S, a multiple of 128."""

    picture: Floats
    """(S, S, 3) in 0 to 1: the face with its hole softly filled."""

    hole: Mask
    """(S, S)."""

    sure: Floats
    """(S, S) in 0 to 1: how far the artist said what is to be there."""


@dataclass(frozen=True)
class Copies:
    """What was found for a guess, as large as it is."""

    picture: Floats
    """(S, S, 3): the guess with its hole made of real faces, as far as any look like it."""

    trust: Floats
    """(S, S) in 0 to 1: how far they do; 0 outside the hole."""


def copied(guess: Guess, image: Layer, place: FaceFrame, selected: Layer | None, seed: int, context: Context) -> Copies:
    """The guess with its hole made of real faces.

    `image` is the document's layer, `selected` what of it must not be copied (the selection itself). Seed 0 takes what fits
    best; others choose anew among what fits well.
    """
    library = open_libraries()
    for note in library.notes:
        context.note(note)
    shelf: Shelf = context.models.get(f"exemplar faces {library.digest}", lambda: Shelf(library))
    side = len(guess.hole)
    pictures, known = [], []
    for picture, seen in (*_own(guess), *_others(image, place, selected, side, context)):
        pictures.append(picture)
        known.append(seen)
    offered = []
    for number, picture in shelf.alike(guess, context):
        offered.append(number)
        pictures.append(picture)
        known.append(np.ones((side, side), np.bool_))
    large = torch.from_numpy(np.stack(pictures)).to(context.device).permute(0, 3, 1, 2)
    whole = torch.from_numpy(np.stack(known)[:, None]).to(context.device)
    scale, parts = side // SIDE, range(0, len(large), PORTION)
    small = torch.cat([functional.avg_pool2d(large[n : n + PORTION].float() / 255, scale) for n in parts])
    lacking = torch.cat([functional.max_pool2d((~whole[n : n + PORTION]).float(), scale) for n in parts])
    soft, hole, sure = (
        torch.from_numpy(np.ascontiguousarray(plane, np.float32)).to(context.device)
        for plane in (guess.picture.transpose(2, 0, 1), guess.hole[None], guess.sure[None])
    )
    made = synthesized(soft, hole, sure, Faces(small, large, 1 - lacking), seed)
    if bool((made.trust > 0).any()):
        context.copies_from(library.collections_of(offered))
    return Copies(
        np.asarray(made.picture.permute(1, 2, 0).cpu().numpy(), np.float32),
        np.asarray(made.trust[0].cpu().numpy(), np.float32),
    )


def sureness(told: Mask) -> Floats:
    """(S, S): 1 on given colours and near lines, falling to 0 where nothing is said for `FAR` around."""
    if not told.any():
        return np.zeros(told.shape, np.float32)
    away = ndimage.distance_transform_edt(~told) / (FAR * len(told))
    return np.asarray(np.clip(2 - 2 * away, 0, 1), np.float32)


class Shelf:
    """A library's pictures as they are needed, the last ones kept decoded."""

    def __init__(self, library: ExemplarLibrary) -> None:
        self._library = library
        small = library.thumbnails.astype(np.float32) / np.float32(255)
        self._thumbnails = np.concatenate([small, small[:, :, ::-1]])
        self._pictures: OrderedDict[tuple[int, int], Bytes] = OrderedDict()
        self._bytes = 0

    def alike(self, guess: Guess, context: Context, most: int | None = None) -> Iterator[tuple[int, Bytes]]:
        """Numbers and pictures (S, S, 3) of those that look most like the face in and around its hole, mirrored where that looks more like
        it; so many at most (`SHORTLIST` where nothing is said)."""
        if not len(self._library):
            return
        side, count = len(guess.hole), len(self._library)
        cell = side // self._thumbnails.shape[1]
        seen = guess.picture.reshape(side // cell, cell, side // cell, cell, 3).mean((1, 3))
        share = guess.hole.reshape(side // cell, cell, side // cell, cell).mean((1, 3))
        near = blurred(torch.from_numpy(share.astype(np.float32))[None, None], 2.0)[0, 0].numpy()
        weight = (np.clip(3 * near, 0, 1) + AROUND)[..., None].astype(np.float32)
        apart = _without_cast(self._thumbnails, weight) - _without_cast(seen, weight)
        order = np.argsort((np.square(apart) * weight).sum((1, 2, 3)), kind="stable")[: most or SHORTLIST]
        numbers = sorted({int(n) % count for n in order})
        found = dict(self._decoded(numbers, side, context))
        for n in sorted(int(n) for n in order):
            if n % count in found:
                picture = found[n % count]
                yield n % count, (picture if n < count else picture[:, ::-1])

    def _decoded(self, numbers: list[int], side: int, context: Context) -> Iterator[tuple[int, Bytes]]:
        missing = [n for n in numbers if (n, side) not in self._pictures]
        for n in numbers:
            if (n, side) in self._pictures:
                self._pictures.move_to_end((n, side))
                yield n, self._pictures[n, side]
        for n, picture in self._library.pictures(missing, context.note):
            kept = _resized(picture, side)
            self._pictures[n, side] = kept
            self._bytes += kept.nbytes
            yield n, kept
        while self._bytes > KEPT:
            self._bytes -= self._pictures.popitem(last=False)[1].nbytes


def _without_cast(pictures: Floats, weight: Floats) -> Floats:
    mean = (pictures * weight).sum((-3, -2), keepdims=True) / weight.sum()
    return np.asarray(pictures - np.float32(CAST) * mean, np.float32)


def _resized(picture: Bytes, side: int) -> Bytes:
    from PIL import Image

    if len(picture) == side:
        return picture
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS), np.uint8)


def _own(guess: Guess) -> Iterator[tuple[Bytes, Mask]]:
    """What is known of the face itself, mirrored: one eye is the other's best exemplar. (As it is, it would only repeat what lies
    beside the hole.)"""
    picture = np.asarray(np.round(guess.picture.clip(0, 1) * 255), np.uint8)
    yield picture[:, ::-1], ~guess.hole[:, ::-1]


def _others(
    image: Layer, place: FaceFrame, selected: Layer | None, side: int, context: Context
) -> Iterator[tuple[Bytes, Mask]]:
    """The picture's other faces, each both ways."""
    for face in faces_of(image, context):
        if np.abs(face.frame - place.frame).max() < 1:
            continue
        frame = FaceFrame(face.frame, True)
        colours, alpha = aligned_layer(image, frame, side)
        known = alpha > SEEN
        if selected is not None:
            known &= aligned_coverage(selected, frame, side) <= 0
        picture = np.asarray(np.round(colours.clip(0, 1) * 255), np.uint8)
        for turn in (slice(None), slice(None, None, -1)):
            yield picture[:, turn], known[:, turn]
