"""Where the command begins: nothing is imported before Ctrl-C is quiet."""

from __future__ import annotations

import os
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until `main` sets it, Ctrl-C ends the process without a traceback
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch is imported: see `launch.for_computing`


def main() -> None:
    from .app import main as command

    command()
