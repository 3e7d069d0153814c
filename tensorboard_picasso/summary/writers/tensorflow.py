"""`tf.summary`: its writers, default step and conditions, eagerly and in graphs."""

import operator
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import tensorflow as tf

# TensorFlow has no public way to ask for the default writer, nor whether XLA compiles.
from tensorflow.python.ops import control_flow_util, summary_ops_v2

from tensorboard_picasso.summary.kit import locks, report
from tensorboard_picasso.summary.writers import _watched
from tensorboard_picasso.summary.writers.base import Writer

KIND = tf.summary.SummaryWriter
# Seconds that a step of a graph waits for another thread's call.
_PATIENCE = 0.2


def default_writer() -> Any:
    """The default `tf.summary` writer of this thread, None where there is none."""
    return summary_ops_v2._summary_state.writer


def tracing() -> bool:
    """Whether a graph is being traced."""
    return not tf.executing_eagerly()


def _choose_step(step: Any) -> Any:
    """The step given, else the default step: an int or an integer tensor.

    Raises:
      ValueError: there is neither.
      TypeError: it is no integer.
    """
    if step is None:
        step = tf.summary.experimental.get_step()
    if step is None:
        raise ValueError("no step: pass step=, or writer.as_default(step=…)")
    if not hasattr(step, "dtype"):
        try:
            return operator.index(step)
        except TypeError as e:
            raise TypeError(f"step={step!r}: pass an integer") from e
    tensor = tf.convert_to_tensor(step)
    if not tensor.dtype.is_integer:
        raise TypeError(f"step={step!r}: pass an integer")
    return tensor


class Shared:
    """A directory's one writer, for all who write there at the same time.

    Of two event files in one directory TensorBoard may follow the newer one only.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.writer = tf.summary.create_file_writer(directory)
        self._users: weakref.WeakSet[Any] = weakref.WeakSet()

    def leave(self, user: Any) -> None:
        """The last user closes the writer."""
        self._users.discard(user)
        if not self._users:
            self.writer.close()

    @classmethod
    def join(cls, directory: str, user: Any) -> "Shared":
        """The open writer of a directory, or a new one."""
        shared = _shared.get(directory)
        if shared is None or not shared._users:
            shared = _shared[directory] = cls(directory)
        shared._users.add(user)
        return shared


_shared: weakref.WeakValueDictionary[str, Shared] = weakref.WeakValueDictionary()


def _put(writer: Any, summary: bytes, step: int) -> None:
    with tf.init_scope(), writer.as_default(step=step), tf.summary.record_if(True):
        accepted = tf.summary.experimental.write_raw_pb(tf.constant(summary), step=step)
        if not bool(accepted):
            raise RuntimeError("the writer did not accept the event")
        writer.flush()


class TensorFlowWriter(Writer):
    """A `tf.summary` writer; the op behaves as the ops of `tf.summary` do."""

    tensor_scalars = True

    def __init__(self, writer: Any, directory: str | None = None) -> None:
        self._writer = writer
        self._directory = directory

    @property
    def owner(self) -> _watched.Watched | None:
        """See `Writer.owner`."""
        return None if self._writer is None else _watched.of(self._writer)

    @property
    def directory(self) -> str | None:
        """See `Writer.directory`."""
        return self._directory or _watched.directory(_watched.of(self._writer))

    def write(self, summary: bytes, step: int) -> None:
        """See `Writer.write`."""
        _watched.of(self._writer).write(summary, step, partial(_put, self._writer, summary, step))

    def is_symbolic(self, value: Any) -> bool:
        """True for a tensor that has no value while the graph is traced."""
        return isinstance(value, tf.Tensor) and tf.is_symbolic_tensor(value)

    def outside_graph(self) -> Any:
        """A context in which TensorFlow runs eagerly, also while a graph is traced."""
        return tf.init_scope()

    def variables(self, model: Any) -> list[Any]:
        """The resources of a model.

        Raises:
          TypeError: the model does not tell its variables.
        """
        variables = getattr(model, "variables", None)
        if variables is None or callable(variables):
            raise TypeError(
                f"{type(model).__name__} does not tell its variables: pass a Probe, not tensors"
            )
        values = [getattr(each, "value", each) for each in variables]
        return [each.handle for each in values if hasattr(each, "handle")]

    @contextmanager
    def scoped(self, name: str) -> Iterator[str]:
        """The name with TensorFlow's name scopes around it."""
        with tf.summary.experimental.summary_scope(name, values=[]) as (tag, _):
            yield tag

    def run(
        self,
        step: Any,
        tensors: Sequence[Any],
        handles: Callable[[], Sequence[Any]],
        body: Callable[[int, Sequence[Any]], bool],
    ) -> Any:
        """See `Writer.run`: when the summary condition holds.

        In a graph a `py_function` is ordered against updates of variables just because
        their handles are its inputs.

        Raises:
          RuntimeError: XLA compiles the step that is being traced.
        """
        should = self._should_record()
        if tf.executing_eagerly():
            return bool(should) and body(int(_choose_step(step)), [])
        if control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()):
            raise RuntimeError(
                "picasso ops cannot run in a step that XLA compiles: compile(jit_compile=False) or"
                " tf.function(jit_compile=False), or use summary.KerasCallback, which runs outside"
            )

        def record() -> Any:
            inputs = [tf.cast(_choose_step(step), tf.int64), *tensors]
            count = len(inputs)

            def call(*values: Any) -> bool:
                try:
                    # The thread is one of TensorFlow's few, and who is waited for needs them.
                    with locks.impatient(_PATIENCE):
                        return body(int(values[0]), [each.numpy() for each in values[1:count]])
                except locks.BusyError as e:
                    report.warn("busy", f"step {int(values[0])} is not logged: {e}")
                    return False

            result = tf.py_function(call, [*inputs, *handles()], tf.bool)
            result.set_shape(())
            return result

        known = tf.get_static_value(tf.convert_to_tensor(should))
        if known is not None:
            return record() if known else tf.constant(False)
        return tf.cond(should, record, lambda: tf.constant(False))

    def _should_record(self) -> Any:
        """Whether the summary condition holds; TensorFlow says no where no writer is the default.

        The writer is put there past `as_default`, which raises where it is closed.
        """
        state = summary_ops_v2._summary_state
        default, state.writer = state.writer, self._writer
        try:
            return tf.summary.should_record_summaries()
        finally:
            state.writer = default


def writer_of(writer: Any) -> Writer:
    """See `writers`."""
    return TensorFlowWriter(writer)
