"""Damaged picture files: small good ones of every format that is read, with bytes changed, moved, cut and repeated.

`python -m tests.support.damaged_files COUNT SEED` reads as many in a process of its own, with no more memory than pictures of the size
that is allowed there need. It prints what went wrong, as JSON: a file that it died over is the one that it names last.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

MOST_PIXELS = 2**20
"""Larger pictures are refused while damaged files are read, so that memory tells whether a header was believed."""

ROOM = 768 * 2**20
"""Bytes that reading may take beside what the process has: a picture of that size as floats, several times."""

PATIENCE = 20.0
"""Seconds for one file; reading takes milliseconds, but the machine may be busy."""

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@dataclass(frozen=True)
class Reading:
    """How a reading of many files ended."""

    count: int
    read: int
    refused: int
    faults: list[str]


def originals() -> list[bytes]:
    """Of every format and of many kinds, about a kilobyte each."""
    import imagecodecs
    import tifffile

    from scumble.imaging.io.colour_tags import D65, P3
    from scumble.imaging.profiles import profile_of

    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.arange(12), np.arange(17))[..., None] * np.array([5, 7, 3, 9])
    pixels: NDArray[Any] = (smooth + rng.integers(0, 9, smooth.shape)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112], exif[0x8298] = 6, "(c) Me"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    made = []

    def add(image: Image.Image, form: str, **options: Any) -> bytes:
        stream = io.BytesIO()
        image.save(stream, form, **options)
        made.append(stream.getvalue())
        return made[-1]

    rgb, rgba = Image.fromarray(pixels[..., :3]), Image.fromarray(pixels)
    for image in (rgb, rgba, rgb.convert("L"), rgb.convert("1"), rgb.quantize(9)):
        png = add(image, "PNG", exif=exif, dpi=(300, 300))
    wide = bytes(imagecodecs.png_encode(pixels.astype(np.uint16) * 257))
    made += [wide, png.replace(struct.pack(">5B", 8, 3, 0, 0, 0), struct.pack(">5B", 8, 3, 0, 0, 1))]
    photo = add(rgb, "JPEG", exif=exif, dpi=(300, 300), xmp=b"<x/>", comment=b"hello")
    add(rgb.convert("CMYK"), "JPEG")
    add(rgb.convert("L"), "JPEG", progressive=True)
    add(rgba, "WEBP", lossless=True, exif=exif)
    add(rgb, "WEBP", quality=50)
    if features.check("avif"):
        add(rgb, "AVIF")
    for dtype in ("uint8", "uint16", "float32"):
        for compression in (None, "zlib", "lzw"):
            stream = io.BytesIO()
            tifffile.imwrite(stream, pixels[..., :3].astype(dtype), photometric="rgb", compression=compression)
            made.append(stream.getvalue())
    add(rgb, "TIFF", compression="jpeg", exif=exif)
    if imagecodecs.JPEGXL.available:
        made.append(bytes(imagecodecs.jpegxl_encode(pixels)))
        made.append(bytes(imagecodecs.jpegxl_encode_jpeg(photo)))
    if imagecodecs.AVIF.available:
        made.append(bytes(imagecodecs.avif_encode(pixels[..., :3].astype(np.uint16) * 4, bitspersample=10)))
    add(rgb, "PNG", icc_profile=profile_of(P3, D65, 2.2))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "image/openraster")
        archive.writestr("mergedimage.png", made[0], zipfile.ZIP_DEFLATED)
    made.append(stream.getvalue())
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 12, 17, 8, 3)
    made.append(header + bytes(12) + struct.pack(">H", 0) + pixels[..., :3].transpose(2, 0, 1).tobytes())
    rows = [bytes(imagecodecs.packbits_encode(row.tobytes())) for row in pixels.transpose(2, 0, 1).reshape(-1, 17)]
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 4, 12, 17, 8, 3)
    place = b"8BIM" + struct.pack(">H2xIIHHIHH", 0x03ED, 16, 300 << 16, 1, 1, 300 << 16, 1, 1)
    layers = struct.pack(">Ih6x", 8, -1)
    sections = b"".join(struct.pack(">I", len(part)) + part for part in (b"", place, layers))
    lengths = struct.pack(f">H{len(rows)}H", 1, *map(len, rows))
    made.append(header + sections + lengths + b"".join(rows))
    return made


def damaged(count: int, seed: int) -> Iterator[bytes]:
    """`count` files; the same for the same seed."""
    rng = np.random.default_rng(seed)
    good = originals()
    for number in range(count):
        data = bytearray(good[number % len(good)])
        for _ in range(int(rng.integers(1, 5))):
            data = _changed(data, rng)
        yield _with_right_checksums(bytes(data)) if rng.random() < 0.7 else bytes(data)


def _changed(data: bytearray, rng: np.random.Generator) -> bytearray:
    if len(data) < 16:
        return data
    # headers decide: half of the changes are in the first bytes
    place = int(rng.integers(len(data)) if rng.random() < 0.5 else rng.integers(min(len(data), 160)))
    kind, size = int(rng.integers(7)), int(rng.integers(1, 40))
    if kind == 0:
        data[place] = int(rng.integers(256))
    elif kind == 1:
        data[place] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        order = ">" if rng.random() < 0.5 else "<"
        number = struct.pack(order + "I", int(rng.choice(NUMBERS)))
        width = int(rng.choice([1, 2, 4]))
        data[place : place + width] = number[-width:] if order == ">" else number[:width]
    elif kind == 3:
        del data[place:]
    elif kind == 4:
        del data[place : place + size]
    elif kind == 5:
        data[place:place] = data[place : place + size]
    else:
        data[place : place + size] = rng.integers(0, 256, size, np.uint8).tobytes()
    return data


def _with_right_checksums(data: bytes) -> bytes:
    """A PNG's are made to fit again: else its reader would look no further."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    out, start = bytearray(data), 8
    while start + 12 <= len(out):
        (length,) = struct.unpack_from(">I", out, start)
        end = start + 8 + length
        if end + 4 > len(out):
            break
        out[end : end + 4] = struct.pack(">I", zlib.crc32(out[start + 4 : end]))
        start = end + 4
    return bytes(out)


