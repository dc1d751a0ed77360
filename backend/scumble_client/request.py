"""A request and its result as plain data: what an editor fills in, and what it gets back."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional

from .errors import ScumbleError
from .wire import MAX_BODY, Buffer, digest, pack, unpack

CHANNELS = {"gray": 1, "graya": 2, "rgb": 3, "rgba": 4, "bgr": 3, "bgra": 4}
"""Layouts by name, with the number of interleaved channels. Alpha is straight."""

SAMPLE_BYTES = {"uint8": 1, "uint16": 2, "float16": 2, "float32": 4}
"""Depths by name, with bytes per sample; little-endian."""


class Pixels:
    """A raster in document coordinates.

    Parameters
    ----------
    data
        height × width × channels samples: rows from top to bottom without padding, channels interleaved; left unchanged by Scumble, and to be left unchanged by the caller
        until the job has ended.
    layout, depth
        Keys of `CHANNELS` and `SAMPLE_BYTES`.
    x, y
        Where the first pixel lies; may be negative.
    colour
        `srgb` (sRGB-encoded values), `linear` (linear light with sRGB's primaries) or `icc`.
    icc
        The profile's bytes, where `colour` is `icc`.

    Raises
    ------
    ScumbleError
        `invalid_parameter` for a layout or depth that there isn't, and for another number of bytes than these need.
    """

    def __init__(
        self,
        data: Buffer,
        width: int,
        height: int,
        layout: str = "rgba",
        depth: str = "uint8",
        x: int = 0,
        y: int = 0,
        colour: str = "srgb",
        icc: Optional[bytes] = None,
    ) -> None:
        if layout not in CHANNELS or depth not in SAMPLE_BYTES:
            raise ScumbleError(
                "invalid_parameter",
                f"Scumble can't read pixels of the kind {layout}/{depth}.",
                "Convert the layer to 8, 16 or 32 bits per channel, gray or RGB.",
            )
        need = width * height * CHANNELS[layout] * SAMPLE_BYTES[depth]
        if memoryview(data).nbytes != need:
            raise ScumbleError(
                "invalid_parameter",
                f"A layer of {width} × {height} pixels should have {need} bytes, not {memoryview(data).nbytes}.",
                "This is a defect of the program that sent it: please report it.",
            )
        self.data, self.width, self.height = data, width, height
        self.layout, self.depth, self.x, self.y = layout, depth, x, y
        self.colour, self.icc = colour, icc
        self._digest: Optional[bytes] = None

    @property
    def digest(self) -> bytes:
        """The buffer's name. It is computed once: keep the object to resubmit an unchanged layer for nothing."""
        if self._digest is None:
            self._digest = digest(self.data)
        return self._digest

    def describe(self) -> Dict[str, Any]:
        """The wire's description of this raster; the pixels themselves are named by digest."""
        out: Dict[str, Any] = {
            "buffer": self.digest,
            "width": self.width,
            "height": self.height,
            "x": self.x,
            "y": self.y,
            "layout": self.layout,
            "depth": self.depth,
            "colour": self.colour,
        }
        if self.icc is not None:
            out["icc"] = digest(self.icc)
        return out

    def buffers(self) -> Dict[bytes, Buffer]:
        """The raster's bytes and, where it has one, its profile's, by digest. Nothing is copied."""
        out: Dict[bytes, Buffer] = {self.digest: self.data}
        if self.icc is not None:
            out[digest(self.icc)] = self.icc
        return out

    @classmethod
    def from_description(cls, described: Mapping[str, Any], buffers: Mapping[bytes, Buffer]) -> "Pixels":
        """The reverse of `describe`; raises ScumbleError `bad_request` where anything is missing or odd."""
        try:
            icc = described.get("icc")
            pixels = cls(
                buffers[described["buffer"]],
                int(described["width"]),
                int(described["height"]),
                described["layout"],
                described["depth"],
                int(described["x"]),
                int(described["y"]),
                described["colour"],
                bytes(buffers[icc]) if icc is not None else None,
            )
            pixels._digest = bytes(described["buffer"])
            return pixels
        except (KeyError, TypeError, ValueError) as error:
            raise ScumbleError(
                "bad_request", "The daemon sent a layer that can't be read.", "Try again; then report it."
            ) from error


@dataclass
class Request:
    """What to do: everything that decides which pixels come back.

    `roles` are the layers by what they are to the operation (`image`, `mask`). `seed` decides all random numbers.
    `replaces` is the id of an earlier job of this client that this one makes pointless.
    `priority` is `interactive` or `batch`. `previews` is the longest side, in pixels up to 512, of the pictures that are
    to be shown of what a long run has come to so far; 0 for none.
    `view` (`x`, `y`, `width`, `height` in document coordinates, and `side`, up to 1024) asks for a look in place of the
    result: that part of the document before and after, as two 8-bit sRGB layers whose longest side has `side` pixels at
    most.
    """

    operation: str
    roles: Dict[str, Pixels]
    parameters: Dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    priority: str = "interactive"
    replaces: Optional[str] = None
    previews: int = 0
    view: Optional[Dict[str, int]] = None

    def copied(self) -> "Request":
        """This request with its parameters as they are now, whatever becomes of them afterwards.

        Raises ScumbleError `bad_request` for parameters that can't be sent, `too_large` for too many of them.
        """
        plain = {
            name: getattr(self, name)
            for name in ("operation", "parameters", "seed", "priority", "replaces", "previews", "view")
        }
        try:
            packed = pack(plain)
        except Exception as error:  # what an artist's script may put there has no end
            raise _cannot_be_sent(str(error) or type(error).__name__) from error
        if len(packed) > MAX_BODY // 2:  # the layers are described in the same body
            raise ScumbleError("too_large", "The parameters are too long.", "Send fewer or shorter ones.")
        try:
            same = unpack(packed)
        except ValueError as error:
            raise _cannot_be_sent("names of parameters must be texts, and lists of lists not too deep") from error
        return Request(roles=dict(self.roles), **same)

    def describe(self) -> Dict[str, Any]:
        """The body of a `submit` message, but for its buffers. It reads every layer once, for its digest."""
        out: Dict[str, Any] = {
            "operation": self.operation,
            "parameters": self.parameters,
            "seed": self.seed,
            "priority": self.priority,
            "roles": {name: pixels.describe() for name, pixels in self.roles.items()},
        }
        if self.replaces:
            out["replaces"] = self.replaces
        if self.previews:
            out["previews"] = self.previews
        if self.view is not None:
            out["view"] = self.view
        return out

    def buffers(self) -> Dict[bytes, Buffer]:
        """All that the layers of all roles consist of, by digest; the same pixels in two roles are there once."""
        out: Dict[bytes, Buffer] = {}
        for pixels in self.roles.values():
            out.update(pixels.buffers())
        return out


def _cannot_be_sent(why: str) -> ScumbleError:
    return ScumbleError(
        "bad_request",
        f"This request can't be sent: {why}.",
        "Parameters are numbers, texts, and lists and maps of them.",
    )


@dataclass(frozen=True)
class ResultLayer:
    """One new layer, to be put above the source."""

    name: str
    pixels: Pixels
    seed: int


@dataclass(frozen=True)
class Result:
    """What came back.

    `notes` are sentences for the artist (a conversion, say). `request` is what to store with the layer so that it
    can be run again: operation, parameters, seed, weights, version.
    """

    layers: List[ResultLayer]
    notes: List[str]
    request: Dict[str, Any]
    seconds: float

    @classmethod
    def from_body(cls, body: Mapping[str, Any], buffers: Mapping[bytes, Buffer]) -> "Result":
        """Read the body of a `result` message. Raises ScumbleError `bad_request` where anything is missing or odd."""
        try:
            layers = [
                ResultLayer(str(layer["name"]), Pixels.from_description(layer["pixels"], buffers), int(layer["seed"]))
                for layer in body["layers"]
            ]
            return cls(
                layers,
                [str(n) for n in body.get("notes", [])],
                dict(body.get("request", {})),
                float(body.get("seconds", 0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ScumbleError("bad_request", "The daemon sent a result that can't be read.", "Try again.") from error
