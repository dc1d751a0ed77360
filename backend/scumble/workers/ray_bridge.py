"""The process between the broker and a Ray cluster: it has Ray in it, so that the broker need not.

Ray ends the process that uses it when the cluster is lost; here that costs a bridge, which the pool replaces, and not
the daemon. It talks to `RayPool` over one socket, like a worker, and ends with the daemon; its actors end with it.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ray
import zmq
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scumble.pixelfiles import map_file
from scumble.wakeup import Wakeup
from scumble_client import wire
from scumble_client.errors import ScumbleError
from scumble_client.version import __version__

from .compute import ResultFiles
from .process import end_with_parent
from .ray_actor import GROUPS, Worker
from .ray_cluster import Place, places

log = logging.getLogger("scumble.ray")

KILL_AFTER = 2.0
MAX_ATTEMPTS = 3
"""How often a job may lose its actor before it is thought to be the job's own fault."""
LOOK = 1.0
"""Seconds between looks at the cluster's nodes."""
MAX_FAILED_STARTS = 3
FORGIVE = 60.0
"""Seconds after which a node whose actors did not start is tried again."""


@dataclass(eq=False)
class _Job:
    task: dict[str, Any]
    attempts: int = 0
    cancelled: bool = False


@dataclass(eq=False)
class _Slot:
    """One actor. States: starting, idle, busy, gone."""

    place: Place
    actor: Any
    state: str = "starting"
    job: _Job | None = None
    deadline: float | None = None
    info: dict[str, Any] = field(default_factory=dict)


