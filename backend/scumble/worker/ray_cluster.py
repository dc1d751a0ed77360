"""Which actors a Ray cluster should hold: one for each GPU, or for so many cores, on the nodes that are alive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ActorPlacement:
    """Room for one actor."""

    node: str
    host: str
    number: int
    gpus: int
    cores: int


def actor_placements(nodes: Sequence[Mapping[str, Any]], device: str, cores: int) -> list[ActorPlacement]:
    """Places in a cluster, of `ray.nodes()`.

    Parameters
    ----------
    device
        `auto`: GPUs if the cluster has any, else cores. `cpu`: cores everywhere. Anything else: GPUs only.
    cores
        Cores for one actor where it works without a GPU; a node with fewer gets one actor all the same.
    """
    alive = [node for node in nodes if node["Alive"]]
    counts = {node["NodeID"]: int(node["Resources"].get("GPU", 0)) for node in alive}
    gpus = device not in ("auto", "cpu") or (device == "auto" and any(counts.values()))
    found = []
    for node in alive:
        available = int(node["Resources"].get("CPU", 0))
        each = max(1, min(cores, available))
        count = counts[node["NodeID"]] if gpus else available // each
        host = str(node.get("NodeManagerHostname") or node.get("NodeManagerAddress") or "?")
        for number in range(count):
            found.append(ActorPlacement(node["NodeID"], host, number, int(gpus), 0 if gpus else each))
    return found
