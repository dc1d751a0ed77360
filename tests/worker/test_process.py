"""The worker's own parts: where results go when a disk is full, what progress is sent, what is said of a result.

What it does inside a daemon is in tests/daemon.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from scumble.operations import registry
from scumble.operations.registry import forget
from scumble.transport.pixel_files import map_file
from scumble.worker import process
from scumble.worker.models import ModelCache
from scumble.worker.process import WorkerProcess
from scumble_client import wire
from scumble_client.errors import ScumbleError


class Pool:
    """The broker's end of the worker's socket."""

    def __init__(self, endpoint: str) -> None:
        self.socket: zmq.Socket[Any] = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, 20_000)
        self.socket.bind(endpoint)

    def heard(self) -> dict[str, Any]:
        _, frame = self.socket.recv_multipart()
        message: dict[str, Any] = wire.unpack(frame)
        return message

    def say(self, **message: Any) -> None:
        self.socket.send_multipart([b"w", wire.pack(message)])


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    made = Pool(f"inproc://{tmp_path}")
    yield made
    made.socket.close(0)


@pytest.fixture
def worker(pool: Pool, tmp_path: Path) -> Iterator[WorkerProcess]:
    folders = [tmp_path / "spool", tmp_path / "memory"]
    for folder in folders:
        folder.mkdir()
    made = WorkerProcess(f"inproc://{tmp_path}", "w", "cpu", folders, 300.0, "worker.log")
    made.models = ModelCache()
    made.job = "job"
    made.send("hello")
    assert pool.heard()["type"] == "hello"
    yield made
    made.socket.close(0)
    made.files.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def advance(seconds: float) -> None:
        now[0] += seconds

    return advance


class TestStore:
    def test_in_the_spool_under_its_job(self, worker: WorkerProcess, tmp_path: Path) -> None:
        stored = worker.store(memoryview(b"pixels"))
        name = stored["buffer"]
        assert name == wire.digest(b"pixels")
        path = Path(stored["path"])
        assert (path.parent, path.suffix) == (tmp_path / "spool", ".px")
        assert path.name.startswith("job-")
        assert Path(stored["path"]).read_bytes() == b"pixels"

    def test_nothing_is_a_result_too(self, worker: WorkerProcess) -> None:
        assert bytes(map_file(worker.store(memoryview(b""))["path"])) == b""

    def test_in_memory_where_the_disk_is_full(self, worker: WorkerProcess, tmp_path: Path) -> None:
        (tmp_path / "spool").rmdir()
        (tmp_path / "spool").symlink_to("/dev/full")
        stored = worker.store(memoryview(b"pixels"))
        assert Path(stored["path"]).parent == tmp_path / "memory"
        assert [p.suffix for p in (tmp_path / "memory").iterdir()] == [".px"]

    def test_a_write_that_fails_halfway_leaves_nothing(
        self, worker: WorkerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Filling(io.FileIO):
            def write(self, data: Any) -> int:
                if self.tell():
                    raise OSError(28, "No space left on device")
                return super().write(data[:3])

        monkeypatch.setattr(
            "scumble.transport.pixel_files.open", lambda path, mode, **_: Filling(path, mode), raising=False
        )
        with pytest.raises(ScumbleError) as raised:
            worker.store(memoryview(b"pixels"))
        assert raised.value.code == "out_of_memory"
        assert "disk is full" in raised.value.message
        assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == []


class TestReport:
    def test_not_more_often_than_anyone_can_see(
        self, worker: WorkerProcess, pool: Pool, clock: Callable[[float], None]
    ) -> None:
        for number in range(100):
            worker.report(0.3 + number / 1000, "Working")
            clock(process.PROGRESS_INTERVAL / 9.5)
        worker.send("end")
        heard = []
        while (message := pool.heard())["type"] == "progress":
            heard.append(message["fraction"])
        assert len(heard) == 10
        assert heard == sorted(heard)

    def test_begin_and_end_are_always_sent_and_bounds_kept(self, worker: WorkerProcess, pool: Pool) -> None:
        for fraction in (0.0, 1.0):
            worker.report(fraction, "Working")
            assert pool.heard() == {"type": "progress", "job": "job", "fraction": fraction, "message": "Working"}
        worker.sent_at = 0.0
        worker.report(7.0, "Working")
        assert pool.heard()["fraction"] == 1.0

    def test_a_cancel_of_this_job_takes_effect(self, worker: WorkerProcess, pool: Pool) -> None:
        pool.say(type="cancel", job="another")
        worker.report(0.0, "Working")
        pool.say(type="cancel", job="job")
        for _ in range(2):  # and stays in effect for an operation that went on
            with pytest.raises(ScumbleError, match="cancelled"):
                worker.report(0.5, "Working")


class TestJobs:
    def task(self, tmp_path: Path, operation: str, **more: Any) -> dict[str, Any]:
        pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
        path = tmp_path / "image"
        path.write_bytes(pixels.tobytes())
        place = {"width": 3, "height": 2, "x": -1, "y": 5, "colour": "srgb"}
        image = {**place, "layout": "bgra", "depth": "uint8", "path": str(path), "buffer": b"digest"}
        return {"job": "j", "operation": operation, "parameters": {}, "seed": 4, "roles": {"image": image}, **more}

    def test_an_unchanged_layer_is_named_not_written(self, worker: WorkerProcess, pool: Pool, tmp_path: Path) -> None:
        worker.run_job(self.task(tmp_path, "identity"))
        while (message := pool.heard())["type"] == "progress":
            pass
        assert message["type"] == "result"
        (layer,) = message["layers"]
        assert (layer["name"], layer["seed"]) == ("Identity", 4)
        assert (layer["pixels"]["buffer"], layer["pixels"]["layout"]) == (b"digest", "bgra")
        assert "path" not in layer["pixels"]
        assert list((tmp_path / "spool").iterdir()) == []
        assert message["info"]["device"] == "cpu"

    def test_where_the_device_could_not_be_used_each_result_says_so(
        self, worker: WorkerProcess, pool: Pool, tmp_path: Path
    ) -> None:
        worker.note = "The graphics card can't be used."
        worker.run_job(self.task(tmp_path, "identity"))
        while (message := pool.heard())["type"] == "progress":
            pass
        assert message["notes"] == ["The graphics card can't be used."]

    def test_an_error_is_an_answer(self, worker: WorkerProcess, pool: Pool, tmp_path: Path) -> None:
        worker.run_job(self.task(tmp_path, "nope"))
        message = pool.heard()
        assert (message["type"], message["job"], message["error"]["code"]) == ("error", "j", "unknown_operation")
        assert worker.job is None

    def test_a_defect_is_an_answer_that_names_the_log(self, worker: WorkerProcess, pool: Pool, tmp_path: Path) -> None:
        task = self.task(tmp_path, "identity")
        del task["roles"]["image"]["width"]
        worker.run_job(task)
        error = pool.heard()["error"]
        assert error["code"] == "internal"
        assert "worker.log" in error["hint"]

    def test_the_next_job_is_not_cancelled_with_the_last(
        self, worker: WorkerProcess, pool: Pool, tmp_path: Path
    ) -> None:
        worker.cancelled = True
        worker.run_job(self.task(tmp_path, "identity"))
        while (message := pool.heard())["type"] == "progress":
            pass
        assert message["type"] == "result"


def test_it_is_not_ready_before_its_operations_can_be_loaded(
    worker: WorkerProcess, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "OWN", ("scumble.nowhere",))
    forget()
    try:
        with pytest.raises(ModuleNotFoundError, match="nowhere"):
            worker.run()
    finally:
        monkeypatch.undo()
        forget()
    worker.send("end")
    assert [pool.heard()["type"] for _ in range(2)] == ["devices", "end"]


class TestMapping:
    def test_a_file_s_bytes_outlive_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "pixels"
        path.write_bytes(b"pixels")
        mapped = map_file(path)
        path.unlink()
        assert bytes(mapped) == b"pixels"
        assert mapped.readonly

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "none").write_bytes(b"")
        assert len(map_file(tmp_path / "none")) == 0
