"""A worker without torch, for tests of the pool: it answers as the file named in FAKE_WORKER says, and at once.

The file is JSON: `devices` to claim, `dies` (on start), `broken` (devices on which it dies once it has told what there is). A
job's operation says what becomes of it: `echo` gives a result, `late` gives one when it is cancelled, `stuck` gives nothing,
`die` ends the process, `die-leaving-a-child` as well, while a process of its own still holds its stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import zmq

from scumble_client import wire


def main() -> None:
    told = json.loads(Path(os.environ["FAKE_WORKER"]).read_text())
    if told.get("dies"):
        sys.exit("This worker was told to die.")
    parser = argparse.ArgumentParser()
    for option in ("--endpoint", "--name", "--device"):
        parser.add_argument(option)
    options, _ = parser.parse_known_args()
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    socket: zmq.Socket[Any] = zmq.Context.instance().socket(zmq.DEALER)
    socket.identity = options.name.encode()
    socket.connect(options.endpoint)

    def send(kind: str, **body: Any) -> None:
        socket.send(wire.pack({"type": kind, **body}))

    devices = told["devices"]
    device = devices[0] if options.device == "auto" else options.device
    send("devices", devices=devices)
    if device in told.get("broken", []):
        socket.close(500)
        sys.exit(f"There is something wrong with {device}.")
    send("ready", devices=devices, device=device, name=f"the {device}", models=[])
    while True:
        heard = wire.unpack(socket.recv())
        if heard.get("operation") == "die-leaving-a-child":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
            os._exit(9)
        if heard["type"] == "exit" or heard.get("operation") == "die":
            os._exit(0 if heard["type"] == "exit" else 9)
        if heard.get("operation") == "echo" or heard["type"] == "cancel":
            send("progress", job="another", fraction=0.1, message="of a job that nobody knows")
            send("progress", job=heard["job"], fraction=0.5, message="Working")
            send("result", job=heard["job"], layers=[], notes=[], info={"models": ["net"]})


if __name__ == "__main__":
    main()
