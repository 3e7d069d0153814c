"""The faster of two ways to score windows: both are run and timed until that is known."""

import abc
import time
from collections.abc import Callable, Hashable
from dataclasses import replace

import numpy as np

from tensorboard_picasso.summary.backends._common.batch_size import BatchSizes
from tensorboard_picasso.summary.backends._common.choice import LEAST, Choice, Choices, Way
from tensorboard_picasso.summary.backends._common.room import PROCESSOR
from tensorboard_picasso.summary.backends.base import BATCH_INPUTS, Array, Windows, out_of_memory
from tensorboard_picasso.summary.reuse.agenda import Agenda
from tensorboard_picasso.summary.reuse.rects import Ints


class WholeError(Exception):
    """Whole passes are faster, or the only way: why."""


class Ways(abc.ABC):
    """Scores windows with reuse or by whole passes.

    Attributes:
      told: what the last sweep did and why, for people.
      decided: whether the next such sweep will do the same.
      held: numbers that one step of a chunk may hold. images: in the images of one pass.
    """

    def __init__(self, deterministic: Callable[[], bool]) -> None:
        """Know nothing yet.

        Args:
          deterministic: see `Adapter`.
        """
        self._deterministic = deterministic
        self._choices = Choices()
        self.held, self.images = PROCESSOR.step, PROCESSOR.images
        self._sampled = 0.0  # seconds of windows that were run whole beside others
        self.told = "nothing was computed yet"
        self.decided = True

    @property
    @abc.abstractmethod
    def sizes(self) -> BatchSizes:
        """Those of `dense`."""

    @abc.abstractmethod
    def kind(self) -> Hashable:
        """What decides beside windows how long they take: device, dtype and the like."""

    @property
    @abc.abstractmethod
    def processor(self) -> bool:
        """Whether the model is run by a processor."""

    @abc.abstractmethod
    def wait(self) -> None:
        """Wait for what the device was asked before, as what follows is timed."""

    @abc.abstractmethod
    def dense(self, windows: Windows) -> list[Array]:
        """Scores by whole passes of images of one shape with the same boxes."""

    def check(self) -> None:  # noqa: B027
        """See that the model can be taken apart, before any of it is run.

        Raises:
          WholeError: it cannot, whatever its images.
        """

    @abc.abstractmethod
    def reused(self, windows: Windows, choice: Choice) -> tuple[list[Array], float]:
        """Scores with reuse of images that are computed together.

        Args:
          windows: of images of one shape with the same boxes.
          choice: of the way; is told the estimate.

        Returns:
          Scores, none where it is not the turn of reuse; and the share of the work that was
          done so.

        Raises:
          WholeError: whole passes are the only way.
        """

    def faster(self, windows: Windows) -> list[Array]:
        """Scores in the way that is faster; while it is not known, in both by turns."""
        timed = not self._deterministic()
        try:
            self.check()
            if windows.in_place or timed:
                choice = self._choice(windows, timed)
                scores = self._chosen(windows, choice)
            else:
                # What changes depends on the image, and no other one is to decide.
                scores = []
                for each in windows.hidings:
                    choice = Choice(timed, self.processor)
                    scores += self._chosen(replace(windows, hidings=[each]), choice)
        except WholeError as e:
            self.told, self.decided = f"dense: {e}", True
            return self.dense(windows)
        self.told, self.decided = choice.text(), choice.taken is not None
        return scores

    def _choice(self, windows: Windows, timed: bool) -> Choice:
        """What was found out of such windows, of so many images that are computed together."""
        first = windows.hidings[0]
        together = min(len(windows.hidings), self._together(windows))
        # Each image may have segments of its own: about as many take about as long.
        places = first.boxes.tobytes() if first.segments is None else len(first.boxes).bit_length()
        kind = windows.in_place, first.image.shape, first.image.dtype, places
        return self._choices.of((*kind, together, self.kind()), timed, self.processor)

    def _together(self, windows: Windows) -> int:
        """How many images share an unoccluded pass."""
        most = self.images // max(1, windows.hidings[0].image.size)
        return max(1, min(BATCH_INPUTS, most)) if windows.in_place else 1

    def _chosen(self, windows: Windows, choice: Choice) -> list[Array]:
        """Scores of images, some of them at once.

        Raises:
          WholeError: whole passes are the only way.
        """
        scores: list[Array] = []
        while left := windows.hidings[len(scores) :]:
            if choice.taken is Way.WHOLE:
                # All at once, as a batch may hold windows of several images.
                return scores + self.dense(replace(windows, hidings=left))
            some = replace(windows, hidings=left[: self._together(windows)])
            way = self._backing_off if choice.turn is Way.REUSE else self._by_turns
            scores += way(some, choice)
        return scores

    def _by_turns(self, windows: Windows, choice: Choice) -> list[Array]:
        """Scores by whole passes, whose turn it is; none where they fail, and reuse does not.

        Raises:
          Exception: what whole passes raise, the only way.
        """
        try:
            seconds, made = self._timed_dense(windows)
        except Exception:
            # Whatever it is, such as memory that does not suffice.
            if not choice.reused:
                raise
            choice.fails(Way.WHOLE)
            return []
        choice.took(Way.WHOLE, seconds / len(made), self.sizes.settled)
        return made

    def _timed_dense(self, windows: Windows) -> tuple[float, list[Array]]:
        """Seconds, and scores by whole passes."""
        self.wait()
        self.sizes.settled = True
        started = time.perf_counter()
        scores = self.dense(windows)
        return time.perf_counter() - started, scores

    def _backing_off(self, windows: Windows, choice: Choice) -> list[Array]:
        """Scores with reuse.

        None of them where it is not its turn by the estimate, or memory does not suffice: less is
        to be held then.
        """
        self.wait()
        self._sampled, started = 0.0, time.perf_counter()
        try:
            made, share = self.reused(windows, choice)
        except WholeError:
            raise
        except Exception as e:
            if not out_of_memory(e):
                # Whatever the user's code raises taken apart: whole it may well run.
                raise WholeError(f"taken apart it raises {type(e).__name__}: {e}") from e
            if self.held < 1 << 16:
                raise WholeError("memory does not suffice") from e
            self.held //= 2
            self.images //= 2
            return []
        if made:
            spent = time.perf_counter() - started - self._sampled
            choice.took(Way.REUSE, spent / share / len(made))
        return made

    def sample(
        self, windows: Windows, choice: Choice, agenda: Agenda, hiding: Ints
    ) -> tuple[list[tuple[Ints, Array]], Agenda]:
        """Run some windows of images whole, to see how long that takes.

        Args:
          hiding: the agenda's among all windows.

        Returns:
          Windows of the agenda and their scores, image by image, in parts; and the agenda of
          the others.
        """
        images = len(windows.hidings)
        some, rest = agenda.parted(choice.sample(images, agenda.count))
        made: list[tuple[Ints, Array]] = []
        # In so many parts that it may be known from them.
        for part in np.array_split(some, min(LEAST, len(some))) if len(some) else ():
            hidings = [each.taking(hiding[part]) for each in windows.hidings]
            try:
                seconds, scores = self._timed_dense(replace(windows, hidings=hidings))
            except Exception:  # as above: reuse does without
                choice.fails(Way.WHOLE)
                return [], agenda
            self._sampled += seconds
            choice.took(Way.WHOLE, seconds * agenda.count / len(part) / images, self.sizes.settled)
            made.append((part, np.concatenate(scores)))
        return made, rest
