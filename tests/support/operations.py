"""Operations for tests, named in SCUMBLE_OPERATIONS: slow, deaf, deadly, broken, greedy."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Role
from scumble.operations.context import Context

IMAGE = (Role("image", "A layer", "Any.", required=True),)


class TimedParameters(Parameters):
    seconds: float = 0.0
    marker: str = ""


class _Timed(Operation[TimedParameters]):
    """Base: the file named by `marker` appears when the operation has begun, so that tests need not guess."""

    title = "Test"
    help = "For tests."
    roles = IMAGE
    parameters = TimedParameters
    hidden = True

    def run(self, layers: Mapping[str, Layer], parameters: TimedParameters, context: Context) -> Sequence[Output]:
        if parameters.marker:
            Path(parameters.marker).write_text(str(os.getpid()))
        return self.work(layers["image"], parameters, context)

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        raise NotImplementedError


class Slow(_Timed):
    name = "test-slow"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        end = time.monotonic() + parameters.seconds
        while time.monotonic() < end:
            context.report(0.5, "Sleeping")
            time.sleep(0.005)
        return [Output(Layer(255 - image.pixels, image.offset), context.seed)]


class Showing(_Timed):
    """Shows one preview after the other: gray levels 1, 2, 3 …, 40 × 20 pixels."""

    name = "test-showing"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        end = time.monotonic() + parameters.seconds
        level = 0
        while time.monotonic() < end:
            level += 1
            context.report(0.5, "Showing")
            if context.preview is not None:
                context.preview(Layer(np.full((20, 40, 1), level % 256, np.uint8)))
            time.sleep(0.005)
        told = np.full((1, 1, 1), context.preview is not None, np.uint8)
        return [Output(Layer(told), context.seed)]


class GatedParameters(TimedParameters):
    gate: str = ""


class Gated(Operation[GatedParameters]):
    """Adds a byte to the file `marker`, then waits until the number in the file `gate` is that of the bytes or more."""

    name = "test-gated"
    title = "Test"
    help = "For tests."
    roles = IMAGE
    parameters = GatedParameters
    hidden = True

    def run(self, layers: Mapping[str, Layer], parameters: GatedParameters, context: Context) -> Sequence[Output]:
        marker, gate = Path(parameters.marker), Path(parameters.gate)
        with marker.open("ab") as file:
            file.write(b".")
        count = marker.stat().st_size
        while not (gate.exists() and int(gate.read_text() or 0) >= count):
            context.report(0.5, "Waiting")
            time.sleep(0.005)
        return [Output(layers["image"], context.seed)]


class Deaf(_Timed):
    """Never reports, so it can only be killed."""

    name = "test-deaf"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        time.sleep(parameters.seconds)
        return [Output(image, context.seed)]


class Deadly(_Timed):
    name = "test-deadly"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class Broken(_Timed):
    name = "test-broken"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        raise ZeroDivisionError("a defect in an operation")


class Lost(_Timed):
    """Its device is lost while it computes, and from then on nothing computes in its process."""

    name = "test-lost"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        from scumble.worker import device

        device.failure = lambda device: "CUDA error: unspecified launch failure"
        raise RuntimeError("CUDA error: unspecified launch failure")


class Greedy(_Timed):
    """Runs out of memory unless it is told to take less."""

    name = "test-greedy"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        if context.memory_scale >= 1:
            raise MemoryError
        return [Output(Layer(np.full_like(image.pixels, 7), image.offset), context.seed)]


class Insatiable(_Timed):
    name = "test-insatiable"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        raise MemoryError


class Warm(_Timed):
    """Keeps a model; the result says whether it was there already."""

    name = "test-warm"

    def work(self, image: Layer, parameters: TimedParameters, context: Context) -> Sequence[Output]:
        loaded: list[int] = []
        context.models.get("test model", lambda: loaded.append(1))
        return [Output(Layer(np.full_like(image.pixels, len(loaded)), image.offset), context.seed)]
