"""Weights that clients ask for: each is fetched by a process of its own, and whoever asks for the same shares it.

The broker's loop starts these processes and hears from them; it never waits for a server, nor reads a file of weights.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from scumble.transport.wakeup import Wakeup
from scumble_client.errors import ScumbleError
from scumble_client.launch import for_computing
from scumble_client.wire import Message

from .jobs import Client
from .pools.children import spawn
from .replies import Replies

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Processes that fetch at the same time; what else is asked for waits."""
KEEPALIVE = 2.0
"""Seconds after which those who wait hear again how far it is; that is also how a vanished client is noticed."""
END_PATIENCE = 5.0
CANCEL_PATIENCE = 60.0
"""Seconds that a process has to end: with the daemon, and when nobody wants it any more. It may have a package to take away again."""


@dataclass(eq=False)
class Fetch:
    """One thing that is being fetched: `words` are the process's."""

    words: tuple[str, ...]
    name: str
    """Of the entry; empty for a folder."""
    askers: dict[str, Client] = field(default_factory=dict)
    """By the id of the message that asked. It goes on without any; it ends when the last one takes it back."""
    done: float = 0.0
    total: float | None = None
    message: str = "Waiting for another download"
    told: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    cancelled: bool = False
    given_up: float = 0.0
    """When the process was to end."""
    end: dict[str, Any] | None = None
    """The process's last word."""

    def describe(self) -> dict[str, Any]:
        return {"done": self.done, "total": self.total, "message": self.message}


