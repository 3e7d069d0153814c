"""Answers that were made, kept until there is a newer record: nothing is computed twice between two reloads."""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

# Bytes of all that is kept, compressed forms too; and of the largest one.
MOST = 64 << 20
LARGEST = 16 << 20
# Below that compression saves no packet.
SMALL = 1400
# The fastest level: another saves a twentieth of the bytes for twice the time.
LEVEL = 1
# What is not made smaller than that is sent as it is.
WORTH = 0.9


class Answer:
    """Bytes of an answer with a tag that names them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.tag = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
        self._packed: bytes | None = None
        self._tried = len(data) < SMALL

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.data) + len(self._packed or b"")

    def packed(self) -> bytes | None:
        """The same compressed, made once; None where that does not pay."""
        if not self._tried:
            packed = gzip.compress(self.data, LEVEL, mtime=0)
            self._packed = packed if len(packed) < WORTH * len(self.data) else None
            self._tried = True
        return self._packed


class Kept:
    """Answers by what was asked, the last ones asked for; used by several threads at once."""

    def __init__(self, most: int = MOST, largest: int = LARGEST) -> None:
        self._most, self._largest = most, largest
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, tuple[Hashable, Answer]] = OrderedDict()
        self._making: dict[Hashable, tuple[threading.Lock, list[None]]] = {}

    def answer(
        self, asked: Hashable, state: Hashable, make: Callable[[], bytes | None]
    ) -> Answer | None:
        """The answer to what is asked, made where it was not kept of this state.

        asked: what tells requests apart. state: what tells of newer records.
        make: the answer; None: there is none, which is not kept.
        """
        with self._one(asked):
            with self._lock:
                held = self._held.get(asked)
                if held is not None and held[0] == state:
                    self._held.move_to_end(asked)
                    return held[1]
            data = make()
            if data is None:
                return None
            answer = Answer(data)
            with self._lock:
                self._held.pop(asked, None)
                if len(data) <= self._largest:
                    self._held[asked] = state, answer
                self._shrink()
            return answer

    def packed(self, answer: Answer) -> bytes | None:
        """Its compressed form, which is kept with it."""
        packed = answer.packed()
        with self._lock:
            self._shrink()
        return packed

    def _shrink(self) -> None:
        while sum(answer.size for _, answer in self._held.values()) > self._most:
            self._held.popitem(last=False)

    @contextmanager
    def _one(self, asked: Hashable) -> Iterator[None]:
        """Who asks for what is just being made waits for it."""
        with self._lock:
            lock, users = self._making.setdefault(asked, (threading.Lock(), []))
            users.append(None)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                users.pop()
                if not users:
                    del self._making[asked]
