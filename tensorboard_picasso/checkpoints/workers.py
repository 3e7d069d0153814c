"""Workers, over which checkpoints are spread: processes of this machine; answers come in the order of the checkpoints."""

import abc
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from tensorboard_picasso.checkpoints import LogError
from tensorboard_picasso.checkpoints.work import Outcome, Setup, Worker

Sent = TypeVar("Sent")

# How many answers, for each worker, may be made before they are asked for.
AHEAD = 2


class Workers(abc.ABC):
    """Something that does a worker's calls."""

    @abc.abstractmethod
    def answers(self, call: str, each: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        """Call a method of `Worker` with each of these arguments; answers in their order.

        Raises:
          LogError: a worker was lost.
        """

    def close(self) -> None:  # noqa: B027
        """Let go of all processes."""


class Alone(Workers):
    """This process."""

    def __init__(self, setup: Setup) -> None:
        self._worker = Worker(setup)

    def answers(self, call: str, each: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        """See `Workers.answers`."""
        return (getattr(self._worker, call)(*arguments) for arguments in each)


class Processes(Workers):
    """Several processes of this machine.

    They are started afresh: a fork of a process that has threads may hang.

    Raises:
      LogError: what they do cannot be sent to them.
    """

    def __init__(self, setup: Setup, count: int) -> None:
        try:
            pickle.dumps(setup)
        except (pickle.PicklingError, AttributeError, TypeError) as e:
            raise LogError(
                f"--workers {count}: the probe cannot be sent to them ({e}): give it functions"
                " that stand at the top of a module"
            ) from e
        self._count = count
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(setup,))

    def answers(self, call: str, each: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        """See `Workers.answers`."""

        def send(arguments: tuple[Any, ...]) -> Future[Outcome]:
            return self._pool.submit(_do, call, arguments)

        try:
            yield from in_order(send, Future.result, each, AHEAD * self._count)
        except BrokenProcessPool as e:
            raise LogError(
                "a worker died, of too little memory perhaps: pass fewer --workers"
            ) from e

    def close(self) -> None:
        """See `Workers.close`."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def in_order(
    send: Callable[[tuple[Any, ...]], Sent],
    receive: Callable[[Sent], Outcome],
    each: Iterable[tuple[Any, ...]],
    ahead: int,
) -> Iterator[Outcome]:
    """Answers in the order in which they were asked for, so many asked for at a time."""
    waiting: deque[Sent] = deque()
    for arguments in each:
        waiting.append(send(arguments))
        if len(waiting) >= ahead:
            yield receive(waiting.popleft())
    while waiting:
        yield receive(waiting.popleft())


_worker: Worker | None = None


def _begin(setup: Setup) -> None:
    global _worker  # noqa: PLW0603
    _worker = Worker(setup)
    # Ctrl-C reaches all processes of a terminal; only the first one has something to say.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Leave with the process that started this one, also where that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(call: str, arguments: tuple[Any, ...]) -> Outcome:
    answer: Outcome = getattr(_worker, call)(*arguments)
    return answer
