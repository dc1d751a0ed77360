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
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ray
import zmq
from ray.exceptions import RayError

from scumble.transport.result_files import ResultFiles
from scumble.transport.wakeup import Wakeup
from scumble_client import wire
from scumble_client.errors import ScumbleError

from .process import end_with_parent
from .ray_objects import Objects, inputs, store_size
from .ray_slots import Slot, Slots, SlotTask

log = logging.getLogger("scumble.ray")

KILL_AFTER = 2.0
TASK = ("job", "operation", "parameters", "seed", "roles", "previews", "view")
"""What an actor needs of a task."""

MAX_ATTEMPTS = 3
"""How often a job may lose its actor before it is thought to be the job's own fault."""
LOOK = 1.0
"""Seconds between looks at the cluster's nodes."""


class Bridge:
    """One loop in one thread; completed references and the watcher of the cluster post calls to it."""

    def __init__(self, pool: zmq.Socket[Any], device: str, cores: int, folders: list[Path], free_after: float) -> None:
        self._pool, self._free_after = pool, free_after
        self._files = ResultFiles(folders)
        self._slots = Slots(device, cores, self._when)
        self._objects = Objects()
        self._waiting: deque[SlotTask] = deque()
        self._awake, self._used = True, time.monotonic()
        self._told: Any = None
        self._wakeup = Wakeup()

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
        self._slots.nodes = nodes
        for slot in self._slots.on_dead_nodes():
            self._lose(slot, "its node is gone")

    def _tick(self) -> None:
        now = time.monotonic()
        if self._waiting or any(slot.job for slot in self._slots.all()):
            self._used = now
        elif self._awake and now - self._used > self._free_after:
            log.info("no work for %.0f s: giving the cluster's places back", self._free_after)
            self._awake = False
            for slot in self._slots.all():
                self._slots.end(slot)
        for slot in self._slots.all():
            if slot.deadline is not None and now > slot.deadline:
                log.warning("an actor on %s does not stop; ending it", slot.place.host)
                self._lose(slot, "it did not stop")
        if self._awake:
            self._slots.grow()
        self._dispatch()
        self._tell_state()

    def _lose(self, slot: Slot, reason: str) -> None:
        """An actor has died, or was given up: its job is done again elsewhere."""
        if slot.state == "gone":
            return
        log.warning("the actor on %s is lost: %s", slot.place.host, reason)
        if slot.state == "starting":
            self._slots.refuse(slot, reason)
            return
        job, slot.job = slot.job, None
        self._slots.end(slot)
        if job is not None:
            self._again(job)

    def _again(self, job: SlotTask) -> None:
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
            for name in inputs(job.task):  # others would wait for the dead node to answer, half a minute
                self._objects.forget(name)
            self._waiting.appendleft(job)

    # -- jobs

    def _on_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "run":
            self._wake()
            self._waiting.append(SlotTask(message))
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
        for slot in self._slots.all():
            if slot.job and slot.job.task["job"] == name and slot.deadline is None:
                slot.job.cancelled = True
                slot.deadline = time.monotonic() + KILL_AFTER
                slot.actor.cancel.remote(name)

    def _dispatch(self) -> None:
        for slot in self._slots.idle():
            if not self._waiting:
                return
            job = self._waiting.popleft()
            job.attempts += 1
            task = job.task
            try:
                needed, room = inputs(task), store_size(self._slots.nodes)
                arrays = [self._objects.reference(name, path, room) for name, path in needed.items()]
                described = {key: task[key] for key in TASK}
                reference = slot.actor.run.remote(described, list(needed), *arrays)
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

    def _listen(self, slot: Slot, job: SlotTask) -> None:
        self._when(slot.actor.news.remote(job.task["job"]), partial(self._on_news, slot, job))

    def _on_news(self, slot: Slot, job: SlotTask, news: Any, error: BaseException | None) -> None:
        if slot.job is not job:
            return
        if error:  # a dead actor is told of by `run`
            log.info("no news of job %s: %s", job.task["job"], error)
            return
        for item in news:
            self._send(**item, job=job.task["job"])
        self._listen(slot, job)

    def _on_result(self, slot: Slot, job: SlotTask, value: Any, error: BaseException | None) -> None:
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

    def _error(self, job: SlotTask, error: ScumbleError) -> None:
        self._send("error", job=job.task["job"], error=error.as_dict())

    def _tell_state(self) -> None:
        state = self._slots.state()
        if state != self._told:
            self._told = state
            self._send("state", **state)

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
