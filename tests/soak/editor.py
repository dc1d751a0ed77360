"""A client process for the kills: does its jobs one after the other, and writes down what becomes of each."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scumble_client import Client, ScumbleError
from tests.support.daemon import request


def main() -> None:
    log, numbers = Path(sys.argv[1]), json.loads(sys.argv[2])

    def note(**entry: object) -> None:
        with log.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    with Client("editor") as client:
        for number in numbers:
            job = client.submit(request("test-slow", number % 256, seconds=number % 5 * 0.02))
            note(kind="submitted", number=number, job=job.id)
            try:
                result = client.wait(job)
            except ScumbleError as error:
                note(kind="failed", number=number, job=job.id, code=error.code, message=error.message)
                continue
            assert set(bytes(result.layers[0].pixels.data)) == {255 - number % 256}
            received = number % 2 == 0
            if received:
                client.received(job)
            note(kind="done", number=number, job=job.id, received=received)


if __name__ == "__main__":
    main()