def read_many(count: int, seed: int, folder: Path) -> Reading:
    """In a process of its own. `folder` gets the file that is being read."""
    command = [sys.executable, "-m", "tests.support.damaged_files", str(count), str(seed), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    try:
        found = Reading(**json.loads(ended.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        return Reading(
            count, 0, 0, [f"it died (exit code {ended.returncode}) over {folder / 'file'}: {ended.stderr[-500:]}"]
        )
    if ended.stderr:
        found.faults.append(f"on stderr: {ended.stderr[:500]}")
    return found


def main(count: int, seed: int, folder: Path) -> None:
    from scumble.imaging.io import codecs, photoshop, tiff
    from scumble.imaging.io.files import decode_picture
    from scumble_client.errors import ScumbleError

    for module in (codecs, photoshop, tiff):
        vars(module)["MAX_PIXELS"] = MOST_PIXELS
    for data in originals():  # what is loaded at first use counts as the process's own
        decode_picture(data, "a good one")
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    if pages:
        most = pages * resource.getpagesize() + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    read = refused = 0
    faults: list[str] = []
    for number, data in enumerate(damaged(count, seed)):
        (folder / "file").write_bytes(data)
        started = time.monotonic()
        fault = ""
        try:
            layer = decode_picture(data, "a").layer
            layer.to_working()
            read += 1
        except ScumbleError as error:
            refused += 1
            if error.code not in ("bad_request", "too_large") or not error.message.endswith(".") or not error.hint:
                fault = f"{error.code}: {error}"
            elif "\n" in str(error) or len(str(error)) > 400:
                fault = f"not one clear sentence: {error}"
        except BaseException as error:
            fault = f"{type(error).__name__}: {error}"
        if time.monotonic() - started > PATIENCE:
            fault = f"{fault} took {time.monotonic() - started:.0f} s"
        if fault:
            faults.append(f"{number} of seed {seed}: {fault}")
            (folder / f"fault-{number}").write_bytes(data)
    print(json.dumps(vars(Reading(count, read, refused, faults))))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
