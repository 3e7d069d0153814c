"""Classes of a probe: their names, as given or as the user's function tells them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.probe import labels


class Classes:
    """The names of classes by index; what `decode_prob` names is learned with the scores.

    Attributes:
      names: tuple of str, empty where they are not known.
    """

    def __init__(self, given: Any, decode: Callable[[Any], Any] | None) -> None:
        self.names = labels.class_names(given)
        self._given = given is not None
        self._mapped = isinstance(given, Mapping)
        self._decode = decode

    def learn(self, probabilities: Array) -> None:
        """See `Probe.name_classes`."""
        if self._decode is None or self._given:
            return
        numbers = tuple(map(str, range(probabilities.shape[1])))
        known = self.names or numbers
        if all(name != number for name, number in zip(known, numbers, strict=True)):
            return
        decoded = labels.decoded(self._decode(np.array(probabilities)), len(numbers))
        names = tuple(
            was if new == number else new
            for was, new, number in zip(known, decoded, numbers, strict=True)
        )
        if names != self.names:
            self.names = names

    def check(self, count: int) -> None:
        """Raise ValueError where the names given are not those of a model of so many classes."""
        if self._given and not self._mapped and len(self.names) != count:
            raise ValueError(
                f"class_names has {len(self.names)} names and the model {count} classes:"
                " pass one each, or {index: name} for some"
            )
