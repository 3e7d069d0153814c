"""What a method is, and what it is given and gives back."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.maps import Output, Precision, Sign
from tensorboard_picasso.record import Grid
from tensorboard_picasso.summary import output as outputs
from tensorboard_picasso.summary.backends.base import Backend
from tensorboard_picasso.summary.probe import Probe

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Subject:
    """One image of a probe and the model that is explained on it.

    raw: (classes,) the model's scores for the whole image.
    """

    probe: Probe
    index: int
    backend: Backend
    output: Output
    raw: NDArray[Any]

    @property
    def image(self) -> NDArray[Any]:
        """The viewed image (height, width, channels)."""
        return self.probe.images[self.index]

    def log_odds(self, raw: NDArray[Any]) -> Floats:
        """Log-odds (n, classes) of raw scores (n, classes)."""
        return outputs.log_odds(raw, self.output, self.backend.behind)


@dataclass(frozen=True)
class Answer:
    """What a method says of one image.

    maps: (height, width) of the viewed image, one a target.
    unseen: true where the model never sees the pixel.
    rounding: of one value, for the shares.
    """

    sign: Sign
    unit: str
    score: str
    maps: Mapping[int, Floats]
    parameters: Mapping[str, str]
    layer: str = ""
    grid: Grid | None = None
    precision: Precision | None = None
    unseen: NDArray[np.bool_] | None = None
    rounding: float = 0.0


@dataclass(frozen=True)
class Method(abc.ABC):
    """An attribution method with its settings.

    label: tells two settings of one method apart; default: the method's name.
    """

    name: ClassVar[str]
    label: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.name)
        if not isinstance(self.label, str) or self.label in ("scores", "input"):
            raise ValueError(f"label={self.label!r}: pass another name")

    @abc.abstractmethod
    def explain(self, subject: Subject, targets: Sequence[int]) -> Answer:
        """Compute the maps of these targets."""

    @abc.abstractmethod
    def cost(self, probe: Probe) -> str:
        """What the cost line calls it: "occlusion 13×13"."""
