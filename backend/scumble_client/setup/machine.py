"""What this machine computes with, and how much PyTorch for it takes: on the line and on the disk."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ..system.kind import is_macos, is_windows
from .commands import ask

CPU, CUDA = "cpu", "cuda"

DOWNLOAD: Dict[str, int] = {CPU: 330_000_000, CUDA: 3_300_000_000}
"""Bytes of all packages but the wheel that came along. Measured with PyTorch 2.13 on Linux; rounded up."""

INSTALLED: Dict[str, int] = {CPU: 1_200_000_000, CUDA: 7_500_000_000}
"""Bytes on the disk when all is done."""

SPARE = 300_000_000
"""Bytes that are to be left."""

OLDEST_CUDA = (12, 6)
"""That PyTorch is built for."""


@dataclass(frozen=True)
class Graphics:
    """An NVIDIA card with a driver."""

    name: str
    driver: str
    cuda: str
    """The newest CUDA that the driver knows, such as `12.8`; empty where it does not say."""

    @property
    def usable(self) -> bool:
        """Whether the driver is new enough for any PyTorch of today."""
        return not self.cuda or numbers(self.cuda) >= OLDEST_CUDA


def numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def graphics(
    outside: Sequence[str] = (),
    asked: Callable[[Sequence[str]], Optional[str]] = ask,
    platform: Optional[str] = None,
) -> Optional[Graphics]:
    """The NVIDIA card of this machine; None where there is none, or no driver. Not for an editor's own thread."""
    program = "nvidia-smi"
    if is_windows(platform):
        system = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "nvidia-smi.exe")
        program = system if os.path.exists(system) else program
    named = asked([*outside, program, "--query-gpu=name,driver_version", "--format=csv,noheader"])
    if not named or "," not in named:
        return None
    name, _, driver = named.splitlines()[0].rpartition(",")
    found = re.search(r"CUDA Version:\s*([0-9.]+)", asked([*outside, program]) or "")
    return Graphics(name.strip(), driver.strip(), found.group(1) if found else "")


def choices(card: Optional[Graphics], platform: Optional[str] = None) -> List[str]:
    """What PyTorch may compute with here, the best first."""
    if is_macos(platform):
        return [CPU]
    return [CUDA, CPU] if card is not None and card.usable else [CPU, CUDA] if card is not None else [CPU]


def unsupported(platform: Optional[str] = None, machine: str = "") -> str:
    """A sentence where there is no PyTorch for this system at all; else empty."""
    if is_macos(platform) and machine == "x86_64":
        return "There is no PyTorch any more for Macs with an Intel processor, so Scumble can't be set up here."
    return ""


def free_bytes(folder: Path) -> int:
    """What is free on the disk where a folder is, or will be. Raises OSError."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(str(folder)).free


def needed(compute: str, folder: Path, cache: Path, temporary: Path) -> List[Tuple[Path, int]]:
    """For each disk that is written to: a folder on it, and how many bytes must be free there."""
    disks: Dict[int, Tuple[Path, int]] = {}
    for place, size in (
        (folder, INSTALLED[compute] + SPARE),
        (cache, DOWNLOAD[compute]),
        (temporary, DOWNLOAD[compute]),
    ):
        there = place
        while not there.exists() and there != there.parent:
            there = there.parent
        device = there.stat().st_dev
        first, sum_ = disks.get(device, (there, 0))
        disks[device] = (first, sum_ + size)
    return list(disks.values())


def in_words(size: float) -> str:
    """Bytes as people say them: 1.4 GB, 330 MB."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{max(size, 0) / 1e3:.0f} kB"
