"""`scumble train`: making the embedded weights anew."""

from __future__ import annotations

import tarfile
from pathlib import Path

from scumble_client.errors import ScumbleError

from .console import out

MODELS = ("features",)


def train(model: str, data: Path, folder: Path, pictures: int, seed: int) -> None:
    """Train, going on from what `folder` holds; the finished file lies there. Raises ScumbleError."""
    if model not in MODELS:
        raise ScumbleError(
            "invalid_parameter", f"There is no model “{model}” to train.", f"Choose one of: {', '.join(MODELS)}."
        )
    wanted = [f"{kind}.{end}" for kind in ("photos", "art") for end in ("tar", "csv")]
    missing = [name for name in wanted if not (data / name).is_file()]
    if missing:
        raise ScumbleError(
            "invalid_parameter",
            f"There is no {missing[0]} in “{data}”.",
            f"Name the folder that holds {', '.join(wanted)} with --data.",
        )
    from scumble.training import features

    try:
        weights = features.train(data, folder, pictures, seed=seed, say=out.print)
    except tarfile.TarError as error:
        raise ScumbleError(
            "invalid_parameter", f"The pictures in “{data}” can't be read: {error}.", "Copy the folder again."
        ) from error
    finished = folder / "scumble-features.safetensors"
    features.save(weights, finished)
    out.print(str(finished))
