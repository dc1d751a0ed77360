"""Layers in Ray's object store: those used last stay, so that an unchanged one is put there once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import ray

from scumble.transport.pixel_files import map_file

SHARE = 0.25
"""The part of the store that may hold what no job needs any more."""


def inputs(task: Mapping[str, Any]) -> dict[bytes, str]:
    """A task's buffers: digest and file."""
    found = {}
    for described in task["roles"].values():
        found[described["buffer"]] = described["path"]
        if "icc" in described:
            found[described["icc"]] = described["icc_path"]
    return found


class Objects:
    """References by digest."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()

    def reference(self, name: bytes, path: str, room: float) -> Any:
        """A buffer as an object of Ray's; `room` is the store's size in bytes. Raises OSError and Ray's errors."""
        if name not in self._kept:
            mapped = map_file(path)
            data = np.frombuffer(mapped, np.uint8) if mapped.nbytes else np.empty(0, np.uint8)
            self._kept[name] = (ray.put(data), data.nbytes)
            while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > SHARE * room:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name][0]

    def forget(self, name: bytes) -> None:
        """Have it put into the store anew when it is needed: a node that died may be thought to have a copy."""
        self._kept.pop(name, None)


def store_size(nodes: list[Any]) -> float:
    """Bytes of this node's object store, of `ray.nodes()`; 0 where that is not known."""
    own = ray.get_runtime_context().get_node_id()
    sizes = [node["Resources"].get("object_store_memory", 0) for node in nodes if node["NodeID"] == own]
    return float(sizes[0]) if sizes else 0.0