class Fetches:
    """What is being fetched now. All calls are the loop's. `command` begins the process's command line."""

    def __init__(self, replies: Replies, wakeup: Wakeup, command: tuple[str, ...] = ()) -> None:
        self._replies, self._wakeup = replies, wakeup
        self._command = command or (sys.executable, "-m", "scumble.fetching")
        self._fetches: dict[tuple[str, ...], Fetch] = {}
        self._waiting: deque[Fetch] = deque()

    def __len__(self) -> int:
        return len(self._fetches)

    def describe(self) -> dict[str, dict[str, Any]]:
        """By entry: how far it is."""
        return {one.name: one.describe() for one in self._fetches.values() if one.name}

    def ask(self, client: Client, message_id: str, name: str, words: tuple[str, ...]) -> None:
        """Have something fetched for a client; one that is being fetched already is shared."""
        key = _key(words)
        fetch = self._fetches.get(key)
        if fetch is None or fetch.cancelled:
            fetch = Fetch(words, name)
            self._fetches[key] = fetch
            self._waiting.append(fetch)
        fetch.askers[message_id] = client
        self._start_some()
        self._tell(fetch)

    def leave(self, client: Client, message_id: str, keep: bool) -> None:
        """A client takes its question back. With `keep`, it is only not to be answered any more."""
        for fetch in list(self._fetches.values()):
            if fetch.askers.get(message_id) != client:
                continue
            del fetch.askers[message_id]
            if not keep:
                self._replies.send(client, Message("error", _cancelled().as_dict(), parent=message_id))
                if not fetch.askers:
                    self._cancel(fetch)

    def tick(self) -> None:
        """Say again how far it is; what does not end is ended."""
        now = time.monotonic()
        for fetch in list(self._fetches.values()):
            if now - fetch.told > KEEPALIVE:
                self._tell(fetch)
            if fetch.cancelled and fetch.process is not None and now - fetch.given_up > CANCEL_PATIENCE:
                fetch.process.kill()

    def stop(self) -> None:
        """End every process; what has arrived is kept for the next time."""
        fetches, self._fetches = list(self._fetches.values()), {}
        self._waiting.clear()
        stopped = ScumbleError("cancelled", "The daemon was stopped.", "Get it again: it goes on where it was.")
        for fetch in fetches:
            for message_id, client in fetch.askers.items():
                self._replies.send(client, Message("error", stopped.as_dict(), parent=message_id))
            fetch.askers.clear()
            self._let_go(fetch)
        for fetch in fetches:
            if fetch.process is not None:
                try:
                    fetch.process.wait(END_PATIENCE)
                except subprocess.TimeoutExpired:
                    fetch.process.kill()
                    fetch.process.wait()

    # -- inside

    def _start_some(self) -> None:
        running = sum(fetch.process is not None for fetch in self._fetches.values())
        while self._waiting and running < AT_ONCE:
            self._start(self._waiting.popleft())
            running += 1

    def _start(self, fetch: Fetch) -> None:
        fetch.message = ""
        try:
            command = [*self._command, *fetch.words]
            fetch.process = process = spawn(command, for_computing(os.environ), stdout=subprocess.PIPE)
        except OSError as error:
            log.error("what fetches weights does not start: %s", error)
            said = ScumbleError(
                "internal", "The process that fetches weights does not start.", "Look into the daemon's log."
            )
            self._finish(fetch, {"error": said.as_dict()})
            return
        log.info("fetching: %s", " ".join(fetch.words))
        for target in (self._listen, self._log):
            threading.Thread(target=target, args=(fetch, process), name="fetching", daemon=True).start()

    def _listen(self, fetch: Fetch, process: subprocess.Popen[bytes]) -> None:
        """In a thread: what the process says, until it ends."""
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                self._wakeup.post(partial(self._heard, fetch, line))
        process.wait()
        assert process.stdin
        process.stdin.close()
        self._wakeup.post(partial(self._ended, fetch))

    @staticmethod
    def _log(fetch: Fetch, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr
        with process.stderr as lines:
            for line in lines:
                log.info("%s: %s", fetch.name or "folder", line.decode("utf-8", "replace").rstrip())

    def _heard(self, fetch: Fetch, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            log.warning("what fetches weights says something odd: %r", line[:200])
            return
        if "end" in said or "error" in said:
            fetch.end = said
        else:
            fetch.done, fetch.total, fetch.message = said["done"], said["total"], said["message"]
            self._tell(fetch)

    def _ended(self, fetch: Fetch) -> None:
        died = ScumbleError(
            "internal", "The process that fetches weights ended unexpectedly.", "Get it again: it goes on where it was."
        )
        self._finish(fetch, fetch.end or {"error": (_cancelled() if fetch.cancelled else died).as_dict()})

    def _finish(self, fetch: Fetch, end: dict[str, Any]) -> None:
        if self._fetches.get(_key(fetch.words)) is fetch:
            del self._fetches[_key(fetch.words)]
        kind, body = ("weights_done", end["end"]) if "end" in end else ("error", end["error"])
        log.info("fetched %s: %s", " ".join(fetch.words), kind if "end" in end else body.get("message"))
        for message_id, client in fetch.askers.items():
            self._replies.send(client, Message(kind, body, parent=message_id))
        fetch.process = None
        self._start_some()

    def _cancel(self, fetch: Fetch) -> None:
        fetch.cancelled = True
        self._let_go(fetch)
        if fetch.process is None and fetch in self._waiting:
            self._waiting.remove(fetch)
            self._finish(fetch, {"error": _cancelled().as_dict()})

    @staticmethod
    def _let_go(fetch: Fetch) -> None:
        """Have its process end by itself, on every system: it may have to remove what is not whole."""
        fetch.given_up = time.monotonic()
        if fetch.process is not None:
            assert fetch.process.stdin
            try:
                fetch.process.stdin.close()
            except OSError:
                pass  # it has ended

    def _tell(self, fetch: Fetch) -> None:
        fetch.told = time.monotonic()
        body = {"weights": fetch.name, **fetch.describe()}
        for message_id, client in list(fetch.askers.items()):
            if not self._replies.send(client, Message("weights_progress", body, parent=message_id)):
                del fetch.askers[message_id]  # its window was closed: the file is wanted all the same


def _cancelled() -> ScumbleError:
    return ScumbleError("cancelled", "It was cancelled.", "What has arrived is kept for the next time.")


def _key(words: tuple[str, ...]) -> tuple[str, ...]:
    """What is fetched, without how it was asked for."""
    return tuple(word for word in words if word != "--accepted")
