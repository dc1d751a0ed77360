"""What a file of weights is, by its content: first by its digest, then by the form that the readers know.

The name of a file counts only where two published networks have the same form: it then says which of the two it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble.weights import Expected, Manifest, WeightsEntry, fingerprint
from scumble.weights.formats.tensor_bundle import is_bundle
from scumble_client.errors import ScumbleError

SUFFIXES = (
    ".pt",
    ".pth",
    ".jit",
    ".onnx",
    ".npz",
    ".safetensors",
    ".caffemodel",
    ".gguf",
    ".h5",
    ".hdf5",
    ".index",
    ".zip",
)
LEAST, MOST = 1024, 2 * 1024**3
"""Bytes of what is looked at: no network that is known is larger."""

WORDS: dict[str, tuple[str, ...]] = {
    "deepfill-places2": ("places",),
    "deepfill-celebahq": ("celeb",),
    "deepcreampy-bar": ("bar", "775000"),
    "deepcreampy-mosaic": ("mosaic", "290000"),
}
"""Of networks of one form: what stands in the names of their published files or folders."""


@dataclass(frozen=True)
class Recognized:
    """One file: the entry that it is (None: none), and a sentence on it where there is something to say."""

    file: Path
    entry: WeightsEntry | None
    how: str = ""
    """`digest`: it is the published file. `form`: a reader knows it, and it is to be converted. `copy`: known, and taken as it is."""
    sentence: str = ""


def is_candidate(path: Path, size: int, manifest: Manifest) -> bool:
    """Whether a file is worth being read."""
    if not LEAST <= size <= MOST:
        return False
    return path.suffix.lower() in SUFFIXES or any(entry.size == size for entry in manifest)


def recognize(path: Path, manifest: Manifest) -> Recognized:
    """Find the entry that a file belongs to. It reads the file; what can't be read is nothing that is known."""
    published = _by_digest(path, manifest)
    if published is not None:
        return Recognized(path, published, "digest")
    try:
        return _by_form(path, manifest)
    except Exception:  # whatever a file that is something else makes a reader raise
        return Recognized(path, None)


def _by_digest(path: Path, manifest: Manifest) -> WeightsEntry | None:
    size = path.stat().st_size
    wanted = [e for e in manifest if _has_file(e) and e.has_digest and e.size in (None, size)]
    if not wanted:
        return None
    found = fingerprint(path)
    for entry in wanted:
        if Expected(entry.size, entry.sha256, entry.sha256_prefix, entry.md5).mismatch(found) is None:
            return entry
    return None


def _has_file(entry: WeightsEntry) -> bool:
    return not (entry.embedded or entry.manual or entry.built_from)


def _by_form(path: Path, manifest: Manifest) -> Recognized:
    """By what a reader makes of it; only forms that are not published with a digest."""
    from scumble.faces.sketch import sc_fegan_weights
    from scumble.inpainting.weights import loading

    if path.suffix.lower() == ".zip":
        return Recognized(path, None)
    if path.suffix.lower() == ".onnx" or (not is_bundle(path) and loading.is_torchscript(path)):
        return Recognized(
            path, None, sentence=f"“{path.name}” is a program, and none of the published ones: it is left alone."
        )
    if _note(path) == sc_fegan_weights.ARCHITECTURE or (is_bundle(path) and sc_fegan_weights.is_checkpoint(path)):
        return _among(path, manifest, ["sc-fegan"], "SC-FEGAN")
    if _is_adain_encoder(path):
        return Recognized(path, manifest.entries.get("adain-vgg"), "copy")
    try:
        converted = loading.convert(path)
    except ScumbleError:
        return Recognized(path, None)
    if converted.architecture == "partial_conv":
        assert converted.form
        name = "pconv-pytorch" if converted.form.normalised else "pconv-keras"
        return _among(path, manifest, [name], "partial convolutions")
    names = {
        "gated_conv": ["deepfill-places2", "deepfill-celebahq"],
        "deepcreampy": ["deepcreampy-bar", "deepcreampy-mosaic"],
    }
    title = "DeepFill v2" if converted.architecture == "gated_conv" else "DeepCreamPy"
    return _among(path, manifest, names[converted.architecture], title)


def _among(path: Path, manifest: Manifest, names: Iterable[str], title: str) -> Recognized:
    """Which of the entries of one form it is."""
    known = [manifest[name] for name in names if name in manifest]
    if len(known) > 1:
        for said in (path.name.lower(), path.parent.name.lower()):
            told = [entry for entry in known if any(word in said for word in WORDS[entry.name])]
            if len(told) == 1:
                known = told
                break
    if len(known) == 1:
        return Recognized(path, known[0], "form")
    words = " or ".join(f"“{WORDS[name][0]}”" for name in names)
    return Recognized(path, None, sentence=f"“{path.name}” is {title}, but not which: put {words} into its name.")


def _note(path: Path) -> str:
    """The architecture that Scumble noted in a safetensors file; empty where there is none."""
    from safetensors import safe_open

    if path.suffix.lower() != ".safetensors":
        return ""
    with safe_open(path, framework="pt") as opened:
        return str((opened.metadata() or {}).get("architecture", ""))


def _is_adain_encoder(path: Path) -> bool:
    """A VGG-19 that begins with a convolution on colours."""
    import torch

    from scumble.vision.vgg import weights as vgg_weights

    if path.suffix.lower() != ".pth":
        return False
    state: Any = torch.load(path, map_location="cpu", weights_only=True)
    first = state.get("0.weight") if isinstance(state, dict) else None
    if not isinstance(first, torch.Tensor) or first.shape != (3, 3, 1, 1):
        return False
    vgg_weights.load(path)  # raises where the rest does not fit
    return True
