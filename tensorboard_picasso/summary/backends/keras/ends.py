"""Ends of Keras' models: the last layer, where it tells what scores are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends.keras.models import is_keras
from tensorboard_picasso.summary.reuse.keras_taps import real, replaced


class End:
    """A model's last layer, where it tells what scores are.

    Attributes:
      shown: of what its activation is given; None where it does not tell.
      plain: it has none, so that `shown` holds of its output.
    """

    def __init__(self, model: Any, pick: str | int | None = None) -> None:
        import keras

        linear = (keras.activations.linear, keras.activations.log_softmax)
        shows = {
            keras.activations.softmax: Output.LOGITS,
            keras.activations.sigmoid: Output.SIGMOID,
            **dict.fromkeys(linear, Output.LOGITS),
        }
        self._calls: list[tuple[Any, Any]] = []
        self._layer = _last(model, pick)
        activation = real(self._layer, "activation")
        if isinstance(self._layer, keras.layers.Softmax) and self._layer.axis == -1:
            activation = keras.activations.softmax
        self.shown = shows.get(activation) if callable(activation) else None
        self.plain = activation in linear
        if activation is keras.activations.linear and not isinstance(
            self._layer, keras.layers.Dense
        ):
            self.shown = None

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what the activation is given, while the model is called."""
        if self.shown is None or self.plain:
            yield
            return
        name = "activation" if "activation" in vars(self._layer) else "call"

        def noting(function: Callable[..., Any]) -> Callable[..., Any]:
            def note(given: Any, *args: Any, **kwargs: Any) -> Any:
                output = function(given, *args, **kwargs)
                self._calls[:] = [(given, output)]
                return output

            return note

        with replaced(self._layer, name, noting):
            yield

    def behind(self, output: Any) -> Any:
        """What the activation was given that made an output; None where it made none."""
        noted, self._calls = self._calls, []
        return noted[0][0] if noted and noted[0][1] is output else None


def _last(model: Any, pick: str | int | None) -> Any:
    """The layer that makes a model's one output, or the one picked, where that can be told."""
    while is_keras(model) and (outputs := getattr(model, "outputs", None)):
        if pick is not None:
            structure = model._outputs_struct
            try:
                outputs, pick = [structure[pick]], None
            except (KeyError, IndexError, TypeError):
                return None
        history = getattr(outputs[0], "_keras_history", None) if len(outputs) == 1 else None
        if history is None:
            return None
        model = history.operation
    return model if is_keras(model) else None
