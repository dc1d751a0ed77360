"""The Ray pool: a studio's cluster as workers. Ray itself is in a process of its own (`ray_bridge`)."""

from __future__ import annotations

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import zmq

from scumble_client import wire
from scumble_client.errors import ScumbleError

from .base import Pool, Task
from .children import Children, listening

log = logging.getLogger(__name__)

MAX_BRIDGES = 3
"""How many bridges a job may lose, and how many may die without a result, before that is told."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def check_installed() -> None:
    """Raises ScumbleError `invalid_parameter` where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise ScumbleError("invalid_parameter", "Ray is not installed.", 'Install it with: pip install "scumble[ray]"')


class RayPool(Pool):
    """Actors of a Ray cluster.

    Parameters
    ----------
    endpoint
        Where the bridge connects to: `ipc://…` in the private runtime folder, or `tcp://127.0.0.1:*`.
    address
        The cluster's: `auto` for the one that this machine is a node of, or `HOST:PORT` of its head.
    device
        `auto`, `cpu`, or `cuda`; see `ray_cluster.places`.
    cores
        Cores for each actor that has no GPU.
    folders
        Where results are put: the spool, then where to turn when that is full.
    free_after
        Seconds without work after which actors are ended, so that others can use the cluster.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        endpoint: str,
        address: str,
        device: str,
        cores: int,
        folders: list[Path],
        free_after: float,
        log_path: Path | None = None,
        token: str = "",
    ) -> None:
        check_installed()
        self._address, self._log_path = address, log_path
        self._options = ["--address", address, "--device", device, "--cores", str(cores)]
        self._options += ["--free-after", str(free_after)]
        for folder in folders:
            self._options += ["--folder", str(folder)]
        self._token = token if endpoint.startswith("tcp:") else ""
        self._socket, self._endpoint = listening(context, endpoint)
        self._children = Children()
        self._bridge: subprocess.Popen[bytes] | None = None
        self._name = ""
        self._started = self._deaths = 0
        self._state = "off"
        self._tasks: dict[str, Task] = {}
        self._bridges: dict[str, int] = {}
        self._cancelled: set[str] = set()
        self._capacity = 0
        self._workers: list[dict[str, Any]] = []
        self._broken: ScumbleError | None = None

    def start(self) -> None:
        if self._bridge is None:
            self._broken = None  # this attempt may go better
            self._spawn()
        elif self._state == "connected":
            self._send({"type": "wake"})

    @property
    def pollable(self) -> list[Any]:
        return [self._socket, self._children.fileno()]

    @property
    def free(self) -> int:
        if self._broken:
            return 1  # tasks are taken, and fail with the reason
        return max(0, self._capacity - len(self._tasks))

    def run(self, task: Task) -> None:
        if self._broken:
            self.listener.failed(task.job, self._broken)
            return
        self._tasks[task.job] = task
        self._send({"type": "run", **vars(task)})

    def cancel(self, job: str) -> None:
        if job in self._tasks:
            self._cancelled.add(job)
            self._send({"type": "cancel", "job": job})

    def handle(self) -> None:
        ended = self._children.ended()
        while True:
            try:
                name, frame = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            if name.decode() == self._name:
                self._on_message(wire.unpack(frame))
        for dead in ended:
            if dead == self._name:
                self._on_death()

    def tick(self) -> None:
        pass  # deadlines are the bridge's

    def status(self) -> list[dict[str, Any]]:
        if self._workers or self._bridge is None:
            return self._workers
        name = f"Ray cluster {self._address}"
        return [{"worker": "ray", "name": name, "device": "", "state": self._state, "pid": self._bridge.pid}]

    def stop(self) -> None:
        self._send({"type": "exit"})
        self._children.end([self._bridge] if self._bridge else [], patience=10)
        self._socket.close(0)

    # -- inside

    def _spawn(self) -> None:
        self._started += 1
        self._name, self._state = f"ray-{self._started}", "connecting"
        command = [sys.executable, "-m", "scumble.worker.ray_bridge", "--endpoint", self._endpoint]
        command += ["--name", self._name, *self._options]
        self._bridge = self._children.start(self._name, command, {**QUIET, "SCUMBLE_WORKER_TOKEN": self._token})

    def _send(self, message: dict[str, Any]) -> None:
        if self._state != "connected":
            return  # when it is, it is told all there is
        try:
            self._socket.send_multipart([self._name.encode(), wire.pack(message)], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            log.warning("cannot reach %s: %s", self._name, error)  # its death is being reported

    def _on_message(self, message: dict[str, Any]) -> None:
        kind, job = message.pop("type"), message.get("job")
        if kind == "connected":
            self._state, self._broken = "connected", None
            for task in self._tasks.values():
                self._send({"type": "run", **vars(task)})
        elif kind == "unreachable":
            self._fail_all(
                ScumbleError(
                    "worker_died",
                    f"The Ray cluster at {self._address} can't be reached: {message['reason'].rstrip('.')}.",
                    "Run there: ray status; then run it again.",
                )
            )
        elif kind == "state":
            self._on_state(message)
        elif job not in self._tasks:
            pass  # of a job that has already been answered for
        elif kind == "progress":
            self.listener.progress(job, message["fraction"], message["message"])
        elif kind == "preview":
            self.listener.preview(job, message["pixels"], message["data"])
        elif kind in ("result", "error"):
            self._forget(message.pop("job"))
            self._deaths = 0
            if kind == "result":
                self.listener.result(job, message)
            else:
                self.listener.failed(job, self._with_log(ScumbleError.from_dict(message["error"])))

    def _on_state(self, message: dict[str, Any]) -> None:
        self._workers, self._capacity = message["workers"], message["capacity"]
        if message["broken"]:
            self._fail_all(
                ScumbleError(
                    "worker_died",
                    f"Scumble does not start on the nodes of the Ray cluster: {message['broken'][:300].rstrip('.')}.",
                    f"Install the same version on every node. The log says more: {self._log_path}",
                )
            )
        else:
            self._broken = None

    def _on_death(self) -> None:
        """The bridge has ended: its actors with it. Their jobs are done again by the next one."""
        assert self._bridge
        assert self._bridge.stdin
        self._bridge.stdin.close()
        log.warning("the bridge to Ray ended with code %s", self._bridge.returncode)
        self._bridge, self._capacity, self._workers, self._state = None, 0, [], "off"
        for job in list(self._tasks):
            self._bridges[job] = self._bridges.get(job, 0) + 1
            if job in self._cancelled:
                self._end(job, ScumbleError("cancelled", "The job was cancelled.", ""))
            elif self._bridges[job] >= MAX_BRIDGES:
                self._end(
                    job,
                    ScumbleError(
                        "worker_died", "The Ray cluster was lost, more than once.", f"See the log: {self._log_path}"
                    ),
                )
        if self._broken:
            return  # it has said why
        self._deaths += 1
        if self._deaths >= MAX_BRIDGES:
            self._deaths = 0
            self._fail_all(
                ScumbleError(
                    "worker_died", "Scumble's bridge to Ray does not stay alive.", f"See the log: {self._log_path}"
                )
            )
        else:
            self._spawn()  # also without a job of its own: some may wait for a place

    def _fail_all(self, error: ScumbleError) -> None:
        """Tell those that wait, and those that come before the next attempt."""
        self._broken = error
        for job in list(self._tasks):
            self._end(job, error)

    def _end(self, job: str, error: ScumbleError) -> None:
        self._forget(job)
        self.listener.failed(job, error)

    def _forget(self, job: str) -> None:
        self._tasks.pop(job, None)
        self._bridges.pop(job, None)
        self._cancelled.discard(job)

    def _with_log(self, error: ScumbleError) -> ScumbleError:
        if error.code != "internal":
            return error
        return ScumbleError("internal", error.message, f"Please report it, with the log file: {self._log_path}")
