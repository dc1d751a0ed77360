"""The same for asyncio: nothing makes the loop wait, and cancelling a task cancels its job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scumble.scripting import ScumbleError, connect_async
from scumble_client import Client
from tests.support.commands import mask_pixels, textured
from tests.support.daemon import Daemon, status, wait_for


async def _until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def test_run_progress_and_operations(shared: Daemon, client: Client) -> None:
    async def main() -> None:
        told: list[float] = []
        async with connect_async(launch=False) as daemon:
            [layer] = await daemon.run("inpaint", textured(), mask=mask_pixels(), method="smooth")
            assert layer.bounds == (18, 14, 14, 10)
            await daemon.run("test-slow", textured(), seconds=0.5, progress=lambda job: told.append(job.fraction))
            assert "inpaint" in await daemon.operations()
            assert (await daemon.status())["pid"]
            with pytest.raises(ScumbleError, match="“maks”"):
                await daemon.run("inpaint", textured(), maks=3)
        assert any(0 < fraction < 1 for fraction in told)

    asyncio.run(asyncio.wait_for(main(), 120))


def test_several_at_once_and_awaited_jobs(shared: Daemon, client: Client) -> None:
    async def main() -> None:
        daemon = await connect_async(launch=False)
        made = await asyncio.gather(*(daemon.run("identity", textured(), seed=seed) for seed in range(4)))
        assert [layers[0].seed for layers in made] == [0, 1, 2, 3]
        job = await daemon.submit("identity", textured())
        [layer] = await job
        assert layer.bounds == (0, 0, 48, 40)
        job.received()
        slow = await daemon.submit("test-slow", textured(), seconds=60)
        slow.cancel()
        with pytest.raises(ScumbleError) as raised:
            await slow
        assert raised.value.code == "cancelled"
        await daemon.close()

    asyncio.run(asyncio.wait_for(main(), 120))


def test_map(shared: Daemon, client: Client) -> None:
    async def main() -> None:
        async with connect_async(launch=False) as daemon:
            feed: list[Any] = [textured(), None, "nope.png", {"image": textured(), "seed": 5}]
            jobs = [job async for job in daemon.map("identity", feed, ahead=2)]
            assert sorted(job.error.code if job.error else "" for job in jobs) == ["", "", "missing_input"]
            async for _ in daemon.map("test-slow", [textured()] * 20, seconds=0.2):
                break

    asyncio.run(asyncio.wait_for(main(), 120))
    wait_for(lambda: status(client)["jobs"] == [])


def test_a_cancelled_task_cancels_its_job(shared: Daemon, client: Client) -> None:
    async def main() -> None:
        async with connect_async(launch=False) as daemon:
            task = asyncio.ensure_future(daemon.run("test-slow", textured(), seconds=60))
            await asyncio.to_thread(wait_for, lambda: status(client)["jobs"])
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(wait_for, lambda: status(client)["jobs"] == [])
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(daemon.run("test-slow", textured(), seconds=60), 0.5)
            await asyncio.to_thread(wait_for, lambda: status(client)["jobs"] == [])

    asyncio.run(asyncio.wait_for(main(), 120))
