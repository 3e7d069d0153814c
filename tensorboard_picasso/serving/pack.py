"""Packs: a header and numbers in one answer; `static/log/pack.js` reads it."""

import json
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorboard_picasso.logs.bounds import MAX_ANSWER, Room
from tensorboard_picasso.serving import large

MAGIC = b"PICP"
_TYPES: dict[str, np.dtype[Any]] = {
    "f4": np.dtype("<f4"),
    "f8": np.dtype("<f8"),
    "i2": np.dtype("<i2"),
    "i4": np.dtype("<i4"),
    "i8": np.dtype("<i8"),
    "u1": np.dtype("u1"),
}


class Json(str):
    """Text that is JSON already: a record takes a fifth of what it takes as objects."""

    __slots__ = ()


INSTEAD = (
    "ask for fewer images or steps; for the tab, start TensorBoard with"
    " --samples_per_plugin picasso=50, or fewer"
)


class Pack:
    """Collects numbers for the body; the header refers to them.

    Its methods raise `TooLargeError` before an answer is larger than one may be.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.room = Room(MAX_ANSWER, "the answer", INSTEAD)

    def add(self, values: ArrayLike | bytes, kind: str) -> dict[str, Any]:
        """Append numbers of type "f4", "f8", "i2", "i4", "i8" or "u1"; what the header says of them."""
        if isinstance(values, bytes):
            data = values
            self.room.take(len(data))
        else:
            array = np.asarray(values)
            self.room.take(array.size * _TYPES[kind].itemsize)
            data = np.ascontiguousarray(array, _TYPES[kind]).tobytes()
        large.hold(len(data))
        at = self._size
        padding = -len(data) % 8
        self._parts += [data, bytes(padding)]
        self._size += len(data) + padding
        return {"at": at, "length": len(data) // _TYPES[kind].itemsize, "type": kind}

    def check(self, size: int) -> None:
        """See that there is room for so many bytes that are still to be appended."""
        self.room.check(size)
        large.reach(size)

    def entry(self, value: Any) -> Json:
        """What the header holds of one of many."""
        text = dumped(value)
        self.room.take(len(text))
        large.hold(len(text))
        return Json(text)

    def finish(self, header: dict[str, Any]) -> bytes:
        """The whole answer."""
        text = _text(header).encode()
        text += b" " * (-(len(MAGIC) + 4 + len(text)) % 8)
        return b"".join([MAGIC, len(text).to_bytes(4, "little"), text, *self._parts])


def dumped(value: Any) -> str:
    """As JSON, without spaces."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _text(value: Any) -> str:
    """As JSON, with what is JSON already left as it is."""
    if isinstance(value, Json):
        return value
    if isinstance(value, dict):
        return f"{{{','.join(f'{dumped(key)}:{_text(each)}' for key, each in value.items())}}}"
    if isinstance(value, list) and any(isinstance(each, (dict, list, Json)) for each in value):
        return f"[{','.join(map(_text, value))}]"
    return dumped(value)
