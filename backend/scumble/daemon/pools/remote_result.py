"""A result from another machine: checked as if a stranger had sent it, then put into files as a worker would."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from scumble.transport.packing import stride, unpack_pixels
from scumble.transport.result_files import ResultFiles
from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.request import Result
from scumble_client.wire import Message


def keep(message: Message, job: str, own: Container[bytes], files: ResultFiles) -> dict[str, Any]:
    """Put new pixels into files; the body for a pool's listener. Raises ScumbleError. It may run in any thread.

    Parameters
    ----------
    own
        Digests of the request's buffers: what the result has in common with them is named, not stored.
    """
    described = _layers(message)
    arrived = wire.attached(message)
    steps = message.body.get("packed", [0] * len(arrived))
    if not isinstance(steps, list) or len(steps) != len(arrived):
        raise _odd()
    buffers: dict[bytes, wire.Buffer] = {}
    for (name, data), step in zip(arrived.items(), steps, strict=True):
        if step:
            sizes = [_size(p) for p in described if p.get("buffer") == name]
            if not sizes or not isinstance(step, int):
                raise _odd()
            data = unpack_pixels(memoryview(data), step, sizes[0])
        if name not in own:
            wire.verify(name, data)
        buffers[name] = data
    try:
        result = Result.from_body(message.body, buffers)  # refuses what does not fit together
    except ScumbleError as error:
        raise _odd() from error
    layers = []
    for layer in result.layers:
        pixels = {k: v for k, v in layer.pixels.describe().items() if k != "icc"}
        if layer.pixels.digest not in own:
            pixels |= files.store(job, memoryview(layer.pixels.data))
        if layer.pixels.icc is not None:
            pixels["icc"] = wire.digest(layer.pixels.icc)
            if pixels["icc"] not in own:
                raise _odd()
        layers.append({"name": layer.name, "seed": layer.seed, "pixels": pixels})
    return {"layers": layers, "notes": result.notes, "request": result.request, "seconds": result.seconds}


def _layers(message: Message) -> list[dict[str, Any]]:
    layers = message.body.get("layers")
    if not isinstance(layers, list) or not all(
        isinstance(layer, dict) and isinstance(layer.get("pixels"), dict) for layer in layers
    ):
        raise _odd()
    return [layer["pixels"] for layer in layers]


def _size(pixels: dict[str, Any]) -> int:
    try:
        size = int(pixels["width"]) * int(pixels["height"]) * stride(pixels["layout"], pixels["depth"])
    except (KeyError, TypeError, ValueError) as error:
        raise _odd() from error
    if not 0 <= size <= wire.MAX_BUFFER:
        raise _odd()
    return size


def _odd() -> ScumbleError:
    return ScumbleError("bad_request", "The other machine sent a result that can't be read.", "Try again.")
