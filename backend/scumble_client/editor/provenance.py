"""Provenance of a result layer: the request that made it, kept in the document so that it can be run again."""

import base64
import binascii
import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional

from ..request import Pixels, Result, ResultLayer
from .roles import Source
from .source_files import from_document, portable

FORMAT = 1
MAX_MASK = 1 << 31

INPUT = "input"
"""The key in `Provenance.extra` that says how the picture was chosen: out of `roles.KINDS`."""


@dataclass
class Provenance:
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

    @property
    def given(self) -> List[str]:
        """Roles whose pixels come along."""
        return ["mask"] if self.mask is not None else []

    def again(self, operation: Mapping[str, Any]) -> Dict[str, Source]:
        """What the operation's roles are to be taken from when it runs once more: what was left empty stays so."""
        return {role["name"]: self.sources.get(role["name"], Source("none")).pinned() for role in operation["roles"]}

    def sent(self, sources: Mapping[str, Source], pixels: Mapping[str, Pixels]) -> "Provenance":
        """The same with what was really read: `sources` and their `pixels`. A selection is kept, since it will change."""
        selected = self.mask is not None or sources.get("mask", Source()).kind == "selection"
        return Provenance(
            self.operation,
            self.parameters,
            self.seed,
            dict(sources),
            pixels.get("mask") if selected else None,
            self.extra,
        )

    def of_each(self, result: Result, layers: List[ResultLayer]) -> List["Provenance"]:
        """That of each of a result's layers, with what the daemon says that it has used.

        A variation is made again by its own seed, alone.
        """
        request = dict(result.request)
        parameters = dict(request.pop("parameters", self.parameters))
        for known in ("operation", "seed"):
            request.pop(known, None)
        if len(layers) > 1 and "variations" in parameters:
            parameters["variations"] = 1
        return [
            Provenance(self.operation, dict(parameters), layer.seed, self.sources, self.mask, request)
            for layer in layers
        ]


def is_try(made: Provenance, operation: str, sources: Mapping[str, Source], selected: Optional[Pixels]) -> bool:
    """Whether a run of `operation` is another try at what `made` is the result of: the same part of the picture.

    `selected` are the new run's selection's pixels, where it has one.
    """
    if made.operation != operation:
        return False
    if made.mask is None or selected is None:
        if made.mask is not selected:
            return False
        now, then = sources.get("mask", Source("none")).pinned(), made.sources.get("mask", Source("none"))
        return (now.kind, now.id) == (then.kind, then.id)
    places = [(mask.x, mask.y, mask.width, mask.height) for mask in (made.mask, selected)]
    return places[0] == places[1] and bytes(made.mask.data) == bytes(selected.data)


def dump(provenance: Provenance, folder: Optional[str] = None, ascii_only: bool = False) -> str:
    """As JSON text for a document that lies in `folder` (None: it is not saved yet).

    It tells nothing of this machine's folders: see `portable`. Compressing a large selection takes some ten
    milliseconds: not for an editor's own thread.
    """
    body: Dict[str, Any] = {
        **provenance.extra,
        "format": FORMAT,
        "operation": provenance.operation,
        "parameters": provenance.parameters,
        "seed": provenance.seed,
        "sources": {role: portable(source, folder).as_dict() for role, source in provenance.sources.items()},
    }
    if provenance.mask:
        mask = provenance.mask
        packed = base64.b64encode(zlib.compress(mask.data, 6)).decode("ascii")
        body["mask"] = {"x": mask.x, "y": mask.y, "width": mask.width, "height": mask.height, "data": packed}
    return json.dumps(body, ensure_ascii=ascii_only)


def load(text: Any) -> Optional[Provenance]:
    """The reverse; None where the text is no provenance (the file may come from anywhere)."""
    try:
        body = json.loads(text)
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            return None
        operation, parameters, seed = body["operation"], body["parameters"], body["seed"]
        good = isinstance(operation, str) and isinstance(parameters, dict) and isinstance(body.get("sources", {}), dict)
        if not good or not isinstance(seed, int) or not 0 <= seed < 2**32:
            return None
        known = ("format", "operation", "parameters", "seed", "sources", "mask")
        return Provenance(
            operation,
            parameters,
            seed,
            {str(role): from_document(Source.from_dict(raw)) for role, raw in body.get("sources", {}).items()},
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
