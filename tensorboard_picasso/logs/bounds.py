"""Bounds of what one answer, or one file, may take: told before any of it is made.

Logs are untrusted: a few kilobytes of one may stand for gigabytes of masks or grids. The bounds
of a record are `record`'s; these are of what is made of many.
"""

from typing import NamedTuple

from tensorboard import errors

# Bytes of an answer. With what it is made from, and compressed once more for the browser, a
# process stays below a gigabyte.
MAX_ANSWER = 1 << 27


class TooLargeError(errors.PublicError):
    """More than one answer may take, with what to ask for instead; 413 of HTTP."""

    http_code = 413


class Limits(NamedTuple):
    """What one export may take.

    Attributes:
      pixels: of all pictures; one of a map counts as four. A server is busy for some ten seconds.
      map: the most pixels of one map, each of which takes some forty bytes.
      kept: bytes of what is read and kept.
      made: bytes of arrays and tables.
      instead: what to ask for where it is more.
    """

    pixels: int
    map: int
    kept: int
    made: int
    instead: str

    def room(self, size: int, what: str) -> "Room":
        """Room for one of these."""
        return Room(size, what, self.instead)


SERVER = Limits(
    1 << 28, 1 << 22, MAX_ANSWER, MAX_ANSWER,
    "give a smaller size or one step, or use python -m tensorboard_picasso export",
)  # fmt: skip
COMMAND = Limits(1 << 30, 1 << 24, 1 << 28, 1 << 28, "give --step, or a smaller --size")


class Room:
    """The bytes that may still be made.

    Args:
      limit: how many there are.
      what: what is made, for the error.
      instead: what to ask for instead.
    """

    def __init__(self, limit: int, what: str, instead: str) -> None:
        self._left = limit
        self._reason = f"{what} would take more than {limit / (1 << 20):.0f} MB: {instead}"

    def check(self, size: int) -> None:
        """See that so many bytes may be made.

        Raises:
          TooLargeError: they may not.
        """
        if size > self._left:
            raise TooLargeError(self._reason)

    def take(self, size: int) -> None:
        """The same, and count them as made."""
        self.check(size)
        self._left -= size
