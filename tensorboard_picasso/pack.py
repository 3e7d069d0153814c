"""A header and numbers in one answer; `static/pack.js` reads it."""

import json
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MAGIC = b"PICP"
_TYPES: dict[str, np.dtype[Any]] = {
    "f4": np.dtype("<f4"),
    "f8": np.dtype("<f8"),
    "i8": np.dtype("<i8"),
    "u1": np.dtype("u1"),
}


def exact(whole: int) -> int | str:
    """A whole number for JSON: as text where JavaScript's numbers would round it."""
    return whole if abs(whole) < 1 << 53 else str(whole)


class Pack:
    """Collects numbers for the body; the header refers to them."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, values: ArrayLike | bytes, kind: str) -> dict[str, Any]:
        """Append numbers of type "f4", "f8", "i8" or "u1"; what the header says of them."""
        if isinstance(values, bytes):
            data = values
        else:
            data = np.ascontiguousarray(values, _TYPES[kind]).tobytes()
        at = self._size
        padding = -len(data) % 8
        self._parts += [data, bytes(padding)]
        self._size += len(data) + padding
        return {"at": at, "length": len(data) // _TYPES[kind].itemsize, "type": kind}

    def finish(self, header: dict[str, Any]) -> bytes:
        """The whole answer."""
        text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
        text += b" " * (-(len(MAGIC) + 4 + len(text)) % 8)
        return b"".join([MAGIC, len(text).to_bytes(4, "little"), text, *self._parts])
