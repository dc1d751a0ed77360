"""What the maker of a mask meant: masks come as black and white, but also as 0 and 1, in colours, on transparency, with noise.

Every operation reads its masks through `understood`, wherever they come from: a file, a folder of them, an editor's selection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble_client.errors import ScumbleError

from .layer import Layer

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

NEARLY_BLACK = np.float32(24.5 / 255)
"""What is darker is black, unless it is part of a gradient: JPEG's and scanners' noise, and the black of video levels (16)."""

NEARLY_WHITE = np.float32(8.5 / 255)
"""The same for what is as near to white; it may be more, as a selection of 95 % is meant."""

FAINTEST_RIM = np.float32(4.5 / 255)
"""Next to what is selected, what is lighter than this is the rim of an anti-aliased edge."""

TAIL, LONGEST_TAIL = 3, 8
"""That of a Gaussian blur is three times as wide along a straight edge down to the last step of a byte, and wider at corners."""

STRAY = 0.02
"""Share of the faint pixels that may lie beyond the longest tails, where all the others are those of gradients."""

COLOURED = 0.15
"""Difference of channels from which a pixel is coloured."""

LEAST_COLOURED = 0.0005
"""Share of a mask's pixels below which colours are an accident of compression."""


@dataclass(frozen=True)
class ReadMask:
    """A mask in which white is what applies."""

    layer: Layer
    """Gray, or the layer that was given where there was nothing to understand."""

    notes: tuple[str, ...] = ()
    """What was understood, one sentence each, for the artist."""


def understood(mask: Layer) -> ReadMask:
    """Read a mask as it was meant. What was understood already is understood as it is.

    Raises
    ------
    ScumbleError
        `missing_input` for a mask that is nearly black everywhere, `bad_request` for one that looks like a picture.
    """
    if not mask.bounds:
        return ReadMask(mask)
    notes: list[str] = []
    values = _on_transparency(mask, notes)
    if values is None:
        values = _in_colours(mask, notes)
    if values is None:
        values = _of_odd_range(mask, notes)
    found = mask.coverage() if values is None else values
    clean = _without_noise(found, notes)
    if clean is found and values is None:
        return ReadMask(mask)
    if values is None and mask.layout == "gray":  # only noise: the rest stays as it was stored, bit for bit
        same = (clean == found)[..., None]
        full = np.iinfo(mask.pixels.dtype).max if mask.pixels.dtype.kind == "u" else 1
        pixels = np.where(same, mask.pixels, (clean[..., None] * full).astype(mask.pixels.dtype))
    else:
        pixels = clean[..., None]
    return ReadMask(Layer(pixels, mask.offset), tuple(notes))


def inverted(mask: Layer) -> Layer:
    """A mask of the same bounds that applies where this one does not."""
    return Layer((1 - mask.coverage())[..., None], mask.offset)


def _on_transparency(mask: Layer, notes: list[str]) -> Floats | None:
    """Strokes of any colour but white on a transparent layer: what is painted is meant."""
    if not mask.has_alpha:
        return None
    alpha = mask.alpha()
    painted = alpha > 0.5
    if not painted.any() or alpha.min() >= 0.5:
        return None
    rgb = mask.unit_colours()[painted]
    light = rgb.mean(axis=-1)
    flat = float(np.ptp(light)) <= NEARLY_BLACK and float(light.max()) < 0.9
    coloured = np.ptp(rgb, axis=-1) > COLOURED
    if flat or float(coloured.mean()) > 0.5:
        if not flat and not _few_colours(rgb[coloured]):
            raise ScumbleError(
                "bad_request",
                "The mask is a picture with transparent parts: it can't be told whether these are meant, or the others.",
                "Give a picture that is white where something should change, and black elsewhere.",
            )
        colour = "black" if light.max() <= NEARLY_BLACK else "a colour"
        notes.append(f"The mask is painted in {colour} on transparency; what is painted was taken as selected.")
        return alpha
    return None


def _in_colours(mask: Layer, notes: list[str]) -> Floats | None:
    """Colours on black, or on white: what is coloured is meant."""
    if mask.is_gray:
        return None
    rgb = mask.unit_colours()
    coloured = np.ptp(rgb, axis=-1) > COLOURED
    if coloured.mean() <= LEAST_COLOURED:
        return None
    high, low = rgb.max(axis=-1), rgb.min(axis=-1)
    black, white = ~coloured & (high <= NEARLY_BLACK), ~coloured & (low >= 1 - NEARLY_BLACK)
    if (black | white).mean() < 0.02 or not _few_colours(rgb[coloured]):
        raise ScumbleError(
            "bad_request",
            "The mask looks like a picture, not like a mask.",
            "Give a picture that is white where something should change, and black elsewhere.",
        )
    ground = "black" if black.sum() >= white.sum() else "white"
    notes.append(f"The mask has colours on {ground}; what is not {ground} was taken as selected.")
    values = high if ground == "black" else 1 - low
    full = float(np.median(values[coloured]))  # a palette's dark red is as much selected as its yellow
    return np.asarray(np.clip(values / max(full, 1e-3), 0, 1) * mask.alpha(), np.float32)


