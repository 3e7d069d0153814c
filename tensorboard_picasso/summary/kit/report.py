"""What is said to the person at the terminal, each thing once."""

import re
import sys
import warnings
from collections.abc import Iterator

_said: set[str] = set()

# What TensorFlow and Keras say before they come to the point, and around it.
_PREAMBLE = re.compile(
    r"Graph execution error|in user code:|Exception encountered when calling|Detected at node"
    r"|\d+ root error\(s\) found|Traceback \(most recent call last\)"
)
_FRAME = re.compile(r"File \"|<stack traces unavailable>|\[\[\{\{|\[\[[\w/]+\]\]$")
_MARK = re.compile(r"\{\{function_node [^}]*\}\} | \[Op:\w+\]| \[\[\{\{.*")
# Characters of a reason that is told over several lines.
_MOST = 400
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class PicassoWarning(UserWarning):
    """Something failed or was left out; training goes on."""


def tell(key: str, message: str, said: set[str] | None = None) -> None:
    """Print a notice to stderr, once a key.

    Args:
      key: what it is about.
      message: a line.
      said: the keys said so far; default those of this process.
    """
    if _first(key, said):
        print(f"picasso: {message}", file=sys.stderr, flush=True)


def warn(key: str, message: str, said: set[str] | None = None) -> None:
    """Warn of a failure, once a key; arguments as of `tell`."""
    if _first(key, said):
        warnings.warn(f"picasso: {message}", PicassoWarning, stacklevel=2)


def reason(error: BaseException) -> str:
    """One line of what went wrong, for errors that take many: "ValueError: pixels span 0..255"."""
    text = _COLOUR.sub("", str(getattr(error, "message", "") or error))
    # Keras lists the arguments after what it says.
    text = text.partition("Arguments received by")[0]
    given = [line for line in text.splitlines() if line.strip()]
    lines = [line.strip() for line in given]
    telling = [line for line in lines if not (_PREAMBLE.match(line) or _FRAME.match(line))]
    if not telling:
        said = lines[0] if lines else "no message"
    else:
        # After a preamble stand the frames, and what was raised comes last.
        said = telling[-1]
        if telling[0] is lines[0]:
            said = " ".join(_with_what_follows(given))
            said = said if len(said) <= max(_MOST, len(telling[0])) else f"{said[:_MOST]} …"
    said = _MARK.sub("", said)
    # JAX adds that it shortened its traceback, below a line of dashes.
    notes = " ".join(each for each in getattr(error, "__notes__", ()) if each[:2] != "--")
    return f"{type(error).__name__}: {said}{' ' if notes else ''}{notes}"


def _with_what_follows(lines: list[str]) -> Iterator[str]:
    """The first line, and those that belong to it: indented, or announced by a colon."""
    for number, line in enumerate(lines):
        if number and not (line[0].isspace() or lines[number - 1].rstrip().endswith(":")):
            return
        if not _FRAME.match(line.strip()):
            yield line.strip()


def kind(reason: str) -> str:
    """A reason without its numbers, for keys: the same failure may count differently each time."""
    return _NUMBER.sub("#", reason)


def _first(key: str, said: set[str] | None) -> bool:
    known = _said if said is None else said
    new = key not in known
    known.add(key)
    return new
