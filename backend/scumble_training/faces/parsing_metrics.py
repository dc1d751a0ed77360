"""How well a face parser agrees with its teachers on held-out faces: intersection over union by part, of all and by group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from scumble.faces.parsing.network import CLASSES, FaceParser
from scumble.vision.precision import fast

from .parsing_draws import ParsedFaces

Counts = NDArray[np.float64]
"""(N, 2, 6): pixels of each face in both, and in either."""

TINTS = np.array([[0, 0, 0], [60, 200, 90], [230, 60, 50], [255, 60, 200], [60, 130, 255], [255, 230, 60]], np.float32)
"""Of the parts, in the order of `CLASSES`, where they are shown."""

AT_ONCE = 16


@torch.inference_mode()
def found_in(network: FaceParser, pictures: Tensor, device: str) -> Tensor:
    """(B, 6, S, S): probabilities."""
    seen = torch.ones_like(pictures[:, :1])
    with fast(device):
        logits: Tensor = network(pictures.to(device), seen.to(device))
    return logits.softmax(1).cpu()


def counted(
    network: FaceParser, faces: ParsedFaces, device: str, change: Callable[[Tensor], Tensor] = lambda pictures: pictures
) -> Counts:
    """What is in both, and in either, by face and part; the pictures are changed first, and what is true of them stays."""
    out = []
    for start in range(0, len(faces.pictures), AT_ONCE):
        pictures, labels = faces.exact(start, start + AT_ONCE)
        made, true = found_in(network, change(pictures), device).argmax(1), labels.argmax(1)
        for a, b in zip(made, true, strict=True):
            parts = [(a == n, b == n) for n in range(len(CLASSES))]
            out.append([[int((x & y).sum()) for x, y in parts], [int((x | y).sum()) for x, y in parts]])
    return np.array(out, np.float64)


def overlap(counts: Counts) -> dict[str, float]:
    """Intersection over union by part, of all pixels of these faces together; NaN where a part is nowhere."""
    both, either = counts.sum(0)
    with np.errstate(invalid="ignore"):
        return {f"iou_{name}": float(value) for name, value in zip(CLASSES, both / either, strict=True)}


def groups_of(row: dict[str, str]) -> list[str]:
    """The groups that a face belongs to, of source, age, sex and origin, where they are known."""
    found = [f"source {row['source_repo'].split('/')[0]}"]
    if row.get("gender"):
        found.append(row["gender"])
    if row.get("race_or_origin") in ("white", "latino", "asian", "black"):
        found.append(row["race_or_origin"])
    if (age := row.get("age", "")).isdigit():
        found.append("age under 18" if int(age) < 18 else "age 18 to 59" if int(age) < 60 else "age 60 and over")
    return found


def by_group(counts: Counts, rows: list[dict[str, str]]) -> dict[str, tuple[int, dict[str, float]]]:
    """How many faces a group has, and `overlap` of them."""
    members: dict[str, list[int]] = {}
    for n, row in enumerate(rows):
        for group in groups_of(row):
            members.setdefault(group, []).append(n)
    return {group: (len(which), overlap(counts[which])) for group, which in sorted(members.items())}


def overlaid(picture: NDArray[np.float32], parts: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W, 3): a picture (H, W, 3) in 0 to 1 with shares (6, H, W) of parts as tints."""
    share = parts[1:].sum(0)[..., None].clip(0, 1)
    tinted = np.einsum("chw,ck->hwk", parts[1:], TINTS[1:])
    return np.asarray(np.round(picture * 255 * (1 - 0.5 * share) + 0.5 * tinted).clip(0, 255), np.uint8)


def save_sheet(network: FaceParser, faces: ParsedFaces, device: str, path: Path, count: int = 12) -> None:
    """Pictures, what the teachers say of them and what the network says, side by side."""
    pictures, labels = faces.exact(0, count)
    found = found_in(network, pictures, device).numpy()
    rows = []
    for picture, true, made in zip(pictures.permute(0, 2, 3, 1).numpy(), labels.numpy(), found, strict=True):
        plain = np.round(picture * 255).clip(0, 255).astype(np.uint8)
        rows.append(np.concatenate([plain, overlaid(picture, true), overlaid(picture, made)], 1))
    Image.fromarray(np.concatenate(rows)).save(path, quality=90)
