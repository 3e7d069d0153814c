"""The adapters of Keras' models on its PyTorch and JAX backends.

A model is called statelessly: its variables go in, and what a call changes is dropped.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

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
# that has none, which may be about to say that it is trained.
_TRIES, _FEW, _PAUSE = 6000, 20, 0.005


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

    def _pure(self) -> tuple[Pure, Any]:
        values = _values(self.model)
        check(self._function, values)
        return self._function, values

    def _run(self, key: Any, body: Callable[..., Any], *arrays: Array) -> Array:
        """See `JaxAdapter`; again where training in another thread gave the arrays away."""
        for tried in itertools.count():
            try:
                return super()._run(key, body, *arrays)
            except UnsupportedError as e:
                used_up, purged = "has been deleted" in str(e), "has no weights" in str(e)
                training = not getattr(self.model, "_jax_state_synced", True)
                most = _TRIES if used_up or training else _FEW
                if not (used_up or purged) or tried >= most:
                    raise
            time.sleep(_PAUSE)
        raise AssertionError("unreachable")

    def _kept(self, model: Pure) -> Any:
        return self._programs

    def arrives(self, question: Question, over: bool) -> Arrival | None:
        """See `Adapter.arrives`; not compiled, as what arrives is looked at."""
        import jax

        with arriving(self.model, over) as arrivals:
            if arrivals is not None:
                batch, *others = map(jax.device_put, question.arrays)
                values = _values(self.model)
                self._function(values, batch, call=self.setup.call, others=others)
        return arrivals[0] if arrivals else None


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
