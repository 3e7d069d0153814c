"""What a writer must be able to do for the ops."""

import abc
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar


class Writer(abc.ABC):
    """Where an op writes to, and how it runs there.

    All is asked in the thread that calls the op, but for `write` where `background` is true:
    that is called in the one thread that makes records, in their order.

    Attributes:
      background: whether `write` may run after the call that asks for it. Only where
        nobody can take the log for complete in between: whoever ends it must wait.
      tensor_scalars: ordinary scalars are written there as `tf.summary.scalar` does.
    """

    background: bool = False
    tensor_scalars: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def owner(self) -> Any:
        """Whose log it is: what is remembered of probes is kept for each; None records nothing.

        Asked at each call of an op, as is all below.

        Another one where the log was removed, so that all of it is written anew.
        """

    @property
    def directory(self) -> str | None:
        """Where its files are, None where that is not known."""
        return None

    @abc.abstractmethod
    def write(self, summary: bytes, step: int) -> None:
        """Write one event and flush it, so that it survives the process; called once a record.

        Args:
          summary: a serialized `Summary`.
          step: of the event.

        Raises:
          Exception: it was not written.
        """

    def is_symbolic(self, value: Any) -> bool:
        """Whether a value, an argument of the op, is not known before a graph runs."""
        return False

    def outside_graph(self) -> AbstractContextManager[Any]:
        """A context outside the graph that is being traced, entered to ask what comes before it."""
        return nullcontext()

    def variables(self, model: Any) -> Sequence[Any]:
        """What a graph must be ordered after that calls a model on inputs not known yet.

        Called while a graph is traced in which the images are tensors.
        """
        return ()

    @contextmanager
    def scoped(self, name: str) -> Iterator[str]:
        """The name with the name scopes around it; `run` is called within."""
        yield name

    def run(
        self,
        step: Any,
        tensors: Sequence[Any],
        handles: Callable[[], Sequence[Any]],
        body: Callable[[int, Sequence[Any]], bool],
    ) -> Any:
        """Run `body` where it is to run: here and now, or where a graph runs. Once a call.

        Args:
          step: an integer or a tensor of one; None for a default step.
          tensors: what of the arguments is symbolic; `body` gets it as arrays.
          handles: what a graph must be ordered after.
          body: (step, arrays) to whether a record was accepted.

        Returns:
          Whether it was; in a graph a tensor.

        Raises:
          ValueError, TypeError: there is no step, or it is no integer.
        """
        if step is None:
            raise ValueError("no step: pass step=")
        try:
            number = operator.index(step)
        except TypeError as e:
            raise TypeError(f"step={step!r}: pass an integer") from e
        return body(number, [])
