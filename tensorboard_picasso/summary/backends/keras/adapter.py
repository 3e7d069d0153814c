"""The adapters of Keras' models on its PyTorch and JAX backends.

A model is called statelessly: its variables go in, and what a call changes is dropped.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends._common.call import PLAIN, by_rows
from tensorboard_picasso.summary.backends._common.question import Others
from tensorboard_picasso.summary.backends.base import (
    Array,
    Arrival,
    Call,
    Function,
    Layer,
    Question,
    Setup,
    UnsupportedError,
)
from tensorboard_picasso.summary.backends.jax.adapter import JaxAdapter
from tensorboard_picasso.summary.backends.jax.layers import Tap
from tensorboard_picasso.summary.backends.jax.models import Pure, check
from tensorboard_picasso.summary.backends.keras.arrival import arriving
from tensorboard_picasso.summary.backends.keras.ends import End
from tensorboard_picasso.summary.backends.keras.layers import calls, layer_named, tapped
from tensorboard_picasso.summary.backends.keras.models import built, called, not_built, runs_on
from tensorboard_picasso.summary.backends.torch.adapter import TorchAdapter, copied

_T = TypeVar("_T")

# So often, seconds apart, a model is asked whose arrays a step of training is using up; and one
# that has none, and is about to say that it is trained, once its thread has a core again.
_TRIES, _FEW, _PAUSE = 6000, 400, 0.005


class KerasOnTorch(TorchAdapter):
    """Eagerly, as any module, but that its calls are stateless.

    Images stay as they are, with their channels last or first, and so do layers' outputs.
    """

    name = "keras"
    layers_channels_first = False

    def __init__(self, model: Any, setup: Setup) -> None:
        from tensorboard_picasso.summary.backends.keras.wrapped import Wrapped

        super().__init__(model, replace(setup, channels_last=False))
        self._wrapped = Wrapped(model)

    def _run(self, body: Callable[[], _T], seed: int | None = None) -> _T:
        with self._wrapped.confined(seed):
            return body()

    def _forward(self, batch: Any, others: Others) -> Any:

        # Without their versions: a training in another thread may write between a pass and its
        # gradient.
        values = tuple([each.data for each in kind] for kind in _values(self._model))
        given = self._beside(others, len(batch))
        output, self.shown, self.behind = _scores(
            self._model, values, batch, self.setup.look_behind, self.setup.call, given
        )
        return output

    def _raw(self, batch: Any, others: Others) -> Any:
        return self._forward(batch.clone(), others)

    def _noted(self, count: int) -> AbstractContextManager[list[Layer]]:
        return calls(self._model, count)

    def _arriving(self, over: bool) -> AbstractContextManager[list[Arrival] | None]:
        return arriving(self._model, over)

    @contextmanager
    def _captured(self, name: str | None, passed_on: Function = copied) -> Iterator[list[Any]]:
        captured: list[Any] = []
        if name is None:
            yield captured
            return

        def tap(output: Any) -> Any:
            captured.append(output)
            return passed_on(output)

        with tapped(layer_named(self._model, name), tap):
            yield captured


class KerasOnJax(JaxAdapter):
    """Compiled once a shape, with the variables as arguments."""

    name = "keras"

    def __init__(self, model: Any, setup: Setup) -> None:
        super().__init__(model, setup)
        self._function = _Function(model)
        self._waits = True  # until it was in vain

    def layers(self, question: Question) -> list[Layer]:
        """See `Adapter.layers`."""
        return self._again(lambda: super(KerasOnJax, self).layers(question))

    def reaches(self, question: Question, places: NDArray[np.bool_]) -> bool:
        """See `Adapter.reaches`."""
        return self._again(lambda: super(KerasOnJax, self).reaches(question, places))

    def arrives(self, question: Question, over: bool) -> Arrival | None:
        """See `Adapter.arrives`; not compiled, as what arrives is looked at."""
        return self._again(lambda: self._arrives(question, over))

    def _arrives(self, question: Question, over: bool) -> Arrival | None:
        import jax

        with arriving(self.model, over) as arrivals:
            if arrivals is not None:
                batch, *others = map(jax.device_put, question.arrays)
                function, values = self._pure()
                function(values, batch, call=self.setup.call, others=others)
        return arrivals[0] if arrivals else None

    def _run(self, key: Any, body: Callable[..., Any], *arrays: Array) -> Array:
        run = super()._run
        return self._again(lambda: run(key, body, *arrays))

    def _again(self, body: Callable[[], _T]) -> _T:
        """What `body` makes; again where training in another thread used the arrays up."""
        for _ in range(_TRIES):
            try:
                return body()
            except (RuntimeError, UnsupportedError) as e:
                if "has been deleted" not in str(e):
                    raise
            time.sleep(_PAUSE)
        return body()

    def _pure(self) -> tuple[Pure, Any]:
        values = self._values()
        check(self._function, values)
        return self._function, values

    def _values(self) -> tuple[list[Any], list[Any]]:
        """See `_values`; waited for where training in another thread has taken them out."""
        for tried in itertools.count():
            try:
                return _values(self.model)
            except UnsupportedError:
                training = self.model.built and not getattr(self.model, "_jax_state_synced", True)
                if tried >= (_TRIES if training else _FEW if self._may_train() else 0):
                    self._waits = False
                    raise
            time.sleep(_PAUSE)
        raise AssertionError("unreachable")

    def _may_train(self) -> bool:
        """Whether a model without weights may be about to say that it is trained.

        Not as a part of one that is, of which no function was made.
        """
        kinds = "train", "test", "predict"
        return self._waits and any(getattr(self.model, f"{each}_function", None) for each in kinds)

    def _kept(self, model: Pure) -> Any:
        return self._programs


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
        noted: list[Layer],
        call: Call = PLAIN,
        others: Sequence[Any] = (),
    ) -> Any:
        """See `Pure`."""
        with calls(self._model, len(x)) as layers:
            output = self(values, x, None, None, call, others)
        noted += layers
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
    kinds = model.trainable_variables, model.non_trainable_variables
    if runs_on("torch"):
        if any(each._value is None for each in model.variables):
            raise not_built(model)  # but being built, by another thread
        trained, others = ([each.value for each in kind] for kind in kinds)
        return trained, others
    # Each is read once: of one that is taken out meanwhile, `value` would be its initial one.
    trained, others = ([each._value for each in kind] for kind in kinds)
    if any(each is None for each in (*trained, *others)):
        raise UnsupportedError(
            f"{type(model).__name__} has no weights while another model trains it: pass the one"
            " that is trained"
        )
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
