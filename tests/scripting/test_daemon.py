"""Running operations from a script through the daemon: results, progress, many at once, and each way in which it can end."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scumble
from scumble.daemon.security import Keys
from scumble.scripting import Daemon, Job, Layer, ScumbleError, connect, local
from scumble_client import Client
from tests.support.commands import HOLE, mask_pixels, outside, save, textured
from tests.support.daemon import Daemon as Running
from tests.support.daemon import Folders, status, wait_for


@pytest.fixture
def daemon(shared: Running, client: Client) -> Iterator[Daemon]:
    """A connection to the shared daemon; none of its jobs is left at the end."""
    with connect(name="a script", launch=False) as made:
        yield made


def refused(call: Callable[[], Any], code: str) -> ScumbleError:
    with pytest.raises(ScumbleError) as raised:
        call()
    assert raised.value.code == code, raised.value
    assert raised.value.message
    return raised.value


class TestImporting:
    def test_it_is_cheap_and_brings_no_torch(self) -> None:
        code = (
            "import sys, scumble; cheap = set(sys.modules); scumble.connect; scumble.Layer; "
            "print([n for n in ('numpy', 'pydantic', 'scumble.scripting') if n in cheap], 'torch' in sys.modules)"
        )
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert said.strip() == "[] False"

    def test_its_names(self) -> None:
        assert set(scumble.__all__) == {*scumble.scripting.__all__, "__version__"}
        assert all(getattr(scumble, name) is not None for name in scumble.__all__)
        assert set(scumble.__all__) <= set(dir(scumble))
        with pytest.raises(AttributeError, match="nonsense"):
            _ = scumble.nonsense


class TestRun:
    @pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
    def test_a_picture_and_a_mask(self, daemon: Daemon, depth: str) -> None:
        picture = textured(3, depth)
        [layer] = daemon.run("inpaint", picture, mask=mask_pixels()[..., 0] > 0, method="smooth", seed=3)
        assert (layer.depth, layer.seed, layer.name) == (depth, 3, "Inpaint")
        np.testing.assert_array_equal(layer.numpy()[..., 3] > 0, mask_pixels()[..., 0] > 0)
        np.testing.assert_array_equal(outside(layer.over(picture).numpy()), outside(picture))

    def test_files_give_what_the_command_gives(self, daemon: Daemon, scumble: Any, tmp_path: Path) -> None:
        image, mask = save(tmp_path / "a.png", textured()), save(tmp_path / "m.png", mask_pixels())
        [layer] = daemon.run("inpaint", image=str(image), mask=mask, method="smooth")
        layer.save(tmp_path / "layer.png")
        asked = ("--image", image, "--mask", mask, "--set", "method=smooth", "--out", tmp_path / "same.png")
        scumble("run", "inpaint", *asked).done()
        assert (tmp_path / "layer.png").read_bytes() == (tmp_path / "same.png").read_bytes()

    def test_variations_and_results_as_inputs(self, daemon: Daemon) -> None:
        first, second = daemon.run("inpaint", textured(), mask=mask_pixels(), variations=2, method="patchmatch")
        assert first.seed != second.seed
        [again] = daemon.run("identity", first.over(textured()))
        assert again.bounds == (0, 0, 48, 40)

    def test_numpy_s_numbers_are_numbers(self, daemon: Daemon) -> None:
        given: dict[str, Any] = {"seed": np.int64(3), "feather": np.float32(1), "method": np.str_("smooth")}
        [layer] = daemon.run("inpaint", textured(), mask=mask_pixels(), **given)
        assert layer.seed == 3

    def test_progress_comes_in_this_thread(self, daemon: Daemon) -> None:
        told: list[tuple[str, float, int]] = []
        daemon.run(
            "test-slow",
            textured(),
            seconds=0.5,
            progress=lambda job: told.append((job.state, job.fraction, threading.get_ident())),
        )
        assert {thread for *_, thread in told} == {threading.get_ident()}
        assert told[-1][:2] == ("done", 1.0)
        assert any(state == "running" and 0 < fraction < 1 for state, fraction, _ in told)

    def test_previews(self, daemon: Daemon) -> None:
        shown: list[Layer] = []
        daemon.run(
            "test-showing",
            textured(),
            seconds=1.5,
            previews=16,
            progress=lambda job: shown.append(job.preview) if job.preview else None,
        )
        assert shown
        assert max(shown[0].bounds[2:]) <= 16

    def test_no_result_is_kept_for_it(self, daemon: Daemon, client: Client) -> None:
        before = len(status(client)["results"])
        daemon.run("identity", textured())
        list(daemon.map("identity", [textured()] * 3))
        wait_for(lambda: len(status(client)["results"]) == before)

    @pytest.mark.parametrize(
        ("call", "code", "words"),
        [
            (lambda d: d.run("nope", textured()), "unknown_operation", "Choose one of"),
            (lambda d: d.run("inpaint"), "missing_input", "a picture"),
            (lambda d: d.run("inpaint", textured(), maks=1), "invalid_parameter", "“maks”"),
            (lambda d: d.run("inpaint", textured(), patch=4), "invalid_parameter", "“patch”"),
            (lambda d: d.run("inpaint", textured(), feather={1, 2}), "bad_request", "can't be sent"),
            (lambda d: d.run("inpaint", textured(), seed=-1), "invalid_parameter", "seed"),
            (lambda d: d.run("inpaint", textured(), seed=True), "invalid_parameter", "seed"),
            (lambda d: d.run("inpaint", textured(), seed="x"), "invalid_parameter", "seed"),
            (lambda d: d.run("inpaint", textured(), mask=np.zeros((3, 3), bool)), "invalid_parameter", "same size"),
            (lambda d: d.run("inpaint", textured(), mask=3), "bad_request", "given as mask"),
            (lambda d: d.run("inpaint", "nope.png"), "missing_input", "nope.png"),
            (lambda d: d.run("test-broken", textured()), "internal", "mistake"),
            (lambda d: d.run("test-deadly", textured()), "worker_died", ""),
            (lambda d: d.run("test-insatiable", textured()), "out_of_memory", "memory"),
        ],
    )
    def test_what_goes_wrong_is_one_error(self, daemon: Daemon, call: Any, code: str, words: str) -> None:
        assert words in str(refused(lambda: call(daemon), code))


class TestEnding:
    def test_cancel(self, daemon: Daemon) -> None:
        job = daemon.submit("test-slow", textured(), seconds=60)
        wait_for(lambda: job.state == "running")
        job.cancel()
        refused(job.wait, "cancelled")
        assert job.error
        for name in ("layers", "notes", "seconds", "request"):
            refused(partial(getattr, job, name), "cancelled")

    def test_a_time_limit(self, daemon: Daemon, client: Client) -> None:
        assert "0.2 seconds" in str(
            refused(lambda: daemon.run("test-slow", textured(), seconds=60, timeout=0.2), "cancelled")
        )
        wait_for(lambda: status(client)["jobs"] == [])

    def test_ctrl_c_cancels(self, shared: Running, client: Client, tmp_path: Path) -> None:
        code = (
            "import signal, numpy, scumble\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "with scumble.connect(launch=False) as daemon:\n"
            "    daemon.run('test-slow', numpy.zeros((4, 4), 'uint8'), seconds=60, marker=__import__('sys').argv[1])\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "began")], env=shared.folders.environment
        )
        wait_for((tmp_path / "began").exists)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
        wait_for(lambda: status(client)["jobs"] == [])

    def test_the_end_of_the_block_cancels_what_goes_on(self, shared: Running, client: Client) -> None:
        with connect(launch=False) as made:
            job = made.submit("test-slow", textured(), seconds=60)
        assert job.ended
        refused(job.wait, "cancelled")
        wait_for(lambda: status(client)["jobs"] == [])
        refused(lambda: made.run("identity", textured()), "unreachable")
        refused(lambda: made.operations["identity"](textured()), "unreachable")
        made.close()

    def test_the_daemon_s_death_is_one_error_and_the_next_job_has_a_new_one(
        self, start_daemon: Callable[..., Running], tmp_path: Path
    ) -> None:
        running = start_daemon()
        with connect() as made:
            pid = made.status()["pid"]
            jobs = [made.submit("test-slow", textured(), seconds=60) for _ in range(2)]
            wait_for(lambda: jobs[0].state == "running")
            running.kill()
            for job in jobs:
                refused(job.wait, "unreachable")
            made.run("identity", textured())
            assert made.status()["pid"] != pid
            made.stop()

    def test_none_runs(self, folders: Folders) -> None:
        refused(lambda: connect(launch=False), "unreachable")

    def test_none_can_be_started(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCUMBLE_DAEMON", f"{sys.executable} -c 'raise SystemExit(\"No room.\")'")
        assert "No room." in str(refused(connect, "unreachable"))


class TestMap:
    def test_many_with_their_own_inputs(self, daemon: Daemon, tmp_path: Path) -> None:
        path = save(tmp_path / "a.png", textured())
        items = [path, textured(), {"image": path, "mask": mask_pixels(), "seed": 9, "name": "mine"}]
        jobs = {job.name: job for job in daemon.map("identity", items, seed=4)}
        assert {name: job.layers[0].seed for name, job in jobs.items()} == {str(path): 4, "picture 2": 4, "mine": 9}
        assert all(job.seconds >= 0 for job in jobs.values())

    def test_what_can_t_be_read_or_done_comes_as_a_failed_job(self, daemon: Daemon, tmp_path: Path) -> None:
        broken = tmp_path / "broken.png"
        broken.write_bytes(b"\x89PNG\r\n\x1a\n")
        wrong = {"image": textured(), "mask": np.zeros((2, 2), bool), "name": "size"}
        jobs = {
            job.name: job
            for job in daemon.map("identity", [broken, "nope.png", wrong, {"image": textured(), "name": "good"}])
        }
        codes = {name: job.error.code if job.error else None for name, job in jobs.items()}
        assert codes == {
            str(broken): "bad_request",
            "nope.png": "missing_input",
            "size": "invalid_parameter",
            "good": None,
        }
        refused(lambda: jobs["nope.png"].layers, "missing_input")

    def test_it_takes_no_more_than_it_has_room_for(self, daemon: Daemon) -> None:
        taken = 0
        alive: list[weakref.ref[Any]] = []

        def pictures() -> Iterator[Any]:
            nonlocal taken
            for _ in range(12):
                taken += 1
                picture = Layer.open(textured())
                alive.append(weakref.ref(picture.source))
                yield picture

        most = done = 0
        for job in daemon.map("identity", pictures(), ahead=2):
            done += 1
            assert taken <= done + 2
            assert job.layers
            del job
            gc.collect()
            most = max(most, sum(one() is not None for one in alive))
        assert done == 12
        assert most <= 4

    def test_leaving_the_loop_cancels_the_rest(self, daemon: Daemon, client: Client) -> None:
        jobs = daemon.map("test-slow", [textured()] * 50, seconds=0.3)
        for _ in jobs:
            break
        jobs.close()
        wait_for(lambda: status(client)["jobs"] == [])

    def test_one_that_waits_for_pictures(self, daemon: Daemon) -> None:
        feed: list[Any] = [textured(), None, None, textured(), None]
        assert len(list(daemon.map("identity", feed))) == 2

    def test_a_daemon_that_dies_is_replaced(self, start_daemon: Callable[..., Running], tmp_path: Path) -> None:
        running, marker = start_daemon(), tmp_path / "began"
        found: list[Job] = []
        with connect() as made:
            thread = threading.Thread(
                target=lambda: found.extend(made.map("test-slow", [textured()] * 3, seconds=1, marker=str(marker)))
            )
            thread.start()
            wait_for(marker.exists)
            running.kill()
            thread.join(120)
            assert [job.error for job in found] == [None] * 3
            made.stop()

    @pytest.mark.parametrize("images", ["a.png", b"\x89PNG", Path("a.png"), {"image": "a.png"}])
    def test_one_picture_is_not_many(self, daemon: Daemon, images: Any) -> None:
        refused(lambda: daemon.map("identity", images).__next__(), "bad_request")

    def test_what_is_wrong_with_all_is_said_at_once(self, daemon: Daemon) -> None:
        refused(lambda: daemon.map("nope", []), "unknown_operation")
        refused(lambda: daemon.map("identity", [], style="a.png"), "invalid_parameter")
        refused(lambda: daemon.map("paint-style", [], style="nope.png"), "missing_input")
        refused(lambda: daemon.map("identity", [], ahead=0), "invalid_parameter")


class TestOperations:
    def test_they_say_what_they_take(self, daemon: Daemon) -> None:
        inpaint = daemon.operations["inpaint"]
        assert inpaint.roles["mask"].kind == "mask"
        patch = inpaint.parameters["patch"]
        assert (patch.type, patch.minimum, patch.default) == ("integer", 3, 7)
        assert "smooth" in inpaint.parameters["method"].choices
        assert "patch : int" in (inpaint.__doc__ or "")
        import inspect

        signature = inspect.signature(inpaint)
        assert signature.parameters["patch"].annotation is int
        assert signature.parameters["mask"].default is None
        assert next(iter(signature.parameters)) == "image"

    def test_every_one_has_a_signature_and_a_page(self, daemon: Daemon) -> None:
        import inspect

        for one in daemon.operations.values():
            assert one.help in (one.__doc__ or "")
            names = set(inspect.signature(one).parameters)
            assert names == {*one.roles, *one.parameters, "seed"}

    def test_they_can_be_called(self, daemon: Daemon) -> None:
        [layer] = daemon.operations["inpaint"](textured(), mask=mask_pixels(), method="smooth")
        assert layer.numpy()[HOLE][..., 3].min() == 255
        assert daemon.operations["identity"].submit(textured()).layers


class TestElsewhere:
    def test_another_machine_s_daemon(self, start_daemon: Callable[..., Running], folders: Folders) -> None:
        keys = Keys(folders.base / "config" / "keys")
        public = keys.server()[0].decode()
        keys.allow("me", public)
        running = start_daemon("--listen", "tcp://127.0.0.1:*")
        endpoint = _door()
        with connect(endpoint, public) as made:
            [layer] = made.run("inpaint", textured(), mask=mask_pixels(), method="smooth")
            assert layer.numpy()[HOLE][..., 3].min() == 255
            job = made.submit("test-slow", textured(), seconds=60)
            wait_for(lambda: job.state == "running")
            running.kill()
            refused(job.wait, "unreachable")

    def test_it_does_not_know_this_machine(self, start_daemon: Callable[..., Running], folders: Folders) -> None:
        keys = Keys(folders.base / "config" / "keys")
        public = keys.server()[0].decode()
        keys.allow("another", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
        start_daemon("--listen", "tcp://127.0.0.1:*")
        endpoint = _door()
        assert "does not let this machine in" in str(refused(lambda: connect(endpoint, public), "unauthorized"))

    @pytest.mark.parametrize(
        ("endpoint", "key"),
        [
            ("http://box", "k" * 40),
            ("tcp://box", None),
            ("tcp://box:7878", None),
            ("tcp://box:7878", "short"),
            (None, "k" * 40),
        ],
    )
    def test_what_is_no_address_or_key(self, endpoint: str | None, key: str | None) -> None:
        refused(lambda: connect(endpoint, key), "invalid_parameter")


def _door() -> str:
    """The address that other machines come in by."""
    with connect(launch=False) as made:
        return next(str(one) for one in made.status()["endpoints"] if str(one).startswith("tcp"))


class TestInThisProcess:
    def test_it_is_the_same(self, daemon: Daemon) -> None:
        here = local("cpu")
        asked: dict[str, Any] = {"mask": mask_pixels(), "method": "smooth"}
        [mine], [theirs] = here.run("inpaint", textured(), **asked), daemon.run("inpaint", textured(), **asked)
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
        assert [job.error for job in here.map("identity", [textured()] * 2)] == [None, None]

    def test_errors_and_cancelling(self) -> None:
        here = local("cpu")
        refused(lambda: here.run("nope", textured()), "unknown_operation")
        refused(lambda: here.run("inpaint", textured(), patch=4), "invalid_parameter")
        job = here.submit("identity", textured())
        job.cancel()
        refused(job.wait, "cancelled")

    def test_a_progress_function_can_t_wait_for_its_own_job(self) -> None:
        here = local("cpu")

        def look(job: Job) -> None:
            job.layers

        refused(lambda: here.run("identity", textured(), progress=look), "bad_request")


def test_two_scripts_at_once(shared: Running) -> None:
    ends: list[Any] = []

    def work() -> None:
        with connect(launch=False) as made:
            ends.extend(job.error for job in made.map("identity", [textured()] * 5))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert ends == [None] * 10
