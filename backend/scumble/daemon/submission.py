"""Reading a `submit` body: everything that a stranger could get wrong is checked here, before anything is allocated."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from scumble.transport import packing
from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.request import CHANNELS, SAMPLE_BYTES
from scumble_client.wire import Message

PRIORITIES = ("interactive", "batch")
MAX_SIDE = 1_000_000
MAX_ROLES = 16
MAX_PREVIEW = 512
MAX_VIEW = 1024
"""Longest side, in pixels, of a view."""

VIEW = ("x", "y", "width", "height", "side")
MAX_PATIENCE = 600
SEEDS = 2**32
MAX_PROFILE = 16 * 1024**2
"""Bytes of a colour profile."""


class Packed(NamedTuple):
    """How a frame is packed: bytes of a pixel, and of all when it is unpacked."""

    stride: int
    size: int


class Frame(NamedTuple):
    """A buffer as it has arrived: its bytes, its sender's checksum where that counts, and how it is packed."""

    data: wire.Buffer
    check: int | None = None
    packed: Packed | None = None

    @property
    def size(self) -> int:
        """Bytes, unpacked."""
        return self.packed.size if self.packed else memoryview(self.data).nbytes


@dataclass(frozen=True)
class Submission:
    """What a `submit` asks for. `sizes` has the bytes that each named buffer must have (None: any, for a profile)."""

    operation: str
    parameters: dict[str, Any]
    seed: int
    priority: str
    replaces: str | None
    roles: dict[str, dict[str, Any]]
    sizes: dict[bytes, int | None]
    previews: int = 0
    """Longest side of the pictures that the client wants to see on the way; 0 for none."""

    patience: float = 0.0
    """Seconds for which a client that can't be reached may still come back."""
    view: dict[str, int] | None = None
    """The part of the document, and the longest side in pixels, that the result is to be shown of; None: all, as it is."""
    pack: bool = False
    """Whether the client wants its result packed."""

    def frames(self, message: Message, believed: bool) -> dict[bytes, Frame]:
        """The buffers that came with a message, by digest. Raises ScumbleError where one is not as this request says.

        `believed`: whether its sender's checksums count, or the digests alone.
        """
        arrived, checks = wire.attached(message), wire.checksums(message)
        packed = self.packings(message.body)
        self.check_sizes(arrived, packed)
        return {
            name: Frame(data, checks.get(name) if believed else None, packed.get(name))
            for name, data in arrived.items()
        }

    def packings(self, body: Mapping[str, Any]) -> dict[bytes, Packed]:
        """Which of a message's frames are packed, and how. Call `wire.attached` first. Raises ScumbleError."""
        names, steps = body.get("buffers", []), body.get("packed", [])
        if not isinstance(steps, list) or not all(
            type(step) is int and 0 <= step <= packing.MAX_STRIDE for step in steps
        ):
            raise _bad("says wrongly how it is packed")
        found = {}
        for name, step in zip(names, steps, strict=False):
            if step:
                size = self.sizes.get(name)
                if size is None:
                    raise _bad("has a packed buffer that is no layer")
                found[name] = Packed(step, size)
        return found

    def check_sizes(self, arrived: Mapping[bytes, wire.Buffer], packed: Container[bytes] = ()) -> None:
        """Refuse frames that this request does not use, or of another length than it says. Raises ScumbleError.

        Those that are `packed` are checked when they are unpacked.
        """
        for name, data in arrived.items():
            if name not in self.sizes:
                raise ScumbleError(
                    "bad_request", "The request carries a buffer that it does not use.", "Please report it."
                )
            if name in packed:
                continue
            self.check_size(name, memoryview(data).nbytes)

    def check_size(self, name: bytes, size: int) -> None:
        """Refuse a buffer of another length than this request says. Raises ScumbleError."""
        expected = self.sizes[name]
        if expected is not None and size != expected:
            raise ScumbleError(
                "bad_request", f"A layer should have {expected} bytes and has {size}.", "Please report it."
            )
        if expected is None and size > MAX_PROFILE:
            raise ScumbleError("too_large", "The colour profile is too large.", "Convert the layer to sRGB.")


def check_id(name: str) -> None:
    """A job's name becomes part of files' names. Raises ScumbleError `bad_request` where it could lead elsewhere."""
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,64}", name):
        raise _bad("has an id of other than letters, digits, - and _")


