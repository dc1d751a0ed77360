"""Private folders, locks, sockets, and memory as each system has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from scumble_client.system import memory, private, sockets
from scumble_client.system.kind import LINUX, MACOS, WINDOWS
from scumble_client.system.locks import try_lock
from tests.support.needs import links, linux, posix
from tests.support.systems import module, pretend

ON_POSIX = pytest.mark.parametrize("platform", [LINUX, MACOS])


class TestPrivate:
    @posix
    @ON_POSIX
    def test_what_others_may_change(self, tmp_path: Path, platform: str) -> None:
        file = tmp_path / "a"
        file.write_text("")
        for mode, wrong in ((0o600, ""), (0o644, ""), (0o666, "may be changed"), (0o620, "may be changed")):
            file.chmod(mode)
            said = private.why_not_private(file, platform)
            assert said.startswith(wrong)
            assert bool(said) == bool(wrong)
        assert private.why_not_private(tmp_path / "none", platform) == ""

    @links
    @ON_POSIX
    def test_a_link(self, tmp_path: Path, platform: str) -> None:
        (tmp_path / "link").symlink_to(tmp_path)
        assert private.why_not_private(tmp_path / "link", platform) == "is a link to another place"

    @posix
    @ON_POSIX
    def test_another_users(self, tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert private.why_not_private(tmp_path, platform) == "belongs to another user"

    @posix
    @ON_POSIX
    def test_closing(self, tmp_path: Path, platform: str) -> None:
        tmp_path.chmod(0o755)
        assert private.seen_by_others(tmp_path, platform)
        private.close_folder(tmp_path, platform)
        assert tmp_path.stat().st_mode & 0o777 == 0o700
        assert not private.seen_by_others(tmp_path, platform)

    @posix
    @ON_POSIX
    def test_programs(self, tmp_path: Path, platform: str) -> None:
        file = tmp_path / "a"
        file.write_text("")
        for mode in (0o644, 0o744, 0o754):
            file.chmod(mode)
            assert not private.is_program(file, platform)
        file.chmod(0o755)
        assert private.is_program(file, platform)

    def test_windows_looks_at_none_of_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(os, "getuid", raising=False)
        pretend(monkeypatch, WINDOWS)
        file = tmp_path / "a"
        file.write_text("")
        file.chmod(0o666)
        assert private.why_not_private(file) == ""
        assert not private.seen_by_others(file)
        assert private.is_program(file)
        before = tmp_path.stat().st_mode
        private.close_folder(tmp_path)
        assert tmp_path.stat().st_mode == before


LOCKED = (
    "import sys; from scumble_client.system.locks import try_lock; file = open(sys.argv[1], 'ab');"
    "print(try_lock(file.fileno()), flush=True); sys.stdin.read()"
)


class TestLocks:
    def test_only_one_process_has_it_and_its_end_gives_it_back(self, tmp_path: Path) -> None:
        with (
            subprocess.Popen(
                [sys.executable, "-c", LOCKED, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            ) as other,
            open(tmp_path / "lock", "ab") as file,
        ):
            assert other.stdout
            assert other.stdout.readline().strip() == b"True"
            assert not try_lock(file.fileno())
            other.kill()
            other.wait()
            assert try_lock(file.fileno())

    @pytest.mark.parametrize("free", [True, False])
    def test_on_windows_it_is_the_c_library_s(self, monkeypatch: pytest.MonkeyPatch, free: bool) -> None:
        asked: list[tuple[int, int, int]] = []

        def locking(*given: int) -> None:
            asked.append(given)  # type: ignore[arg-type]
            if not free:
                raise PermissionError(13, "Permission denied")

        module(monkeypatch, "msvcrt", locking=locking, LK_NBLCK=2)
        assert try_lock(9, WINDOWS) is free
        assert asked == [(9, 2, 1)]

    @pytest.mark.parametrize("platform", [LINUX, MACOS])
    def test_elsewhere_the_kernels(self, monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
        asked: list[tuple[int, int]] = []
        module(monkeypatch, "fcntl", flock=lambda *given: asked.append(given), LOCK_EX=2, LOCK_NB=4)
        assert try_lock(9, platform)
        assert asked == [(9, 6)]


class TestSockets:
    @ON_POSIX
    def test_they_lie_in_folders_whose_paths_are_short(self, platform: str) -> None:
        assert sockets.lie_in_folders(platform)
        assert not sockets.too_long(Path("/" + 102 * "a"), platform)
        assert sockets.too_long(Path("/" + 103 * "a"), platform)
        assert sockets.too_long(Path("/" + 60 * "ü"), platform)

    def test_on_windows_they_are_ports(self) -> None:
        assert not sockets.lie_in_folders(WINDOWS)
        assert not sockets.too_long(Path("C:/" + 300 * "a"), WINDOWS)


class TestMemory:
    @linux
    def test_linux_has_a_folder_in_it(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        assert memory.folder_in_memory(LINUX) == (Path("/dev/shm"), f"scumble-{os.getuid()}")
        monkeypatch.setattr(memory, "SHARED", tmp_path / "none")
        assert memory.folder_in_memory(LINUX) is None

    @pytest.mark.parametrize("platform", [WINDOWS, MACOS, "freebsd14"])
    def test_others_have_none(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str) -> None:
        monkeypatch.setattr(memory, "SHARED", tmp_path)
        assert memory.folder_in_memory(platform) is None

    @linux
    def test_what_linux_tells(self) -> None:
        assert 5_000_000 < memory.resident(LINUX) < 100_000_000_000

    def test_what_macos_tells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = {0: SimpleNamespace(ru_maxrss=123_456_789)}
        module(monkeypatch, "resource", getrusage=usage.__getitem__, RUSAGE_SELF=0)
        assert memory.resident(MACOS) == 123_456_789

    def test_where_the_system_does_not_tell(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def opened(*_: object, **__: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr("builtins.open", opened)
        assert memory.resident(LINUX) == memory.resident(WINDOWS) == 0
