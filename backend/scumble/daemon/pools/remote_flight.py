"""A task on its way to another machine and back, and the messages that carry it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scumble.transport.packing import LEAST, pack_pixels, stride
from scumble.transport.pixel_files import map_file
from scumble_client import wire
from scumble_client.wire import Message

from .base import Task

AT_ONCE = 64 * 1024
"""Bytes of a layer that is sent without being asked for; a larger one may be there already."""


@dataclass(eq=False)
class Flight:
    """States: new (to be sent), sent, fetching (asked for again), storing (its result)."""

    task: Task
    state: str = "new"
    attempts: int = 0
    fraction: float = 0.0
    deadline: float | None = None
    sent: tuple[float, int] | None = None
    """When layers were sent, and how many bytes, to measure the link by."""
    paths: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    """The request's buffers: file, and bytes from pixel to pixel (0 for a profile)."""

    def __post_init__(self) -> None:
        for described in self.task.roles.values():
            self.paths[described["buffer"]] = described["path"], stride(described["layout"], described["depth"])
            if "icc" in described:
                self.paths[described["icc"]] = described["icc_path"], 0

    def submit(self, patience: float, pack: bool) -> Message:
        """The task, with those of its layers that are small."""
        task = self.task
        roles = {
            name: {k: v for k, v in described.items() if k not in ("path", "icc_path")}
            for name, described in task.roles.items()
        }
        small = {name: map_file(path) for name, (path, _) in self.paths.items() if _size(path) <= AT_ONCE}
        body = {
            "operation": task.operation,
            "parameters": task.parameters,
            "seed": task.seed,
            "priority": task.priority,
            "roles": roles,
            "previews": task.previews,
            "patience": round(min(patience, 600)),
            "pack": pack,
            "buffers": list(small),
        }
        if task.view is not None:
            body["view"] = task.view
        return Message("submit", body, list(small.values()), id=task.job)

    def buffers(self, digests: list[Any], pack: bool, parent: str) -> Message:
        """The layers that were asked for. (Packing takes time: not in the loop's thread.)"""
        names = [name for name in digests if name in self.paths]
        frames: list[wire.Buffer] = []
        steps: list[int] = []
        for name in names:
            path, step = self.paths[name]
            data = map_file(path)
            packed = pack and step > 0 and data.nbytes >= LEAST
            frames.append(pack_pixels(data, step) if packed else data)
            steps.append(step if packed else 0)
        return Message("buffers", {"job": self.task.job, "buffers": names, "packed": steps}, frames, parent=parent)


def _size(path: str) -> int:
    return Path(path).stat().st_size