class Bridge:
    """One loop in one thread; completed references and the watcher of the cluster post calls to it."""

    def __init__(self, pool: zmq.Socket[Any], device: str, cores: int, folders: list[Path], free_after: float) -> None:
        self._pool, self._device, self._cores, self._free_after = pool, device, cores, free_after
        self._files = ResultFiles(folders)
        self._slots: dict[Place, _Slot] = {}
        self._waiting: deque[_Job] = deque()
        self._objects: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._nodes: list[Any] = []
        self._failed: dict[str, tuple[int, float, str]] = {}
        self._awake, self._used = True, time.monotonic()
        self._told: Any = None
        self._wakeup = Wakeup()
        self._actor = ray.remote(concurrency_groups=GROUPS)(Worker)

    def run(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()
        poller = zmq.Poller()
        poller.register(self._pool, zmq.POLLIN)
        poller.register(self._wakeup.fileno(), zmq.POLLIN)
        while True:
            poller.poll(200)
            for call in self._wakeup.taken():
                call()
            while self._pool.poll(0):
                message = wire.unpack(self._pool.recv())
                if message["type"] == "exit":
                    return
                self._on_message(message)
            self._tick()

    # -- other threads

    def _watch(self) -> None:
        """Look at the nodes again and again: the call waits for the cluster's head, which the loop must not."""
        while True:
            try:
                nodes = ray.nodes()
                self._wakeup.post(partial(self._on_nodes, nodes))
            except Exception as error:
                log.warning("the cluster does not say which nodes it has: %s", error)
            time.sleep(LOOK)

    def _when(self, reference: Any, then: Callable[[Any, BaseException | None], None]) -> None:
        """Have `then(value, error)` called in the loop when a reference is there."""

        def done(future: Any) -> None:
            error = future.exception()
            value = None if error else future.result()
            self._wakeup.post(lambda: then(value, error))

        reference.future().add_done_callback(done)

    # -- the cluster

    def _on_nodes(self, nodes: list[Any]) -> None:
        self._nodes = nodes
        alive = {node["NodeID"] for node in nodes if node["Alive"]}
        for slot in [s for s in self._slots.values() if s.place.node not in alive]:
            self._lose(slot, "its node is gone")

    def _tick(self) -> None:
        now = time.monotonic()
        if self._waiting or any(slot.job for slot in self._slots.values()):
            self._used = now
        elif self._awake and now - self._used > self._free_after:
            log.info("no work for %.0f s: giving the cluster's places back", self._free_after)
            self._awake = False
            for slot in list(self._slots.values()):
                self._end(slot)
        for slot in list(self._slots.values()):
            if slot.deadline is not None and now > slot.deadline:
                log.warning("an actor on %s does not stop; ending it", slot.place.host)
                self._lose(slot, "it did not stop")
        if self._awake:
            self._grow(now)
        self._dispatch()
        self._tell_state()

    def _grow(self, now: float) -> None:
        wanted = places(self._nodes, self._device, self._cores)
        for place in wanted:
            count, when, _ = self._failed.get(place.node, (0, 0.0, ""))
            if count >= MAX_FAILED_STARTS and now - when < FORGIVE:
                continue
            if place not in self._slots:
                self._begin(place)
        for slot in [s for s in self._slots.values() if s.place not in wanted and s.state != "busy"]:
            self._end(slot)  # the rule changed: a GPU has come to a cluster of cores, say

    def _begin(self, place: Place) -> None:
        device = self._device if not place.gpus or self._device != "auto" else "cuda"
        actor = self._actor.options(
            num_cpus=place.cores,
            num_gpus=place.gpus,
            max_restarts=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=place.node, soft=False),
        ).remote("cpu" if device == "auto" else device)
        slot = self._slots[place] = _Slot(place, actor)
        self._when(actor.ready.remote(), partial(self._on_ready, slot))

    def _on_ready(self, slot: _Slot, info: Any, error: BaseException | None) -> None:
        if slot.state == "gone":
            return
        if error or "error" in info:
            reason = str(error).strip() if error else str(ScumbleError.from_dict(info["error"]))
            self._refuse(slot, reason)
        elif info["version"] != __version__:
            self._refuse(slot, f"it has Scumble {info['version']}, and this machine {__version__}")
        else:
            self._failed.pop(slot.place.node, None)
            slot.state, slot.info = "idle", info
            log.info("an actor on %s is ready: %s", slot.place.host, info["name"])

    def _refuse(self, slot: _Slot, reason: str) -> None:
        """An actor that did not start."""
        log.warning("an actor on %s did not start: %s", slot.place.host, reason)
        count, _, _ = self._failed.get(slot.place.node, (0, 0.0, ""))
        self._failed[slot.place.node] = (count + 1, time.monotonic(), reason)
        self._end(slot)

    def _end(self, slot: _Slot) -> None:
        slot.state = "gone"
        if self._slots.get(slot.place) is slot:
            del self._slots[slot.place]
        try:
            ray.kill(slot.actor)
        except (RayError, ValueError) as error:
            log.info("an actor was gone already: %s", error)

    def _lose(self, slot: _Slot, reason: str) -> None:
        """An actor has died, or was given up: its job is done again elsewhere."""
        if slot.state == "gone":
            return
        log.warning("the actor on %s is lost: %s", slot.place.host, reason)
        if slot.state == "starting":
            self._refuse(slot, reason)
            return
        job, slot.job = slot.job, None
        self._end(slot)
        if job is not None:
            self._again(job)

    def _again(self, job: _Job) -> None:
        if job.cancelled:
            self._error(job, ScumbleError("cancelled", "The job was cancelled.", ""))
        elif job.attempts >= MAX_ATTEMPTS:
            self._error(
                job,
                ScumbleError(
                    "worker_died",
                    f"The processes that computed this ended, {job.attempts} times.",
                    "Run it again with a smaller selection; most likely memory ran out.",
                ),
            )
        else:
            log.info("job %s is done again elsewhere", job.task["job"])
            self._waiting.appendleft(job)

    # -- jobs

    def _on_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "run":
            self._wake()
            self._waiting.append(_Job(message))
        elif message["type"] == "wake":
            self._wake()
        elif message["type"] == "cancel":
            self._cancel(message["job"])

    def _wake(self) -> None:
        self._awake, self._used = True, time.monotonic()

    def _cancel(self, name: str) -> None:
        for job in [j for j in self._waiting if j.task["job"] == name]:
            self._waiting.remove(job)
            self._error(job, ScumbleError("cancelled", "The job was cancelled.", ""))
        for slot in self._slots.values():
            if slot.job and slot.job.task["job"] == name and slot.deadline is None:
                slot.job.cancelled = True
                slot.deadline = time.monotonic() + KILL_AFTER
                slot.actor.cancel.remote(name)

    def _dispatch(self) -> None:
        for slot in [s for s in self._slots.values() if s.state == "idle"]:
            if not self._waiting:
                return
            job = self._waiting.popleft()
            job.attempts += 1
            task = job.task
            try:
                names = list(self._inputs(task))
                arrays = [self._object(name, path) for name, path in self._inputs(task).items()]
                described = {key: task[key] for key in ("job", "operation", "parameters", "seed", "roles", "previews")}
                reference = slot.actor.run.remote(described, names, *arrays)
            except (OSError, RayError) as error:
                log.warning("job %s can't be sent: %s", task["job"], error)
                self._error(
                    job,
                    ScumbleError(
                        "out_of_memory",
                        "There is no room for this layer in Ray's memory.",
                        "Start Ray with more of it: ray start --object-store-memory BYTES",
                    ),
                )
                continue
            slot.state, slot.job, slot.deadline = "busy", job, None
            self._when(reference, partial(self._on_result, slot, job))
            self._listen(slot, job)

    def _inputs(self, task: Mapping[str, Any]) -> dict[bytes, str]:
        found = {}
        for described in task["roles"].values():
            found[described["buffer"]] = described["path"]
            if "icc" in described:
                found[described["icc"]] = described["icc_path"]
        return found

    def _object(self, name: bytes, path: str) -> Any:
        """A buffer in Ray's object store; those used last stay there, so that an unchanged layer is put there once."""
        if name not in self._objects:
            mapped = map_file(path)
            data = np.frombuffer(mapped, np.uint8) if mapped.nbytes else np.empty(0, np.uint8)
            self._objects[name] = (ray.put(data), data.nbytes)
            room = self._room()
            while len(self._objects) > 1 and sum(size for _, size in self._objects.values()) > room:
                self._objects.popitem(last=False)
        self._objects.move_to_end(name)
        return self._objects[name][0]

    def _room(self) -> float:
        own = ray.get_runtime_context().get_node_id()
        sizes = [n["Resources"].get("object_store_memory", 0) for n in self._nodes if n["NodeID"] == own]
        return 0.25 * (sizes[0] if sizes else 0)

    def _listen(self, slot: _Slot, job: _Job) -> None:
        self._when(slot.actor.news.remote(job.task["job"]), partial(self._on_news, slot, job))

    def _on_news(self, slot: _Slot, job: _Job, news: Any, error: BaseException | None) -> None:
        if slot.job is not job:
            return
        if error:  # a dead actor is told of by `run`
            log.info("no news of job %s: %s", job.task["job"], error)
            return
        for item in news:
            self._send(**item, job=job.task["job"])
        self._listen(slot, job)

    def _on_result(self, slot: _Slot, job: _Job, value: Any, error: BaseException | None) -> None:
        if slot.job is not job:
            return  # it was given up
        if error:
            self._lose(slot, str(error).strip().splitlines()[0])
            return
        body, arrays = value
        slot.state, slot.job, slot.deadline = "idle", None, None
        slot.info |= body.pop("info")
        if "trace" in body:
            log.error("job %s failed on %s:\n%s", job.task["job"], slot.place.host, body["trace"])
        if "error" in body:
            self._error(job, ScumbleError.from_dict(body["error"]))
            return
        try:
            for layer in body["layers"]:
                number = layer["pixels"].pop("array", None)
                if number is not None:
                    layer["pixels"] |= self._files.store(job.task["job"], memoryview(arrays[number]))
        except ScumbleError as failed:
            self._error(job, failed)
            return
        self._send("result", job=job.task["job"], **body)

    # -- the pool

    def _error(self, job: _Job, error: ScumbleError) -> None:
        self._send("error", job=job.task["job"], error=error.as_dict())

    def _tell_state(self) -> None:
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
        state = {"workers": workers, "capacity": sum(s.state in ("idle", "busy") for s in self._slots.values())}
        if {**state, "broken": broken} != self._told:
            self._told = {**state, "broken": broken}
            self._send("state", **self._told)

    def _send(self, type: str, **body: Any) -> None:  # noqa: A002 (the message's own word)
        self._pool.send(wire.pack({"type": type, **body}))


