"""A box that computes and a laptop that lets it: two daemons with folders of their own, and a cable between them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import zmq

from scumble.daemon.security import Keys
from scumble_client import Client

from .cable import NamespaceCable, ProxyCable, cable
from .daemon import Daemon, Folders, ending, status


class TwoMachines:
    """`use` says whose clients this process's are: it is called with the folders of the box, or of the laptop."""

    def __init__(self, base: Path, wire: NamespaceCable | ProxyCable, patience: float) -> None:
        self.cable = wire
        (base / "box").mkdir()
        (base / "laptop").mkdir()
        self.box_folders, self.laptop_folders = Folders(base / "box"), Folders(base / "laptop")
        self.box_keys = Keys(base / "box" / "config" / "keys")
        self.laptop_keys = Keys(base / "laptop" / "config" / "keys")
        self.box_keys.allow("laptop", self.laptop_keys.server()[0].decode())
        self.patience = patience
        self.endpoint = ""

    def start_box(self, listen: str | None = None, options: Sequence[str] = ()) -> None:
        words = ["--device", "cpu", "--listen", listen or self.cable.listen(), *options]
        self.box = Daemon(self.box_folders, *words, prefix=self.cable.box)

    def start_laptop(self, endpoint: str, key: str | None = None) -> None:
        key = key or self.box_keys.server()[0].decode()
        options = ["--pool", endpoint, "--pool-key", key, "--patience", str(self.patience)]
        self.laptop = Daemon(self.laptop_folders, *options, prefix=self.cable.laptop)

    def port(self, client: Client) -> int:
        """Of the box, which `client` is one of."""
        endpoint = next(e for e in status(client)["endpoints"] if e.startswith("tcp"))
        return int(endpoint.rpartition(":")[2])


@contextlib.contextmanager
def two_machines(base: Path, delay: float = 0.0, loss: float = 0.0, patience: float = 60.0) -> Iterator[TwoMachines]:
    """Neither is started yet; both are ended."""
    with cable(delay, loss) as wire:
        machines = TwoMachines(base, wire, patience)
        with ending(machines.box_folders), ending(machines.laptop_folders):
            yield machines
            for name in ("laptop", "box"):
                if hasattr(machines, name):
                    getattr(machines, name).stop()
        for folders in (machines.box_folders, machines.laptop_folders):
            shutil.rmtree(folders.runtime, ignore_errors=True)


def stranger() -> str:
    """A public key that nobody knows."""
    return zmq.curve_keypair()[0].decode()
