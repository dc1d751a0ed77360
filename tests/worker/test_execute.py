"""Running one operation: checks first, less memory in steps, and the request that is stored with the layers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import Field

from scumble import __version__
from scumble.imaging.geometry import Point
from scumble.imaging.layer import Layer
from scumble.operations.base import Operation, Output, Parameters, Role
from scumble.operations.context import Context
from scumble.worker import execute as module
from scumble.worker.execute import Outcome, execute
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError

LAYER = Layer(np.ones((2, 3, 3), np.uint8), Point(-1, 4))


class CountParameters(Parameters):
    count: int = Field(1, ge=1)


class Probe(Operation[CountParameters]):
    """Notes each attempt, and fails in the ways that it is given, one after the other."""

    name = "probe"
    title = "Probe"
    help = "For tests."
    roles = (Role("image", "A picture", "Choose one.", required=True), Role("mask", "A mask", "Select.", kind="mask"))
    parameters = CountParameters

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.attempts: list[tuple[str, float]] = []

    def run(self, layers: Mapping[str, Layer], parameters: CountParameters, context: Context) -> Sequence[Output]:
        self.attempts.append((context.device, context.memory_scale))
        context.report(0.5, "Probing")
        if self.failures:
            raise self.failures.pop(0)
        context.note("A note.")
        context.weights["net"] = "abc"
        return [Output(layers["image"], context.seed + number) for number in range(parameters.count)]


def run(monkeypatch: pytest.MonkeyPatch, probe: Probe, device: str = "cpu", **more: Any) -> Outcome:
    monkeypatch.setattr(module, "find", lambda name: probe)
    asked: dict[str, Any] = {
        "parameters": {},
        "layers": {"image": LAYER},
        "seed": 7,
        "models": ModelCache(),
        "report": lambda fraction, message: None,
        **more,
    }
    return execute("probe", device=device, **asked)


class TestOutcome:
    def test_layers_are_named_after_the_operation_and_have_seeds_of_their_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outcome = run(monkeypatch, Probe(), parameters={"count": 2})
        assert [(name, output.seed) for name, output in outcome.layers] == [("Probe", 7), ("Probe", 8)]
        assert outcome.notes == ["A note."]

    def test_the_request_has_all_that_makes_the_pixels(self, monkeypatch: pytest.MonkeyPatch) -> None:
        request = run(monkeypatch, Probe(), parameters={"count": "2"}).request
        assert request == {
            "operation": "probe",
            "parameters": {"count": 2},
            "seed": 7,
            "weights": {"net": "abc"},
            "version": __version__,
        }
        assert json.loads(json.dumps(request)) == request

    def test_the_request_names_what_pixels_were_copied_from_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Copying(Probe):
            def run(self, layers: Any, parameters: Any, context: Context) -> Any:
                context.copies_from(["one (CC0)", "two"])
                context.copies_from(["two", "two"])
                return super().run(layers, parameters, context)

        assert run(monkeypatch, Copying()).request["copied_from"] == ["one (CC0)", "two"]

    def test_progress_is_passed_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        heard: list[tuple[float, str]] = []
        run(monkeypatch, Probe(), report=lambda fraction, message: heard.append((fraction, message)))
        assert heard == [(0.5, "Probing")]


class TestRefusals:
    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"layers": {}}, "missing_input"),
            ({"layers": {"image": LAYER, "style": LAYER}}, "bad_request"),
            ({"parameters": {"count": 0}}, "invalid_parameter"),
            ({"layers": {"image": Layer(np.zeros((0, 0, 3), np.uint8))}}, "missing_input"),
            ({"layers": {"image": LAYER, "mask": Layer(np.zeros((5, 0, 1), np.uint8))}}, "missing_input"),
        ],
    )
    def test_come_before_any_work(self, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], code: str) -> None:
        probe = Probe()
        with pytest.raises(ScumbleError) as raised:
            run(monkeypatch, probe, **more)
        assert raised.value.code == code
        assert raised.value.hint
        assert probe.attempts == []

    def test_an_unknown_operation(self) -> None:
        with pytest.raises(ScumbleError, match="no operation called"):
            execute("nope", {}, {}, 0, "cpu", ModelCache(), lambda fraction, message: None)

    def test_what_an_operation_says_is_passed_on_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        probe = Probe(ScumbleError("cancelled", "The job was cancelled."))
        with pytest.raises(ScumbleError, match="cancelled"):
            run(monkeypatch, probe)
        assert len(probe.attempts) == 1

    def test_a_defect_is_not_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        probe = Probe(RuntimeError("a defect"))
        with pytest.raises(RuntimeError, match="a defect"):
            run(monkeypatch, probe)
        assert len(probe.attempts) == 1


class TestOutOfMemory:
    MEMORY = (
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory"),
    )

    @pytest.mark.parametrize("error", MEMORY, ids=["python", "cuda", "cpu", "mps"])
    def test_first_smaller_tiles(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        probe = Probe(error)
        outcome = run(monkeypatch, probe, device="cuda:0")
        assert probe.attempts == [("cuda:0", 1.0), ("cuda:0", 0.5)]
        assert outcome.notes == ["A note."]

    def test_then_the_cpu_and_it_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        probe = Probe(MemoryError(), MemoryError())
        outcome = run(monkeypatch, probe, device="cuda:0")
        assert probe.attempts == [("cuda:0", 1.0), ("cuda:0", 0.5), ("cpu", 1.0)]
        assert outcome.notes[-1] == "The graphics card ran out of memory, so this was computed on the CPU."

    @pytest.mark.parametrize(("device", "attempts"), [("cuda:0", 3), ("cpu", 2)])
    def test_then_a_clear_error(self, monkeypatch: pytest.MonkeyPatch, device: str, attempts: int) -> None:
        probe = Probe(*[MemoryError()] * 5)
        with pytest.raises(ScumbleError) as raised:
            run(monkeypatch, probe, device=device)
        assert raised.value.code == "out_of_memory"
        assert len(probe.attempts) == attempts

    def test_warm_models_make_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        models = ModelCache()
        models.get("large", lambda: "a model")
        run(monkeypatch, Probe(MemoryError()), models=models)
        assert models.names == []

    def test_notes_of_a_failed_attempt_are_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Chatty(Probe):
            def run(
                self, layers: Mapping[str, Layer], parameters: CountParameters, context: Context
            ) -> Sequence[Output]:
                context.note(f"At scale {context.memory_scale}.")
                return super().run(layers, parameters, context)

        assert run(monkeypatch, Chatty(MemoryError())).notes == ["At scale 0.5.", "A note."]
