"""The terminal: what commands show on it."""

import sys
import time

WIDTH = 24
EVERY = 0.1  # seconds between two drawings


def printed(text: str) -> str:
    """Without what a terminal would obey: names come from logs and files."""
    return "".join(each if each.isprintable() else "?" for each in text)


class Bar:
    """Tells on standard error how far a piece of work is, where that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._drawn = 0.0
        self._shown = sys.stderr.isatty()
        self._open = False
        self._begun: tuple[float, int] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Draw it; `done` of `total` are behind."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now, done
        if not self._shown or not total or (now - self._drawn < EVERY and done < total):
            return
        self._drawn, self._open = now, True
        filled = WIDTH * done // total
        bar = "█" * filled + "░" * (WIDTH - filled)
        sys.stderr.write(
            f"\r{self._what} {bar} {100 * done // total} %{self._left(now, done, total)}\x1b[K"
        )
        if done >= total:
            self.close()
        sys.stderr.flush()

    def _left(self, now: float, done: int, total: int) -> str:
        """How long the rest takes at the pace so far."""
        begun, before = self._begun or (now, done)
        if done <= before or done >= total:
            return ""
        return f" {_words((now - begun) * (total - done) / (done - before))} left"

    def close(self) -> None:
        """Clear the line, so that what is said next stands alone."""
        if self._open:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._open = False


def _words(seconds: float) -> str:
    minutes, hours = round(seconds / 60), seconds / 3600
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{hours:.0f} h"
