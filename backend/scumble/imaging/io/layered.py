"""OpenRaster (.ora) and Krita's documents (.kra): archives that hold, beside the layers, a PNG of what is seen of them together."""

from __future__ import annotations

import io
import zipfile

from scumble_client.errors import ScumbleError

from .codecs import Decoded
from .png import PNG_SIGNATURE, decode_png

MERGED = "mergedimage.png"
MIMETYPES = (b"image/openraster", b"application/x-krita")
MOST_BYTES = 2**31


def is_layered(data: bytes) -> bool:
    """Whether an archive begins as OpenRaster says: with a stored file that names its type."""
    head = data[:128]
    return head.startswith(b"PK\3\4") and b"mimetype" in head and any(kind in head for kind in MIMETYPES)


def decode_layered(data: bytes, name: str) -> Decoded:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        try:
            info = archive.getinfo(MERGED)
        except KeyError:
            raise ScumbleError(
                "bad_request",
                f"“{name}” holds no picture of its layers together.",
                "Save it anew in the program that made it, or export it as PNG.",
            ) from None
        if info.file_size > MOST_BYTES:
            raise ScumbleError("too_large", f"The picture in “{name}” is too large.", "Make the picture smaller.")
        with archive.open(info) as file:
            merged = file.read(MOST_BYTES)
    if not merged.startswith(PNG_SIGNATURE):
        raise ValueError("its merged picture is no PNG")
    decoded = decode_png(merged, name)
    decoded.notes.append("The file has layers; what is seen of them together was taken.")
    return decoded
