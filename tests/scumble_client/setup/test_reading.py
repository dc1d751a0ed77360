"""What pip and uv print, as they print it: how far they are, and what went wrong."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from scumble_client.setup.reading import Fetching, failure

PIP = """\
Looking in indexes: https://pypi.org/simple
Processing {wheel}
Collecting numpy<3,>=1.26 (from scumble==0.1.0)
  Downloading numpy-2.4.6-cp311-cp311-manylinux.whl.metadata (6.6 kB)
Collecting torch>=2.4 (from scumble==0.1.0)
  Downloading torch-2.13.0%2Bcpu-cp311-cp311-linux_x86_64.whl.metadata (26 kB)
Requirement already satisfied: pip in /x
Collecting typing_extensions (from torch)
  Using cached typing_extensions-4.15.0-py3-none-any.whl.metadata (3.3 kB)
Using cached typing_extensions-4.15.0-py3-none-any.whl (44 kB)
Downloading numpy-2.4.6-cp311-cp311-manylinux.whl (16.9 MB)
Progress 0 of 16900000
Progress 16900000 of 16900000
Downloading https://download.pytorch.org/whl/cpu/torch-2.13.0%2Bcpu-cp311-cp311-linux_x86_64.whl (191.8 MB)
Progress 1000000 of 191800000
"""


def test_pips_lines(tmp_path: Path) -> None:
    wheel = tmp_path / "scumble-0.1.0-py3-none-any.whl"
    wheel.write_bytes(bytes(1000))
    fetching = Fetching()
    for line in PIP.format(wheel=wheel).splitlines():
        fetching.line(line)
    assert fetching.wanted == {"scumble", "numpy", "torch", "typing-extensions"}
    assert (fetching.package, fetching.bytes_done, fetching.bytes_total) == ("torch", 1_000_000, 191_800_000)
    assert fetching.all_bytes == 1000 + 44_000 + 16_900_000 + 1_000_000
    assert not fetching.installing
    assert not fetching.for_graphics
    fetching.line("Installing collected packages: numpy, torch, scumble")
    assert fetching.installing
    assert fetching.package == ""


def test_a_progress_line_of_metadata_is_not_that_of_a_package() -> None:
    fetching = Fetching()
    for line in ("Downloading x-1.whl.metadata (2 kB)", "Progress 2000 of 2000"):
        fetching.line(line)
    assert (fetching.package, fetching.all_bytes) == ("", 0)


def test_uvs_lines() -> None:
    fetching = Fetching()
    for line in (
        "Resolved 3 packages in 1s",
        "Downloading torch (180.1MiB)",
        " Downloaded torch",
        "Prepared 3 packages in 2s",
    ):
        fetching.line(line)
    assert fetching.fetched >= {"torch"}
    assert fetching.all_bytes == round(180.1 * 1024**2) or abs(fetching.all_bytes - 180.1 * 1024**2) < 2
    assert fetching.installing


def test_the_build_for_graphics_cards_is_known_by_its_company() -> None:
    fetching = Fetching()
    fetching.line("Collecting nvidia-cublas-cu12==12.8.4.1 (from torch>=2.4->scumble==0.1.0)")
    assert fetching.for_graphics


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk_full"),
        ("error: Failed to extract archive: No space left on device (os error 28)", "disk_full"),
        ("    THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "damaged"),
        ("         Expected sha256 9f86d08", "damaged"),
        ("error: Hash mismatch for `torch==2.13.0`", "damaged"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError(SSLCertVerificationError(1, ...",
            "certificate",
        ),
        ("error: invalid peer certificate: UnknownIssuer", "certificate"),
        (
            "connection broken by 'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407",
            "proxy",
        ),
        ("ERROR: HTTP error 403 while getting x: 403 Client Error: Forbidden for url", "refused"),
        (
            "connection broken by 'NewConnectionError: Failed to establish: [Errno -2] Name or service not known'",
            "network",
        ),
        ("ReadTimeoutError(HTTPSConnectionPool(host='x', port=443): Read timed out.", "network"),
        ("ERROR: Exception: ConnectionResetError: [Errno 104] Connection reset by peer", "network"),
        ("error: incomplete-download", "network"),
        ("error sending request for url (https://pypi.org/simple/): client error (Connect): dns error", "network"),
        ("ERROR: No matching distribution found for torch>=2.4", "no_package"),
        ("ERROR: Could not install: [Errno 13] Permission denied: '/x'", "denied"),
    ],
)
def test_what_went_wrong_is_said_in_two_sentences(line: str, kind: str) -> None:
    said = failure(deque(["Collecting torch", line, "see the log"]), "pip")
    assert said.kind == kind
    assert said.message.endswith(".")
    assert said.hint
    assert "Traceback" not in str(said)


def test_the_package_that_is_missing_is_named() -> None:
    assert (
        "has no torch>=2.4 for"
        in failure(deque(["No matching distribution found for torch>=2.4 (from x)"]), "pip").message
    )
    lines = [
        "Additionally, some packages have no matching distributions available for your environment:",
        "    torch",
        "To fix",
    ]
    assert "has no torch for" in failure(deque(lines), "pip").message


def test_what_is_not_known_is_passed_on_and_the_log_named() -> None:
    said = failure(deque(["a", "ERROR: the moon is full.", "b"]), "uv")
    assert said.message == "uv could not install the engine: the moon is full."
    assert failure(deque(), "pip").message == "pip could not install the engine: it said nothing."
