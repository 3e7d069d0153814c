"""What one answer, or one file, may take: told before any of it is made.

Logs are untrusted: a few kilobytes of one may stand for gigabytes of masks or grids. The bounds
of a record are `record`'s; these are of what is made of many.
"""

from tensorboard import errors

# Bytes of an answer. With what it is made from, and compressed once more for the browser, a
# process stays below a gigabyte.
MAX_ANSWER = 1 << 27


class TooLargeError(errors.PublicError):
    """More than one answer may take, with what to ask for instead; 413 of HTTP."""

    http_code = 413


class Room:
    """The bytes that may still be made.

    Args:
      limit: how many there are.
      what: what is made, for the error.
      instead: what to ask for instead.
    """

    def __init__(self, limit: int, what: str, instead: str) -> None:
        self._left = limit
        self._reason = f"{what} would take more than {limit >> 20} MB: {instead}"

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
