"""Keras 3 on its PyTorch and JAX backends; on TensorFlow its models are TensorFlow's.

A model is called statelessly: its variables go in, and what a call changes is dropped.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends import jax, torch
from tensorboard_picasso.summary.backends._common.attempts import Attempts
from tensorboard_picasso.summary.backends._common.call import by_rows
from tensorboard_picasso.summary.backends.base import (
    Array,
    Arrival,
    Call,
    Claim,
    Function,
    Layer,
    UnsupportedError,
)
from tensorboard_picasso.summary.backends.jax.models import PLAIN, Pure, Tap, check
from tensorboard_picasso.summary.backends.keras.arrival import arriving
from tensorboard_picasso.summary.backends.keras.models import (
    End,
    built,
    called,
    calls,
    is_keras,
    layer_named,
    not_built,
    runs_on,
    tapped,
)

_T = TypeVar("_T")

# So often, seconds apart, a model is asked whose arrays a step of training is using up; and one
# that has none, which may be about to say that it is trained.
_TRIES, _FEW, _PAUSE = 6000, 20, 0.005


def adapts(model: Any) -> Claim:
    """Keras' models and layers, which on PyTorch are its modules too."""
    return Claim.YES if is_keras(model) and runs_on("torch", "jax") else Claim.NO


class Adapter(Attempts):
    """As Keras' backend has it; images stay as they are, with their channels last or first."""

    name = "keras"

    def __init__(self, model: Any, look_behind: bool = True) -> None:
        kind = _OnTorch if runs_on("torch") else _OnJax
        super().__init__([kind(model, look_behind)])


class _OnTorch(torch.Adapter):
    """Eagerly, as any module, but that its calls are stateless."""

    def __init__(self, model: Any, look_behind: bool = True) -> None:
        from tensorboard_picasso.summary.backends.keras.wrapped import Wrapped

        super().__init__(model, look_behind)
        self._wrapped = Wrapped(model)

    def _run(self, body: Callable[[], _T], seed: int | None = None) -> _T:
        with self._wrapped.confined(seed):
            return body()

    def _forward(self, batch: Any) -> Any:
        import torch

        # Without their versions: a training in another thread may write between a pass and its
        # gradient.
        values = tuple([each.data for each in kind] for kind in _values(self._model))
        others = [self._moved(torch.from_numpy(each)) for each in self.beside(len(batch))]
        output, self.shown, self.behind = _scores(
            self._model, values, batch, self._look_behind, self.call, others
        )
        return output

    def _raw(self, batch: Any) -> Any:
        return self._forward(batch.clone())

    def _noted(self, count: int) -> AbstractContextManager[list[Layer]]:
        return calls(self._model, count)

    def _arriving(self, over: bool) -> AbstractContextManager[list[Arrival] | None]:
        return arriving(self._model, over)

    @contextmanager
    def _captured(
        self, name: str | None, passed_on: Function = torch.copied
    ) -> Iterator[list[Any]]:
        captured: list[Any] = []
        if name is None:
            yield captured
            return

        def tap(output: Any) -> Any:
            captured.append(output)
            return passed_on(output)

        with tapped(layer_named(self._model, name), tap):
            yield captured


class _OnJax(jax.Adapter):
    """Compiled once a shape, with the variables as arguments."""

    def __init__(self, model: Any, look_behind: bool = True) -> None:
        super().__init__(model, look_behind)
        self._function = _Function(model)

    def _pure(self) -> tuple[Pure, Any]:
        values = _values(self._model)
        check(self._function, values)
        return self._function, values

    def _run(self, key: Any, body: Callable[..., Any], *arrays: Array) -> Array:
        """See `jax.Adapter`; again where training in another thread gave the arrays away."""
        for tried in itertools.count():
            try:
                return super()._run(key, body, *arrays)
            except UnsupportedError as e:
                used_up, purged = "has been deleted" in str(e), "has no weights" in str(e)
                training = not getattr(self._model, "_jax_state_synced", True)
                most = _TRIES if used_up or training else _FEW
                if not (used_up or purged) or tried >= most:
                    raise
            time.sleep(_PAUSE)
        raise AssertionError("unreachable")

    def _kept(self, model: Pure) -> Any:
        return self._programs

    def arrives(self, x: Array, over: bool) -> Arrival | None:
        """See `Backend.arrives`; not compiled, as what arrives is looked at."""
        import jax

        with arriving(self._model, over) as found:
            if found is not None:
                batch, *others = map(jax.device_put, (x, *self.beside(len(x))))
                self._function(_values(self._model), batch, call=self.call, others=others)
        return found[0] if found else None


class _Function(Pure):
    """A model as a function of its variables."""

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """See `Pure`."""
        return type(self._model).__name__

    def __call__(
        self,
        values: Any,
        x: Any,
        layer: str | None = None,
        tap: Tap | None = None,
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """See `Pure`."""
        return self.scores(values, x, False, layer, tap, call, others)[0]

    def scores(
        self,
        values: Any,
        x: Any,
        look_behind: bool,
        layer: str | None = None,
        tap: Tap | None = None,
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> tuple[Any, Output | None, bool]:
        """See `Pure`."""
        if layer is None or tap is None:
            return _scores(self._model, values, x, look_behind, call, others)
        with tapped(layer_named(self._model, layer), tap):
            return _scores(self._model, values, x, look_behind, call, others)

    def noting(
        self,
        values: Any,
        x: Any,
        found: list[Layer],
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """See `Pure`."""
        with calls(self._model, len(x)) as known:
            output = self(values, x, None, None, call, others)
        found += known
        return output


def _values(model: Any) -> tuple[list[Any], list[Any]]:
    """A model's variables as they are now, trained and other ones.

    Raises:
      UnsupportedError: it has none yet, or while another model trains it.
    """
    if not model.built:
        raise not_built(model)
    # On JAX, training keeps them out of the model. Putting them in there, as Keras has a function
    # for, would lose a step that another thread is taking.
    state = getattr(model, "_jax_state", None)
    if state and not model._jax_state_synced:
        return list(state["trainable_variables"]), list(state["non_trainable_variables"])
    if any(each._value is None for each in model.variables):
        if runs_on("torch"):
            raise not_built(model)  # but being built, by another thread
        raise UnsupportedError(
            f"{type(model).__name__} has no weights while another model trains it: pass the one"
            " that is trained"
        )
    kinds = model.trainable_variables, model.non_trainable_variables
    trained, others = ([each.value for each in kind] for kind in kinds)
    return trained, others


def _scores(
    model: Any, values: Any, batch: Any, look_behind: bool, call: Call, others: Sequence[Any]
) -> tuple[Any, Output | None, bool]:
    """Scores, what they show themselves to be, and whether they stand before an activation."""
    name = type(model).__name__
    end = End(model, call.pick)

    def stateless(*args: Any, **keywords: Any) -> Any:
        return model.stateless_call(*values, *args, **keywords, training=False)[0]

    with end.noted(), built(model):
        output = call.scored(called(model, stateless, call, batch, others), name, others)
    if not hasattr(output, "dtype"):
        raise UnsupportedError(f"{name} returns {type(output).__name__}, no tensor")
    before = end.behind(output)
    if look_behind and before is not None:
        return by_rows(before, len(batch)), end.shown, True
    return by_rows(output, len(batch)), end.shown if end.plain else None, False
