"""Pictures of few bytes that stand for gigabytes, and files that are none of ours."""

import struct
import zlib
from io import BytesIO

from PIL import Image


def _chunk(name: bytes, data: bytes) -> bytes:
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(height: int, width: int) -> bytes:
    """A whole and valid PNG, black: a bit a pixel."""
    row = 1 + -(-width // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(row)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def gif(height: int, width: int) -> bytes:
    """Of another format, which a browser would show for a PNG."""
    stream = BytesIO()
    Image.new("1", (width, height)).save(stream, "GIF")
    return stream.getvalue()
