"""The actors that a pool has in a Ray cluster: they come and go with its nodes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scumble_client.errors import ScumbleError
from scumble_client.version import __version__

from .ray_actor import GROUPS, RayWorker
from .ray_cluster import ActorPlacement, actor_placements

log = logging.getLogger("scumble.ray")

MAX_FAILED_STARTS = 3
FORGIVE = 60.0
"""Seconds after which a node whose actors did not start is tried again."""

When = Callable[[Any, Callable[[Any, BaseException | None], None]], None]
"""Has the second, `then(value, error)`, called in the loop when the first, a reference of Ray's, is there."""


@dataclass(eq=False)
class SlotTask:
    """A task, and how often it has been begun."""

    task: dict[str, Any]
    attempts: int = 0
    cancelled: bool = False


@dataclass(eq=False)
class Slot:
    """One actor. States: starting, idle, busy, gone."""

    place: ActorPlacement
    actor: Any
    state: str = "starting"
    job: SlotTask | None = None
    deadline: float | None = None
    info: dict[str, Any] = field(default_factory=dict)


class Slots:
    """Actors by place. `device` and `cores` are those of `ray_cluster.places`."""

    def __init__(self, device: str, cores: int, when: When) -> None:
        self._device, self._cores, self._when = device, cores, when
        self._slots: dict[ActorPlacement, Slot] = {}
        self._failed: dict[str, tuple[int, float, str]] = {}
        self._actor = ray.remote(concurrency_groups=GROUPS)(RayWorker)
        self.nodes: list[Any] = []

    def all(self) -> list[Slot]:
        return list(self._slots.values())

    def idle(self) -> list[Slot]:
        return [slot for slot in self._slots.values() if slot.state == "idle"]

    def on_dead_nodes(self) -> list[Slot]:
        """Those whose node is no longer there."""
        alive = {node["NodeID"] for node in self.nodes if node["Alive"]}
        return [slot for slot in self._slots.values() if slot.place.node not in alive]

    def grow(self) -> None:
        """Begin and end actors until they are what the cluster has places for."""
        now = time.monotonic()
        wanted = actor_placements(self.nodes, self._device, self._cores)
        for place in wanted:
            count, when, _ = self._failed.get(place.node, (0, 0.0, ""))
            if count >= MAX_FAILED_STARTS and now - when < FORGIVE:
                continue
            if place not in self._slots:
                self._begin(place)
        for slot in [s for s in self._slots.values() if s.place not in wanted and s.state != "busy"]:
            self.end(slot)  # the rule changed: a GPU has come to a cluster of cores, say

    def refuse(self, slot: Slot, reason: str) -> None:
        """End an actor that did not start."""
        log.warning("an actor on %s did not start: %s", slot.place.host, reason)
        count, _, _ = self._failed.get(slot.place.node, (0, 0.0, ""))
        self._failed[slot.place.node] = (count + 1, time.monotonic(), reason)
        self.end(slot)

    def end(self, slot: Slot) -> None:
        slot.state = "gone"
        if self._slots.get(slot.place) is slot:
            del self._slots[slot.place]
        try:
            ray.kill(slot.actor)
        except (RayError, ValueError) as error:
            log.info("an actor was gone already: %s", error)

    def state(self) -> dict[str, Any]:
        """How many jobs can run, and on what; if nothing can, why."""
        workers = [
            {
                "worker": f"ray-{slot.place.host}-{slot.place.number}",
                "name": f"{slot.info.get('name', 'starting')} on {slot.place.host}",
                "node": slot.place.node,
                "device": slot.info.get("device", self._device),
                "state": slot.state,
                "pid": slot.info.get("pid", 0),
                "models": slot.info.get("models", []),
                "memory": slot.info.get("memory", 0),
            }
            for slot in self._slots.values()
        ]
        broken = ""
        if not self._slots and self._failed:
            broken = next(reversed(self._failed.values()))[2]
        capacity = sum(slot.state in ("idle", "busy") for slot in self._slots.values())
        return {"workers": workers, "capacity": capacity, "broken": broken}

    def _begin(self, place: ActorPlacement) -> None:
        device = self._device if not place.gpus or self._device != "auto" else "cuda"
        actor = self._actor.options(
            num_cpus=place.cores,
            num_gpus=place.gpus,
            max_restarts=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=place.node, soft=False),
        ).remote("cpu" if device == "auto" else device)
        slot = self._slots[place] = Slot(place, actor)
        self._when(actor.ready.remote(), partial(self._on_ready, slot))

    def _on_ready(self, slot: Slot, info: Any, error: BaseException | None) -> None:
        if slot.state == "gone":
            return
        if error or "error" in info:
            self.refuse(slot, str(error).strip() if error else str(ScumbleError.from_dict(info["error"])))
        elif info["version"] != __version__:
            self.refuse(slot, f"it has Scumble {info['version']}, and this machine {__version__}")
        else:
            self._failed.pop(slot.place.node, None)
            slot.state, slot.info = "idle", info
            log.info("an actor on %s is ready: %s", slot.place.host, info["name"])
