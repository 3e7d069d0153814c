"""What training a Keras model has logged to a directory, over fits and callbacks."""

import weakref
from typing import Any


class History:
    """Owns what is remembered of probes; counts steps on where an optimizer starts anew.

    Attributes:
      step: the last one trained.
    """

    def __init__(self) -> None:
        self.step = 0

    def start(self, iterations: int) -> int:
        """The step at which a fit starts.

        A model that is compiled again, as for fine-tuning, has an optimizer that
        counts from 0: steps that went back would remove what was logged.

        Args:
          iterations: what the model's optimizer has counted so far.
        """
        self.step = max(self.step, iterations)
        return self.step


# By model, then by directory: another model is another history.
_histories: weakref.WeakKeyDictionary[Any, dict[str, History]] = weakref.WeakKeyDictionary()


def of(model: Any, directory: str) -> History:
    """The history of a model in a directory."""
    return _histories.setdefault(model, {}).setdefault(directory, History())
