"""The worker process: imports torch once, keeps models warm, and runs one job after the other.

It talks to its pool over one socket and has one thread that matters. Every progress report looks for a cancel
message, which makes it a point at which a job can end. Pixels come and go as files that are mapped, not sent.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import zmq

from scumble.transport.pixel_files import map_file
from scumble.transport.result_files import ResultFiles
from scumble_client import wire
from scumble_client.errors import ScumbleError

from .compute import compute, internal_error, layer_of, small_picture

log = logging.getLogger("scumble.worker")

PROGRESS_INTERVAL = 0.03
PREVIEW_INTERVAL = 0.5
SEND_WAIT = 1000
"""Milliseconds that the last message has to reach the pool."""
LOST = 4
"""Exit code of a worker whose device was lost."""


class WorkerProcess:
    """The far end of one of `LocalPool`'s workers."""

    def __init__(
        self,
        endpoint: str,
        name: str,
        device: str,
        folders: list[Path],
        free_after: float,
        log_path: str,
        token: str = "",
    ) -> None:
        self.files, self.free_after, self.log_path = ResultFiles(folders), free_after, log_path
        context: zmq.Context[Any] = zmq.Context.instance()
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = SEND_WAIT
        self.socket.identity = name.encode()
        if token:
            self.socket.plain_username, self.socket.plain_password = b"worker", token.encode()
        self.socket.connect(endpoint)
        self.device = device
        self.note = ""
        self.job: str | None = None
        self.cancelled = False
        self.sent_at = 0.0
        self.shown_at = 0.0
        self.previews = 0

    def run(self) -> None:
        from scumble.operations import operations

        from . import device as devices
        from .models import ModelCache

        found = devices.available()
        self.send("devices", devices=found)  # before this one is tried: another may work where it does not
        self.device, self.note = self.choose(found)
        self.models = ModelCache()
        operations()  # before it is ready: if these can't be loaded, it has not started
        self.send("ready", devices=found, **self.info())
        while True:
            if not self.socket.poll(1000):
                if self.models.names and time.monotonic() - self.models.used_at > self.free_after:
                    self.models.free()
                    self.send("info", **self.info())
                continue
            message = self.receive()
            if message["type"] == "run" and isinstance(message.get("job"), str):
                self.run_job(message)
            elif message["type"] == "exit":
                return

    def choose(self, found: list[str]) -> tuple[str, str]:
        """The device to work on, and what to say with each result; SystemExit where another worker is the better one.

        Where a device does not compute, the CPU takes its place: but only once, and not beside a device that does.
        """
        from . import device as devices

        chosen = devices.choose(self.device)
        if chosen.note:
            wanted = found[0] if self.device == "auto" else self.device
            others = [other for other in found if other not in ("cpu", wanted)]
            if wanted in found[1:] or not all(map(devices.failure, others)):
                raise SystemExit(f"{wanted} can't be used. Another device takes its place.")
        return chosen.device, chosen.note

    def info(self) -> dict[str, Any]:
        from .device import describe

        return {**describe(self.device), "models": self.models.names, "model_bytes": self.models.bytes}

    def send(self, kind: str, **body: Any) -> None:
        self.socket.send(wire.pack({"type": kind, **body}))

    def receive(self) -> dict[str, Any]:
        """The next message; one of no type where it can't be read."""
        try:
            message = wire.unpack(self.socket.recv())
        except ValueError as error:
            log.warning("the pool sent something unreadable: %s", error)
            return {"type": ""}
        return message if isinstance(message, dict) and "type" in message else {"type": ""}

    def report(self, fraction: float, message: str) -> None:
        """Progress, and the place where a cancel takes effect."""
        while self.socket.poll(0):
            heard = self.receive()
            if heard["type"] == "cancel" and heard.get("job") == self.job:
                self.cancelled = True
            elif heard["type"] == "exit":
                os._exit(0)
        if self.cancelled:
            raise ScumbleError("cancelled", "The job was cancelled.", "")
        now = time.monotonic()
        if now - self.sent_at >= PROGRESS_INTERVAL or fraction in (0.0, 1.0):
            self.sent_at = now
            self.send("progress", job=self.job, fraction=min(max(float(fraction), 0.0), 1.0), message=message)

    def preview(self, layer: Any) -> None:
        """Send what the job has come to so far, small and as 8-bit sRGB; not oftener than twice a second."""
        now = time.monotonic()
        if now - self.shown_at < PREVIEW_INTERVAL or not layer.bounds:
            return
        self.shown_at = now
        pixels, data = small_picture(layer, self.previews)
        self.send("preview", job=self.job, pixels=pixels, data=data)

    def run_job(self, task: Mapping[str, Any]) -> None:
        self.job, self.cancelled, self.sent_at, self.shown_at = task["job"], False, 0.0, 0.0
        try:
            self.previews = int(task.get("previews", 0))
            result = self.compute(task)
            if self.note:
                result["notes"] = [*result["notes"], self.note]
            self.send("result", job=self.job, **result, info=self.info())
        except ScumbleError as error:
            self.send("error", job=self.job, error=error.as_dict(), info=self.info())
        except (Exception, SystemExit) as error:  # an operation's author may think that it ends only itself
            log.exception("job %s (%s) failed", self.job, task.get("operation"))
            if self.lost():
                self.end_lost()
            said = internal_error(
                error, str(task.get("operation")), f"Please report it, with the log file: {self.log_path}"
            )
            self.send("error", job=self.job, error=said.as_dict(), info=self.info())
        finally:
            self.job = None

    def lost(self) -> bool:
        """Whether the device computes no longer: after some errors CUDA refuses whatever this process asks for."""
        from .device import failure

        reason = failure(self.device)
        if reason:
            log.error("%s can't be used any more: %s", self.device, reason)
        return bool(reason)

    def end_lost(self) -> NoReturn:
        """Say it of the job, and end: a new process gets a new context."""
        said = ScumbleError(
            "worker_died",
            "The graphics card stopped working while this was computed.",
            "Run it again. If it happens again, run: scumble doctor.",
        )
        self.send("error", job=self.job, error=said.as_dict(), ends=True)
        self.socket.close(SEND_WAIT)
        zmq.Context.instance().term()
        os._exit(LOST)  # what CUDA does at a process's end may wait for ever then

    def compute(self, task: Mapping[str, Any]) -> dict[str, Any]:
        layers = {role: open_layer(described) for role, described in task["roles"].items()}
        preview = self.preview if self.previews else None
        return compute(task, layers, self.device, self.models, self.report, preview, self.store)

    def store(self, data: memoryview) -> dict[str, Any]:
        """Write a result's pixels where they outlive this process; digest, checksum and path."""
        return self.files.store(str(self.job), data)


def open_layer(described: Mapping[str, Any]) -> Any:
    """A `Layer` over a mapped file: pages that no operation touches are never read."""
    icc = Path(described["icc_path"]).read_bytes() if "icc_path" in described else None
    return layer_of(described, map_file(described["path"]), icc)


def end_with_parent() -> None:
    """End when the broker does, however it ends: its end of our standard input closes then."""

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser(prog="scumble-worker")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--folder", action="append", required=True, type=Path)
    parser.add_argument("--free-after", type=float, default=300.0)
    parser.add_argument("--log", default="")
    options = parser.parse_args()
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal of `scumble serve` is the broker's to handle
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    )
    end_with_parent()
    WorkerProcess(
        options.endpoint,
        options.name,
        options.device,
        options.folder,
        options.free_after,
        options.log,
        os.environ.pop("SCUMBLE_WORKER_TOKEN", ""),
    ).run()


if __name__ == "__main__":
    main()
