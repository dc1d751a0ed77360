"""Layers made smaller for a slow link: each sample less its neighbour's to the left, then deflate.

Plain deflate hardly finds anything in photographs; of the differences between neighbours it finds a half.
"""

from __future__ import annotations

import zlib

from scumble_client.errors import ScumbleError
from scumble_client.request import CHANNELS, SAMPLE_BYTES

LEAST = 4096
"""Bytes below which it is not worth the while."""
LEVEL = 1
MAX_STRIDE = 16


def stride(layout: str, depth: str) -> int:
    """Bytes from one sample to the same of the next pixel."""
    return CHANNELS[layout] * SAMPLE_BYTES[depth]


def pack_pixels(data: memoryview, step: int) -> bytes:
    """Bytes of pixels of `step` bytes each (1 to 16), packed."""
    import numpy as np

    values = np.frombuffer(data, np.uint8)
    differences = values.copy()
    differences[step:] -= values[:-step]  # modulo 256
    return zlib.compress(differences.data, LEVEL)


def unpack_pixels(packed: memoryview, step: int, size: int) -> memoryview:
    """The reverse. Raises ScumbleError `bad_request` unless exactly `size` bytes come out; no more are ever unpacked."""
    import numpy as np

    if not 0 < step <= MAX_STRIDE:
        raise _damaged()
    unpacker = zlib.decompressobj()
    try:
        differences = unpacker.decompress(packed, size + 1)
        if len(differences) != size or not unpacker.eof:
            raise _damaged()
    except zlib.error as error:
        raise _damaged() from error
    values = np.frombuffer(differences, np.uint8)
    whole = size - size % step
    out = np.empty(size, np.uint8)
    np.cumsum(values[:whole].reshape(-1, step), axis=0, dtype=np.uint8, out=out[:whole].reshape(-1, step))
    for index in range(whole, size):
        out[index] = (int(values[index]) + (int(out[index - step]) if index >= step else 0)) & 255
    return out.data


def _damaged() -> ScumbleError:
    return ScumbleError("bad_request", "A packed layer can't be unpacked.", "Try again.")
