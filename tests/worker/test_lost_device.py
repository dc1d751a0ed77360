"""A device that is lost while a job runs ends that job with a reason, and its worker: the next job has a new one."""

from __future__ import annotations

from typing import Any

import pytest

from scumble.worker import device
from scumble.worker.process import WorkerProcess
from scumble_client import Client
from scumble_client.errors import ScumbleError
from tests.support.daemon import request, status, wait_for


def worker(client: Client) -> Any:
    return status(client)["workers"][0]["pid"]


def test_the_job_is_told_and_the_next_one_has_a_new_worker(client: Client) -> None:
    client.wait(client.submit(request("identity")), 240)
    before = worker(client)
    lost, others = client.submit(request("test-lost")), [client.submit(request("identity")) for _ in range(3)]
    with pytest.raises(ScumbleError, match="graphics card stopped working") as raised:
        client.wait(lost, 240)
    assert raised.value.code == "worker_died"
    for job in others:
        client.wait(job, 240)
    wait_for(lambda: worker(client) != before)


class TestChoice:
    """Which device a worker takes where its own does not compute."""

    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> set[str]:
        found: set[str] = set()
        monkeypatch.setattr(device, "failure", lambda where: "no kernels" if where in found else "")
        monkeypatch.setattr(device, "repeatable", lambda where: None)
        return found

    @pytest.fixture
    def making(self, tmp_path: Any) -> Any:
        made = []

        def make(where: str) -> WorkerProcess:
            made.append(WorkerProcess(f"inproc://{tmp_path}", "w", where, [tmp_path], 300.0, ""))
            return made[-1]

        yield make
        for one in made:
            one.socket.close(0)
            one.files.close()

    def test_its_own(self, making: Any, broken: set[str]) -> None:
        broken.add("cuda:1")
        assert making("cuda:0").choose(["cuda:0", "cuda:1"]) == ("cuda:0", "")

    @pytest.mark.parametrize("where", ["auto", "cuda:0"])
    def test_the_cpu_with_a_note_where_there_is_no_other(
        self, making: Any, broken: set[str], where: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken.update({"cuda:0", "cuda:1"})
        monkeypatch.setattr(device, "available", lambda: ["cuda:0", "cuda:1"])
        assert making(where).choose(["cuda:0", "cuda:1"]) == ("cpu", device.NOT_USED)
        assert making(where).choose(["cuda:0"]) == ("cpu", device.NOT_USED)

    def test_the_cpu_where_the_card_has_gone(self, making: Any, broken: set[str]) -> None:
        broken.add("cuda:0")
        assert making("cuda:0").choose(["cpu"]) == ("cpu", device.NOT_USED)

    def test_none_beside_another_that_computes(self, making: Any, broken: set[str]) -> None:
        broken.add("cuda:0")
        with pytest.raises(SystemExit, match="cuda:0 can't be used"):
            making("cuda:0").choose(["cuda:0", "cuda:1"])

    def test_the_cpu_only_once(self, making: Any, broken: set[str]) -> None:
        broken.update({"cuda:0", "cuda:1"})
        with pytest.raises(SystemExit, match="cuda:1 can't be used"):
            making("cuda:1").choose(["cuda:0", "cuda:1"])