def _knock(address: str) -> None:
    """Raises OSError where nobody listens: Ray itself would try for more than a minute."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="scumble-ray")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--folder", action="append", required=True, type=Path)
    parser.add_argument("--free-after", type=float, default=300.0)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the broker's to handle
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    end_with_parent()
    pool: zmq.Socket[Any] = zmq.Context.instance().socket(zmq.DEALER)
    pool.linger = 1000
    pool.identity = options.name.encode()
    token = os.environ.pop("SCUMBLE_WORKER_TOKEN", "")
    if token:
        pool.plain_username, pool.plain_password = b"worker", token.encode()
    pool.connect(options.endpoint)
    try:
        _knock(options.address)
        ray.init(address=options.address, namespace="scumble", log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises whatever its parts happen to
        log.exception("the cluster can't be reached")
        pool.send(wire.pack({"type": "unreachable", "reason": str(error).strip().split("\n")[0][:300]}))
        pool.close()
        zmq.Context.instance().term()
        os._exit(1)
    pool.send(wire.pack({"type": "connected"}))
    code = 1
    try:
        Bridge(pool, options.device, options.cores, options.folder, options.free_after).run()
        ray.shutdown()
        code = 0
    except Exception:
        log.exception("a defect in the bridge")
    sys.stderr.flush()
    os._exit(code)  # Ray's threads and ours must not be waited for


if __name__ == "__main__":
    main()