def _few_colours(colours: Floats) -> bool:
    """Whether most of the (N, 3) colours are a few flat ones, as a person paints them or a program numbers its classes."""
    cells = (np.clip(colours, 0, 1) * 7.99).astype(np.int64) @ np.array([64, 8, 1])
    counts = np.sort(np.bincount(cells, minlength=512))[::-1]
    return bool(counts[:12].sum() >= 0.8 * len(colours))


def _of_odd_range(mask: Layer, notes: list[str]) -> Floats | None:
    """0 and 1 in integers, 8 bits in 16, floats beyond 1."""
    pixels = mask.pixels[..., : 1 if mask.is_gray else 3]
    if pixels.dtype.kind == "u":
        most = int(pixels.max())
        if most == 1 and int(pixels.min()) == 0:
            notes.append("The mask has the values 0 and 1 only; 1 was taken as selected.")
            return np.asarray(pixels.max(axis=-1).astype(np.float32) * mask.alpha(), np.float32)
        if pixels.dtype == np.uint16 and 1 < most <= 255:
            notes.append("The mask has 8-bit values in 16 bits; 255 was taken as white.")
            return np.asarray(pixels.max(axis=-1) / np.float32(255) * mask.alpha(), np.float32)
        return None
    finite = pixels[np.isfinite(pixels)]
    most_light = float(finite.max(initial=0))
    if most_light <= 1.5:
        return None
    white = next((level for level in (255, 65535) if most_light <= level), most_light)
    notes.append(f"The mask has values of up to {most_light:g}; {white:g} was taken as white.")
    scaled = np.nan_to_num(pixels.astype(np.float32), nan=0, posinf=white, neginf=0).max(axis=-1) / white
    return np.asarray(np.clip(scaled, 0, 1) * mask.alpha(), np.float32)


def _without_noise(values: Floats, notes: list[str]) -> Floats:
    """The values themselves where there is no noise in them."""
    most = float(values.max())
    if most == 0:
        return values
    if most <= NEARLY_BLACK:
        raise ScumbleError(
            "missing_input",
            f"The mask is nearly black everywhere: its lightest value is {max(1, round(255 * most))} of 255.",
            "Make white what should change.",
        )
    black = _noise(values, NEARLY_BLACK)
    white = _noise(1 - values, NEARLY_WHITE)
    if not black.any() and not white.any():
        return values
    named = " and ".join(name for name, noise in (("black", black), ("white", white)) if noise.any())
    notes.append(f"What is nearly {named} in the mask was taken as {named}.")
    return np.where(black, np.float32(0), np.where(white, np.float32(1), values))


def _noise(values: Floats, level: np.float32) -> Mask:
    """(H, W): what lies above 0 up to a level, but is neither a rim nor the end of a gradient.

    A gradient is as wide below the level as it is from there to twice that, or up to `TAIL` times as wide. Where hardly
    anything lies beyond `LONGEST_TAIL` times that width, there is no noise: a selection with a soft edge stays as it is, bit for bit.
    """
    low = (values > 0) & (values <= level)
    noise = np.zeros_like(low)
    if not low.any():
        return noise
    rows, columns = (np.flatnonzero(low.any(axis=axis)) for axis in (1, 0))
    margin = 256  # a wider gradient than that is followed as far as this
    box = (
        slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
        slice(max(0, columns[0] - margin), columns[-1] + margin + 1),
    )
    near, faint = values[box], low[box]
    above = near > level
    if not above.any():
        noise[box] = faint
        return noise
    high = near > min(2 * float(level), float(near.max()) - 1e-6)
    away, place = ndimage.distance_transform_edt(~above, return_indices=True)
    width = ndimage.distance_transform_edt(~high)[tuple(place)]
    # the rim of an anti-aliased edge, beyond which it is darker; what goes on as it is is no rim
    rim = (away < 1.5) & (near > FAINTEST_RIM) & (ndimage.minimum_filter(near, 3) <= near / 2)
    if (faint & (away > LONGEST_TAIL * np.maximum(width, 1)) & ~rim).sum() <= STRAY * faint.sum():
        return noise
    noise[box] = faint & np.logical_not((away <= TAIL * width) | rim)
    return noise
