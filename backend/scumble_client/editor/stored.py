"""The request as it is kept with a result layer, so that it can be run again: also after the file was closed."""

import base64
import binascii
import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Dict, Optional

from ..request import Pixels
from .roles import Source

FORMAT = 1
MAX_MASK = 1 << 31


@dataclass
class Stored:
    """One request: what the daemon said that it had done, and where its inputs had come from.

    `mask` is the selection of then, since the present one may be another. `extra` has the daemon's other keys
    (weights, version).
    """

    operation: str
    parameters: Dict[str, Any]
    seed: int
    sources: Dict[str, Source] = field(default_factory=dict)
    mask: Optional[Pixels] = None
    extra: Dict[str, Any] = field(default_factory=dict)


def dump(stored: Stored, ascii_only: bool = False) -> str:
    """As JSON text. Compressing a large selection takes some ten milliseconds: not for an editor's own thread."""
    body: Dict[str, Any] = {
        **stored.extra,
        "format": FORMAT,
        "operation": stored.operation,
        "parameters": stored.parameters,
        "seed": stored.seed,
        "sources": {role: source.as_dict() for role, source in stored.sources.items()},
    }
    if stored.mask:
        mask = stored.mask
        packed = base64.b64encode(zlib.compress(mask.data, 6)).decode("ascii")
        body["mask"] = {"x": mask.x, "y": mask.y, "width": mask.width, "height": mask.height, "data": packed}
    return json.dumps(body, ensure_ascii=ascii_only)


def load(text: Any) -> Optional[Stored]:
    """The reverse; None where the text is not a stored request (the file may come from anywhere)."""
    try:
        body = json.loads(text)
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            return None
        operation, parameters, seed = body["operation"], body["parameters"], body["seed"]
        good = isinstance(operation, str) and isinstance(parameters, dict) and isinstance(body.get("sources", {}), dict)
        if not good or not isinstance(seed, int) or not 0 <= seed < 2**32:
            return None
        known = ("format", "operation", "parameters", "seed", "sources", "mask")
        return Stored(
            operation,
            parameters,
            seed,
            {str(role): Source.from_dict(raw) for role, raw in body.get("sources", {}).items()},
            _mask(body.get("mask")),
            {key: value for key, value in body.items() if key not in known},
        )
    except (TypeError, ValueError, KeyError):
        return None


def _mask(raw: Any) -> Optional[Pixels]:
    """A selection; None where there is none, ValueError where it is damaged."""
    if raw is None:
        return None
    x, y, width, height = (int(raw[key]) for key in ("x", "y", "width", "height"))
    size = width * height
    if width <= 0 or height <= 0 or size > MAX_MASK:
        raise ValueError("size")
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(raw["data"], validate=True), size)
        if len(data) != size or unpacker.decompress(unpacker.unconsumed_tail, 1):
            raise ValueError("length")
    except (zlib.error, binascii.Error) as error:
        raise ValueError("damaged") from error
    return Pixels(data, width, height, "gray", x=x, y=y)