def parse(body: Mapping[str, Any]) -> Submission:
    """Raises ScumbleError `bad_request` (a defect of the client) or `too_large`."""
    operation = _get(body, "operation", str)
    parameters = _get(body, "parameters", dict, {})
    seed = _get(body, "seed", int, 0)
    priority = _get(body, "priority", str, PRIORITIES[0])
    replaces = body.get("replaces")
    roles = _get(body, "roles", dict)
    previews = _get(body, "previews", int, 0)
    patience, pack = _get(body, "patience", int, 0), _get(body, "pack", bool, False)
    if not 0 <= patience <= MAX_PATIENCE:
        raise _bad(f"wants patience of other than 0 to {MAX_PATIENCE} seconds")
    if not all(isinstance(name, str) for name in parameters):
        raise _bad("has parameters without names")
    if not 0 <= seed < SEEDS:
        raise ScumbleError("invalid_parameter", f"The seed can't be {seed}.", f"Choose one from 0 to {SEEDS - 1}.")
    if priority not in PRIORITIES:
        raise _bad("has an unknown priority")
    if not 0 <= previews <= MAX_PREVIEW:
        raise _bad(f"wants previews of other than 0 to {MAX_PREVIEW} pixels")
    view = _view(body.get("view"))
    if replaces is not None and not isinstance(replaces, str):
        raise _bad("replaces something that is no job")
    if len(roles) > MAX_ROLES:
        raise _bad("has too many inputs")
    sizes: dict[bytes, int | None] = {}
    clean: dict[str, dict[str, Any]] = {}
    for name, described in roles.items():
        if not isinstance(name, str) or not isinstance(described, dict):
            raise _bad("describes a layer wrongly")
        clean[name] = _layer(described, sizes)
    return Submission(operation, parameters, seed, priority, replaces, clean, sizes, previews, patience, view, pack)


def _view(raw: Any) -> dict[str, int] | None:
    if raw is None:
        return None
    if not isinstance(raw, dict) or set(raw) != set(VIEW) or not all(type(value) is int for value in raw.values()):
        raise _bad("wants a view that is none")
    small = abs(raw["x"]) <= MAX_SIDE and abs(raw["y"]) <= MAX_SIDE
    if not small or not all(1 <= raw[key] <= MAX_SIDE for key in ("width", "height")):
        raise _bad("wants a view that is no part of a document")
    if not 1 <= raw["side"] <= MAX_VIEW:
        raise _bad(f"wants a view of other than 1 to {MAX_VIEW} pixels")
    return dict(raw)


def _layer(described: Mapping[str, Any], sizes: dict[bytes, int | None]) -> dict[str, Any]:
    layout, depth = _get(described, "layout", str), _get(described, "depth", str)
    width, height = _get(described, "width", int), _get(described, "height", int)
    x, y = _get(described, "x", int, 0), _get(described, "y", int, 0)
    colour, name = _get(described, "colour", str, "srgb"), _get(described, "buffer", bytes)
    icc = described.get("icc")
    if layout not in CHANNELS or depth not in SAMPLE_BYTES or colour not in ("srgb", "linear", "icc"):
        raise _bad(f"has a layer of an unknown kind ({layout[:20]}/{depth[:20]}/{colour[:20]})")
    if not (0 <= width <= MAX_SIDE and 0 <= height <= MAX_SIDE and abs(x) <= MAX_SIDE and abs(y) <= MAX_SIDE):
        raise ScumbleError("too_large", f"A layer of {width} × {height} pixels is too large.", "Send a part of it.")
    size = width * height * CHANNELS[layout] * SAMPLE_BYTES[depth]
    if size > wire.MAX_BUFFER:
        raise ScumbleError(
            "too_large",
            f"A layer of {width} × {height} pixels takes {size / 1e9:.1f} GB, which is too large.",
            f"Send a part of it: at most {wire.MAX_BUFFER / 1e9:.1f} GB.",
        )
    if len(name) != wire.DIGEST_SIZE or (icc is None) != (colour != "icc"):
        raise _bad("describes a layer wrongly")
    if sizes.get(name) not in (size, None):
        raise _bad("gives one buffer two sizes")
    sizes[name] = size
    out = {"buffer": name, "width": width, "height": height, "x": x, "y": y}
    out |= {"layout": layout, "depth": depth, "colour": colour}
    if icc is not None:
        if not isinstance(icc, bytes) or len(icc) != wire.DIGEST_SIZE:
            raise _bad("names a profile wrongly")
        sizes.setdefault(icc, None)
        out["icc"] = icc
    return out


_MISSING: Any = object()


def _get(body: Mapping[str, Any], key: str, kind: type, default: Any = _MISSING) -> Any:
    value = body.get(key, default)
    if value is _MISSING:
        raise _bad(f"lacks “{key}”")
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _bad(f"has a wrong “{key}”")
    return value


def _bad(what: str) -> ScumbleError:
    return ScumbleError(
        "bad_request", f"The request {what}.", "This is a defect of the program that sent it: please report it."
    )
