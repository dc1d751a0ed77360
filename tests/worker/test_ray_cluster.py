"""Where actors should be, for clusters of all kinds."""

from __future__ import annotations

from typing import Any

from scumble.worker.ray_cluster import actor_placements


def node(name: str, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"NodeID": name, "Alive": alive, "Resources": resources, "NodeManagerHostname": f"host-{name}"}


def counted(nodes: list[dict[str, Any]], device: str = "auto", cores: int = 4) -> list[tuple[str, int, int, int]]:
    return [(p.node, p.number, p.gpus, p.cores) for p in actor_placements(nodes, device, cores)]


def test_one_for_each_gpu() -> None:
    assert counted([node("a", CPU=8.0, GPU=2.0), node("b", CPU=8.0, GPU=1.0)]) == [
        ("a", 0, 1, 0),
        ("a", 1, 1, 0),
        ("b", 0, 1, 0),
    ]


def test_cores_are_left_alone_where_the_cluster_has_a_gpu() -> None:
    mixed = [node("a", CPU=8.0), node("b", CPU=8.0, GPU=1.0)]
    assert counted(mixed) == [("b", 0, 1, 0)]
    assert counted(mixed, "cpu") == [("a", 0, 0, 4), ("a", 1, 0, 4), ("b", 0, 0, 4), ("b", 1, 0, 4)]


def test_so_many_cores_for_each() -> None:
    assert counted([node("a", CPU=9.0)]) == [("a", 0, 0, 4), ("a", 1, 0, 4)]
    assert counted([node("a", CPU=2.0)]) == [("a", 0, 0, 2)]  # fewer are better than none


def test_dead_nodes_and_those_without_cores_hold_none() -> None:
    assert counted([node("a", alive=False, CPU=8.0), node("b", CPU=0.0), node("c")]) == []


def test_gpus_only_where_they_were_asked_for() -> None:
    assert counted([node("a", CPU=8.0)], "cuda") == []


def test_places_keep_their_names_when_others_come() -> None:
    before = actor_placements([node("a", CPU=4.0)], "auto", 4)
    assert set(before) <= set(actor_placements([node("a", CPU=4.0), node("b", CPU=8.0)], "auto", 4))
