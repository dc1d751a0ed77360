"""A cable between two network namespaces, with delay and loss, that can be cut. It needs root, `ip` and /dev/net/tun.

Linux's own netem is a kernel module that many machines lack. So each end is a TUN device, and a thread carries the IP
packets from one to the other: late, and not all of them. TCP on either side is the kernel's own, with its
retransmissions. Without root, `ProxyCable` does what a program can: it delays bytes, and breaks connections.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import itertools
import os
import random
import selectors
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

_numbers = itertools.count()
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000


def namespaces_work() -> bool:
    """Whether this machine lets us have namespaces and TUN devices."""
    return os.geteuid() == 0 and shutil.which("ip") is not None and Path("/dev/net/tun").exists()


class Cable(Protocol):
    """Between the box (which listens) and the laptop."""

    box: list[str]
    laptop: list[str]
    """What to put before a command so that it runs there."""
    carried: int
    """Bytes, both ways."""

    def listen(self) -> str:
        """Where the box listens."""

    def reach(self, port: int) -> str:
        """Where the laptop connects to."""

    def cut(self) -> None:
        """Nothing gets through any more, and nobody is told."""

    def mend(self) -> None: ...

    def close(self) -> None: ...


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class NamespaceCable:
    """Real IP between two namespaces.

    Parameters
    ----------
    delay
        Seconds for each packet, each way.
    loss
        Which part of the packets is lost, 0 to 1, by a fixed seed.
    """

    def __init__(self, delay: float = 0.0, loss: float = 0.0) -> None:
        number = f"{os.getpid() % 100_000}x{next(_numbers)}"
        self._names = [f"scb{number}", f"scl{number}"]
        self.box, self.laptop = (["ip", "netns", "exec", name] for name in self._names)
        self.delay, self.loss = delay, loss
        self.carried = self.lost = 0
        self._cut = False
        self._random = random.Random(7)
        self._stop = threading.Event()
        self._handles: list[int] = []
        try:
            for index, name in enumerate(self._names):
                _ip("netns", "add", name)
                handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                self._handles.append(handle)
                fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
                _ip("link", "set", name, "netns", name)
                _ip("-n", name, "link", "set", "lo", "up")
                _ip("-n", name, "address", "add", f"10.77.0.{index + 1}/24", "dev", name)
                _ip("-n", name, "link", "set", name, "up")
        except BaseException:
            self.close()
            raise
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def listen(self) -> str:
        return "tcp://10.77.0.1:*"

    def reach(self, port: int) -> str:
        return f"tcp://10.77.0.1:{port}"

    def cut(self) -> None:
        self._cut = True

    def mend(self) -> None:
        self._cut = False

    def unplug(self) -> None:
        """The laptop's own end comes out: its system sees that the link is down."""
        _ip("-n", self._names[1], "link", "set", self._names[1], "down")

    def plug_in(self) -> None:
        _ip("-n", self._names[1], "link", "set", self._names[1], "up")

    def close(self) -> None:
        self._stop.set()
        if hasattr(self, "_thread"):
            self._thread.join()
        for handle in self._handles:
            os.close(handle)
        for name in self._names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def _carry(self) -> None:
        first, second = self._handles
        other = {first: second, second: first}
        late: list[tuple[float, int, int, bytes]] = []
        number = 0
        selector = selectors.DefaultSelector()
        for handle in other:
            selector.register(handle, selectors.EVENT_READ)
        while not self._stop.is_set():
            wait = max(0.0, late[0][0] - time.monotonic()) if late else 0.1
            for key, _ in selector.select(wait):
                with contextlib.suppress(BlockingIOError, OSError):
                    for _ in range(64):
                        packet = os.read(key.fd, 65536)
                        if self._cut or self._random.random() < self.loss:
                            self.lost += 1
                            continue
                        number += 1
                        heapq.heappush(late, (time.monotonic() + self.delay, number, other[key.fd], packet))
            while late and late[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(late)
                if not self._cut:
                    self.carried += len(packet)
                    with contextlib.suppress(OSError):  # the device is down
                        os.write(to, packet)
        selector.close()


class ProxyCable:
    """A program between the two, on loopback: for machines that give us no namespaces."""

    box: list[str] = []  # noqa: RUF012 (never changed)
    laptop: list[str] = []  # noqa: RUF012

    def __init__(self, delay: float = 0.0, loss: float = 0.0) -> None:
        self.delay = delay + loss  # a lost packet is a late one
        self.carried = 0
        self._whole = threading.Event()
        self._whole.set()
        self._port = 0
        self._closed = False
        self._sockets: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def listen(self) -> str:
        return "tcp://127.0.0.1:*"

    def reach(self, port: int) -> str:
        self._port = port
        return f"tcp://127.0.0.1:{self._server.getsockname()[1]}"

    def cut(self) -> None:
        self._whole.clear()
        for s in self._sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self._closed = True
        self.cut()
        self._server.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._server.accept()
                if not self._whole.is_set():
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                continue
            self._sockets += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._pipe, args=(a, b), daemon=True).start()

    def _pipe(self, source: socket.socket, to: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                time.sleep(self.delay)
                to.sendall(data)
                self.carried += len(data)
        except OSError:
            pass
        finally:
            for s in (source, to):
                s.close()


@contextlib.contextmanager
def cable(delay: float = 0.0, loss: float = 0.0) -> Iterator[NamespaceCable | ProxyCable]:
    """The best that there is here."""
    made = NamespaceCable(delay, loss) if namespaces_work() else ProxyCable(delay, loss)
    try:
        yield made
    finally:
        made.close()
