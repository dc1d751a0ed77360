"""Weights that Keras wrote as HDF5 (`save_weights`, or a whole model), as arrays by layer and name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scumble_client.errors import ScumbleError


def read_keras(path: Path) -> dict[str, NDArray[np.generic]]:
    """`layer/weight` to array, as in `p_conv2d_3/img_kernel`; what an optimizer keeps is left out.

    Raises
    ------
    ScumbleError
        `weights_missing` where the library for HDF5 is not installed.
    OSError, ValueError
        Where the file is damaged.
    """
    try:
        import h5py
    except ImportError:
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” is an HDF5 file, which needs the library h5py.",
            "Install it: pip install 'scumble[convert]'",
        ) from None
    found: dict[str, NDArray[np.generic]] = {}

    def visit(name: str, item: Any) -> None:
        parts = name.split("/")
        if not isinstance(item, h5py.Dataset) or parts[0] == "optimizer_weights" or len(parts) < 2:
            return
        if item.dtype.kind != "f" or item.external or item.is_virtual:  # nothing is read from other files
            return
        found[f"{parts[-2]}/{parts[-1].removesuffix(':0')}"] = np.asarray(item[()])

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found
