"""A layer to the daemon and back, beside HTTP with PNG and base64, and beside copying its bytes in memory.

    python -m benchmarks.transport [--data FOLDER]

The layer has 4096 × 4096 RGBA pixels of 8 bits. How long PNG takes depends on the picture, so there are two: a mosaic of
photographs (photos.tar in FOLDER) at their own size, as full of detail as a photograph of 16 megapixels, and the bundled
photographs enlarged seven times, which are smooth. The reference server is a process of its own that does what the
daemon's `identity` does: decode, and send the same pixels back. The reference for memory is `bytes(layer)`: a copy into
fresh memory, as every step of a journey through programs makes.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import multiprocessing
import statistics
import tarfile
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.report import Figure, as_markdown
from benchmarks.service import daemon, worker_pid
from scumble import pictures
from scumble_client import Client, Pixels, Request

SIDE = 4096
CHANGE = 256
STRIP = 256
ROUNDS = 15

Raster = NDArray[np.uint8]


def smooth_layer() -> Raster:
    """(4096, 4096, 4) opaque pixels of the bundled photographs, enlarged."""
    tiles = []
    for name in pictures.NAMES * 2:
        photo = Image.open(pictures.picture(name)).convert("RGBA")
        tiles.append(np.asarray(photo.resize((SIDE // 2, SIDE // 2), Image.Resampling.BICUBIC)))
    return np.concatenate([np.concatenate(tiles[:2], 1), np.concatenate(tiles[2:4], 1)])


def mosaic_layer(data: Path) -> Raster:
    """(4096, 4096, 4) opaque pixels of photographs side by side, none of them enlarged."""
    canvas = Image.new("RGBA", (SIDE, SIDE))
    left = top = 0
    with tarfile.open(data / "photos.tar") as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is None:
                continue
            photo = Image.open(io.BytesIO(file.read())).convert("RGBA")
            canvas.paste(photo.crop((0, 0, photo.width, STRIP)), (left, top))
            left += photo.width
            if left >= SIDE:
                left, top = 0, top + STRIP
            if top >= SIDE:
                break
    return np.asarray(canvas).copy()


class _Echo(BaseHTTPRequestHandler):
    """JSON with a base64 PNG comes, the pixels are decoded, and go back the same way."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(body["image"]))))
        answer = json.dumps({"image": as_text(pixels)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 (the base class's name for it)
        pass


def as_text(pixels: Raster) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _serve(pipe: Connection) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Echo)
    pipe.send(server.server_port)
    server.serve_forever()


def over_http(pixels: Raster, port: int) -> None:
    body = json.dumps({"image": as_text(pixels)}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        text = json.loads(answer.read())["image"]
    back = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
    assert np.array_equal(back, pixels)


def over_zeromq(client: Client, pixels: Raster) -> None:
    job = client.submit(Request("identity", {"image": Pixels(pixels.data, SIDE, SIDE)}))
    result = client.wait(job, timeout=60)
    client.received(job)
    assert bytes(result.layers[0].pixels.data) == pixels.tobytes()


def copied(pixels: Raster) -> None:
    """The layer's bytes, copied four times in memory."""
    for _ in range(4):
        bytes(pixels.data)


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(data: Path) -> list[Figure]:
    near, far = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(far,), daemon=True)
    server.start()
    try:
        with daemon() as client:
            worker_pid(client)
            return _measure(data, client, near.recv())
    finally:
        server.terminate()


def _measure(data: Path, client: Client, port: int) -> list[Figure]:
    """Interleaved rounds: echo, copies, and in the first two HTTP; medians."""
    echo, copies, known = [], [], []
    figures = []
    for kind, picture, bound in (("detailed", mosaic_layer(data), 40), ("smooth", smooth_layer(), None)):
        over_zeromq(client, picture)
        http, this = [], []
        for number in range(ROUNDS):
            picture[0, 0, 0] = number  # another layer, so that no bytes are known already
            copies.append(timed(lambda: copied(picture)))  # noqa: B023 (called at once)
            this.append(timed(lambda: _echo(client, picture)))  # noqa: B023
            known.append(timed(lambda: _echo(client, picture)))  # noqa: B023
            if number < 2:
                http.append(timed(lambda: over_http(picture, port)))  # noqa: B023
        h, e = statistics.median(http), statistics.median(this)
        what = f"echo of a {kind} 4096 × 4096 layer: time of HTTP + PNG + base64 / Scumble's"
        figures.append(Figure(what, h / e, "×", bound, "at least", f"{h:.2f} s / {e:.3f} s"))
        for way, seconds in (("HTTP, PNG and base64", http), ("Scumble", this)):
            figures.append(
                Figure(
                    f"{kind} 4096 × 4096 layer by {way}, there and back",
                    statistics.median(seconds),
                    "s",
                    samples=tuple(seconds),
                    place=("transport", f"{kind}: {way}", 0),
                )
            )
        echo += this
    e, c, k = map(statistics.median, (echo, copies, known))
    what = "copying its bytes four times in memory"
    figures.append(Figure(f"echo of that layer / {what}", e / c, "×", 4, "at most", f"{e:.3f} s / {c:.3f} s"))
    figures.append(Figure(f"the same layer once more / {what}", k / c, "×", detail=f"{k:.3f} s / {c:.3f} s"))
    first, second = _resubmitted(client, picture)
    again = Figure(
        "bytes sent again with a 256 × 256 change", 100 * second / first, "%", 10, "at most", f"{second} of {first}"
    )
    return [*figures, again]


def _echo(client: Client, pixels: Raster) -> None:
    """Without the comparison of `over_zeromq`, whose time is not the daemon's."""
    job = client.submit(Request("identity", {"image": Pixels(pixels.data, SIDE, SIDE)}))
    client.wait(job, timeout=60)
    client.received(job)


def _resubmitted(client: Client, pixels: Raster) -> tuple[int, int]:
    """Bytes on the wire of a first submit, and of one with a change in a second, small buffer."""
    pixels[1, 1, 1] ^= 1
    image = Pixels(pixels.data, SIDE, SIDE)
    sent = [client.bytes_sent]
    for value in (128, 255):
        stroke = Pixels(bytes([value]) * (CHANGE * CHANGE), CHANGE, CHANGE, "gray", x=100, y=100)
        client.wait(client.submit(Request("inpaint", {"image": image, "mask": stroke}, {"blend": "none"})), timeout=120)
        sent.append(client.bytes_sent)
    return sent[1] - sent[0], sent[2] - sent[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transport")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    print(as_markdown(measure(parser.parse_args().data)))
