"""What clients say about weights: which there are, get this one, look through that folder.

Only entries of the manifest can be had, never an address; a folder can be named by a program on this machine only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import zmq

from scumble.transport.wakeup import Wakeup
from scumble_client.errors import ScumbleError
from scumble_client.wire import Message

from .fetches import Fetches
from .jobs import Client
from .pools.base import Pool
from .replies import Replies, one_line

log = logging.getLogger(__name__)

ALL, LOCAL, NONE = "all", "local", "none"
FORBIDDEN = (
    "unauthorized",
    "Whoever runs this daemon does not let clients get weights.",
    "Ask them to get it, or choose other weights.",
)
FOLDERS_STAY = (
    "unauthorized",
    "A folder can only be named to a daemon on the same machine.",
    "Put the files onto the machine that computes, and run there: scumble weights add FOLDER",
)


class WeightsDesk:
    """`allowed`: who may have weights fetched, out of `all`, `local`, `none`; `remote`: the sockets that other machines come in by."""

    def __init__(
        self,
        replies: Replies,
        pool: Pool,
        remote: Collection[zmq.Socket[Any]],
        wakeup: Wakeup,
        allowed: str = ALL,
        fetches: Fetches | None = None,
    ) -> None:
        self._replies, self._pool, self._remote = replies, pool, remote
        self._wakeup, self._allowed = wakeup, allowed
        self._fetches = fetches or Fetches(replies, wakeup)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="weights")
        self.handlers: dict[str, Callable[[Client, Message], None]] = {
            "weights": self._list,
            "get_weights": self._get,
            "add_weights": self._add,
            "cancel_weights": self._cancel,
        }

    @property
    def busy(self) -> bool:
        """Whether something is being fetched: the daemon does not end then."""
        return len(self._fetches) > 0

    def describe(self) -> dict[str, dict[str, Any]]:
        """What is being fetched, for `scumble status`."""
        return self._fetches.describe()

    def tick(self) -> None:
        self._fetches.tick()

    def stop(self) -> None:
        self._fetches.stop()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _may(self, client: Client) -> bool:
        return self._allowed == ALL or (self._allowed == LOCAL and client.socket not in self._remote)

    def _check(self, client: Client) -> None:
        if not self._may(client):
            raise ScumbleError(*FORBIDDEN)

    def _relayed(self, client: Client, message: Message) -> bool:
        """Whether the weights lie on another machine, whose daemon has been asked then."""

        def answer(said: Message) -> bool:
            body = said.body
            if said.type == "weights":
                body = {**body, "add": False, "get": bool(body.get("get")) and self._may(client)}
            return self._replies.send(client, Message(said.type, body, parent=message.id))

        return self._pool.relay(message, answer)

    # -- the messages

    def _list(self, client: Client, message: Message) -> None:
        if self._relayed(client, message):
            return
        may = self._may(client)
        permissions = {"get": may, "add": may and client.socket not in self._remote}
        fetching = self._fetches.describe()

        def look() -> None:
            try:
                listed = described()
            except ScumbleError as error:
                answer = Message("error", error.as_dict(), parent=message.id)
            except Exception:
                log.exception("the weights can't be listed")
                answer = Message("error", self._replies.internal().as_dict(), parent=message.id)
            else:
                for entry in listed:
                    if entry["name"] in fetching:
                        entry["fetching"] = fetching[entry["name"]]
                answer = Message("weights", {"weights": listed, **permissions}, parent=message.id)
            self._wakeup.post(partial(self._say, client, answer))

        self._executor.submit(look)

    def _say(self, client: Client, answer: Message) -> None:
        self._replies.send(client, answer)

    def _get(self, client: Client, message: Message) -> None:
        self._check(client)
        name, accepted = message.body.get("weights"), message.body.get("accepted", False)
        if not isinstance(name, str) or not isinstance(accepted, bool):
            raise _odd("names no weights")
        if self._relayed(client, message):
            return
        named = self._replies.named(client)

        def look() -> None:
            try:
                refusal = refused(name, accepted)
            except ScumbleError as error:
                refusal = error
            except Exception:
                log.exception("weights can't be looked up")
                refusal = self._replies.internal()
            self._wakeup.post(partial(self._looked_up, named, message, name, accepted, refusal))

        self._executor.submit(look)

    def _looked_up(
        self, client: Client, message: Message, name: str, accepted: bool, refusal: ScumbleError | None
    ) -> None:
        if refusal is not None:
            self._replies.refuse(client, message, refusal)
        else:
            self._fetches.ask(client, message.id, name, ("get", name, *(["--accepted"] if accepted else [])))

    def _add(self, client: Client, message: Message) -> None:
        if client.socket in self._remote:
            raise ScumbleError(*FOLDERS_STAY)
        self._check(client)
        folder = message.body.get("folder")
        if not isinstance(folder, str) or not folder or "\0" in folder or len(folder) > 4096:
            raise _odd("names no folder")
        if self._pool.relays:
            raise ScumbleError(*FOLDERS_STAY)
        log.info("looking for weights in %s", one_line(folder))
        self._fetches.ask(self._replies.named(client), message.id, "", ("add", f"--folder={folder}"))

    def _cancel(self, client: Client, message: Message) -> None:
        asked, keep = message.body.get("get"), message.body.get("keep", False)
        if not isinstance(asked, str) or not isinstance(keep, bool):
            raise _odd("names nothing that was asked for")
        if not self._pool.relay(message, lambda said: True):
            self._fetches.leave(client, asked, keep)


def _odd(what: str) -> ScumbleError:
    return ScumbleError(
        "bad_request", f"The request {what}.", "This is a defect of the program that sent it: please report it."
    )


def described() -> list[dict[str, Any]]:
    """Every entry of the manifest, as docs/protocol.md says. Raises ScumbleError."""
    from scumble.weights import WeightStore, parts

    store = WeightStore()
    lacking = {one.weights.name: parts.missing(one.weights.file) for one in store.list()}
    return [
        {
            "name": one.weights.name,
            "title": one.weights.title,
            "state": one.state,
            "size": one.weights.shown_size,
            "here": one.bytes_here,
            "licence": one.weights.licence,
            "non_commercial": one.weights.non_commercial,
            "accepted": store.accepted(one.weights.name),
            "operations": list(one.weights.operations),
            "page": one.weights.url if one.weights.manual else "",
            "needs": parts.sentence(part) if (part := lacking[one.weights.name]) else "",
            "brings": part is not None and parts.comes_along(part),
        }
        for one in store.list()
    ]


def refused(name: str, accepted: bool) -> ScumbleError | None:
    """Why an entry can't be had; None where it can. Raises ScumbleError for a name that is none."""
    from scumble.weights import WeightStore, parts

    store = WeightStore()
    status = store.status(name)
    entry = status.weights
    lacking = parts.missing(entry.file)
    if status.state in ("present", "embedded") and lacking is not None and parts.comes_along(lacking):
        return None  # the file is here; what runs it is not
    if entry.embedded:
        return ScumbleError(
            "bad_request", f"{entry.title} comes with Scumble.", "If it is damaged, install Scumble again."
        )
    if entry.manual:
        hint = f"Get it from {entry.url}, then name the folder that it lies in."
        return ScumbleError("weights_missing", f"{entry.title} has to be fetched by hand.", hint)
    if not accepted and not store.accepted(name):
        message = f"{entry.title} is for non-commercial use only (licence: {entry.licence})."
        return ScumbleError("bad_request", message, "Get it only if that is your use of it.")
    return None
