"""The local pool: one worker process per device, started when needed, replaced when one dies."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError

from .base import Pool, Task
from .children import Children, listening

log = logging.getLogger(__name__)

KILL_AFTER = 2.0
"""Seconds that a job has to end by itself after a cancel."""
START_PATIENCE = 300.0
"""Seconds that a worker has to start: PyTorch on a busy disk may take a minute."""
MAX_FAILED_STARTS = 3
RETRY, MAX_RETRY = 60.0, 900.0
"""Seconds after which a device is tried again whose workers do not start, doubled each time up to the second."""


@dataclass
class _Process:
    """One worker process as the pool sees it. States: starting, idle, busy, ending, dead."""

    name: str
    slot: _Slot
    child: subprocess.Popen[bytes]
    since: float
    state: str = "starting"
    job: str | None = None
    deadline: float | None = None
    info: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class _Slot:
    """A device, or a share of one, that is to have a worker. Without one it is broken: its workers do not start."""

    device: str
    process: _Process | None = None
    failures: int = 0
    """Starts that failed, one after the other."""
    delay: float = RETRY
    retry_at: float = 0.0


class LocalPool(Pool):
    """Workers on this machine.

    Parameters
    ----------
    endpoint
        Where the workers connect to: `ipc://…` in the private runtime folder, or `tcp://127.0.0.1:*`.
    device
        `auto` for one worker on each accelerator (else one on the CPU), or a torch device.
    folders
        Where workers put results: the spool, then where to turn when that is full.
    free_after
        Seconds without work after which models are unloaded.
    token
        The password that workers use where the endpoint is TCP.
    clock
        Seconds that never go back.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        endpoint: str,
        device: str,
        folders: list[Path],
        free_after: float,
        log_path: Path | None = None,
        token: str = "",
        workers_per_device: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folders, self._free_after, self._device = folders, free_after, device
        self._log_path = log_path
        self._workers_per_device = workers_per_device
        self._token = token
        self._clock = clock
        self._socket, self._endpoint = listening(context, endpoint)
        self._slots: list[_Slot] = []
        self._processes: dict[str, _Process] = {}
        self._started = 0
        self._children = Children()
        self._stopping = False

    def start(self) -> None:
        if not self._slots and not self._stopping:
            self._slots.append(_Slot(self._device))
            self._spawn(self._slots[0])

    @property
    def pollable(self) -> list[Any]:
        return [self._socket, self._children.fileno()]

    @property
    def free(self) -> int:
        if self._broken:
            return 1  # the next task is taken, and fails with the reason
        return sum(p.state == "idle" for p in self._processes.values())

    def run(self, task: Task) -> None:
        if self._broken:
            for slot in self._slots:  # the next attempt may go better
                slot.failures, slot.delay = 0, RETRY
                self._spawn(slot)
            self.listener.failed(
                task.job,
                ScumbleError(
                    "worker_died",
                    "Scumble's worker does not start.",
                    f"Run: scumble doctor. The log says why: {self._log_path}",
                ),
            )
            return
        process = next(p for p in self._processes.values() if p.state == "idle")
        process.state, process.job, process.deadline = "busy", task.job, None
        self._send(process, {"type": "run", **vars(task)})

    def cancel(self, job: str) -> None:
        for process in self._processes.values():
            if process.job == job and process.deadline is None:
                process.deadline = self._clock() + KILL_AFTER
                self._send(process, {"type": "cancel", "job": job})

    def handle(self) -> None:
        ended = self._children.ended()
        while True:
            try:
                name, frame = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            process = self._processes.get(name.decode("utf-8", "replace"))
            if process:
                try:
                    self._on_message(process, wire.unpack(frame))
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    log.warning("%s sent something unreadable: %r", process.name, error)
        # After the messages: what a worker said before it died still counts.
        for dead in ended:
            self._on_death(self._processes[dead])

    def tick(self) -> None:
        now = self._clock()
        for process in self._processes.values():
            if process.deadline is not None and now > process.deadline and process.state == "busy":
                log.warning("worker %s does not stop; killing it", process.name)
                process.deadline = float("inf")
                process.child.kill()
            elif process.state == "starting" and now - process.since > START_PATIENCE:
                log.warning("worker %s does not get ready; killing it", process.name)
                process.since = float("inf")
                process.child.kill()
        if not self._broken:  # else the next job is told, and starts all of them
            for slot in self._slots:
                if slot.process is None and now >= slot.retry_at:
                    self._spawn(slot)

    def status(self) -> list[dict[str, Any]]:
        return [
            {
                **p.info,
                "name": p.info.get("name", p.slot.device),
                "worker": p.name,
                "pid": p.child.pid,
                "state": p.state,
            }
            for p in self._processes.values()
        ]

    def stop(self) -> None:
        self._stopping = True
        for process in self._processes.values():
            if process.state == "busy":
                process.child.kill()
            else:
                self._send(process, {"type": "exit"})
        self._children.end([process.child for process in self._processes.values()])
        self._socket.close(0)

    # -- inside

    @property
    def _broken(self) -> bool:
        """Whether no device has a worker, nor one that starts."""
        return bool(self._slots) and not self._processes and not self._stopping

    def _spawn(self, slot: _Slot) -> None:
        self._started += 1
        name = f"worker-{self._started}"
        command = [sys.executable, "-m", "scumble.worker.process", "--endpoint", self._endpoint, "--name", name]
        command += ["--device", slot.device, "--free-after", str(self._free_after), "--log", str(self._log_path or "")]
        for folder in self._folders:
            command += ["--folder", str(folder)]
        token = self._token if self._endpoint.startswith("tcp:") else ""
        child = self._children.start(name, command, {"SCUMBLE_WORKER_TOKEN": token})
        slot.process = _Process(name, slot, child, self._clock(), info={"device": slot.device})
        self._processes[name] = slot.process

    def _send(self, process: _Process, message: dict[str, Any]) -> None:
        try:
            self._socket.send_multipart([process.name.encode(), wire.pack(message)], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            log.warning("cannot reach %s: %s", process.name, error)  # its death is being reported

    def _on_message(self, process: _Process, message: dict[str, Any]) -> None:
        kind = message.pop("type")
        process.info |= message.pop("info", {})
        if kind == "devices":
            self._learn(process.slot, message["devices"])
        elif kind == "ready":
            self._learn(process.slot, message.pop("devices"))
            process.info |= message
            process.state = "idle"
            process.slot.failures, process.slot.delay = 0, RETRY
        elif kind == "info":
            process.info |= message
        elif message.get("job") != process.job:
            pass  # of a job that has already been answered for
        elif kind == "progress":
            self.listener.progress(message["job"], message["fraction"], message["message"])
        elif kind == "preview":
            self.listener.preview(message["job"], message["pixels"], message["data"])
        elif kind in ("result", "error"):
            job = message.pop("job")
            # a worker whose device is lost takes no other job: its end is being reported
            process.state = "ending" if message.pop("ends", False) else "idle"
            process.job, process.deadline = None, None
            if kind == "result":
                self.listener.result(job, message)
            else:
                self.listener.failed(job, ScumbleError.from_dict(message["error"]))

    def _learn(self, first: _Slot, devices: list[str]) -> None:
        """Start what is still missing, once a worker has told which devices there are (before it tries its own)."""
        if first.device == "auto":
            first.device = str(devices[0])
        missing = [
            str(d)
            for d in (devices if self._device == "auto" else [self._device])
            for _ in range(self._workers_per_device)
        ]
        for slot in self._slots:
            if slot.device in missing:
                missing.remove(slot.device)
        for device in missing:
            self._slots.append(_Slot(device))
            self._spawn(self._slots[-1])

    def _on_death(self, process: _Process) -> None:
        code, slot = process.child.returncode, process.slot
        cancelled = process.deadline is not None
        was, job = process.state, process.job
        process.state = "dead"
        del self._processes[process.name]
        slot.process = None
        assert process.child.stdin
        process.child.stdin.close()
        if self._stopping:
            return
        log.warning("worker %s on %s ended with code %s while %s", process.name, slot.device, code, was)
        if was == "starting":
            slot.failures += 1
        if slot.failures < MAX_FAILED_STARTS:
            self._spawn(slot)
        else:
            log.warning("workers on %s do not start; the next attempt is in %.0f s", slot.device, slot.delay)
            slot.retry_at = self._clock() + slot.delay
            slot.delay = min(2 * slot.delay, MAX_RETRY)
        if job is not None:
            self.listener.failed(job, _cancelled() if cancelled else self._died(code))

    def _died(self, code: int | None) -> ScumbleError:
        why = "most likely because memory ran out" if code in (-9, 137) else "unexpectedly"
        return ScumbleError(
            "worker_died",
            f"The process that computed this ended, {why}.",
            f"Run it again, with a smaller selection if it happens again. The log file is {self._log_path}.",
        )


def _cancelled() -> ScumbleError:
    return ScumbleError("cancelled", "The job was cancelled.", "")
