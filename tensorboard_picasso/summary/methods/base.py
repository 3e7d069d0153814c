"""What a method is, what it is given and what it gives back."""

import abc
import dataclasses
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output, Precision, Sign, within_single
from tensorboard_picasso.stored.record import Grid
from tensorboard_picasso.summary.backends import Backend
from tensorboard_picasso.summary.probe import outputs
from tensorboard_picasso.summary.probe.probe import Probe

Floats = NDArray[np.float64]

# The parameters of maps that are NaN as the model told too little to make any.
BROKEN = {"model": "not a number"}


class BrokenError(Exception):
    """Of a model that is not a number it cannot be told what a method needs to know."""


@dataclass(frozen=True)
class Subject:
    """One image of a probe and the model that is explained on it.

    index: of the image. output: what the model's scores are.
    logits: whether raw scores of `Output.SIGMOID` are logits, though no backend looked behind.
    x: the whole image as the model takes it, without a batch axis.
    raw: (classes,) the model's scores of it.
    targets: the classes to explain.
    value_name: what a raw output's value is called.
    kept: what methods of one record made that others of it need too, by what it hangs on.

    `backend` is asked about this image alone: the model's other inputs are this image's.
    """

    probe: Probe
    index: int
    backend: Backend
    output: Output
    x: NDArray[Any]
    raw: NDArray[Any]
    targets: tuple[int, ...]
    value_name: str = "value"
    logits: bool = False
    kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def image(self) -> NDArray[Any]:
        """The viewed image (height, width, channels), or a volume."""
        return self.probe.images[self.index]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a map of the viewed image, pixels; of a volume those of its sheet.

        Maps of volumes are sheets: their slices stand beneath each other (`numbers.volumes`).
        """
        *rows, width = self.image.shape[:-1]
        return math.prod(rows), width

    @property
    def depth(self) -> int:
        """How many slices a volume has; 0 of a picture."""
        return self.probe.depth(self.index)

    def random(self, seed: int) -> np.random.Generator:
        """Random numbers of a seed and this image: the same at every step, whatever the batch."""
        return np.random.default_rng([seed, *self.probe.hashes[self.index]])

    def log_odds(self, raw: NDArray[Any]) -> Floats:
        """Log-odds (n, classes) of raw scores (n, classes)."""
        return outputs.log_odds(raw, self.output, self._behind)

    def scores(self, raw: NDArray[Any], target: int, score: str) -> Floats:
        """A class's score of each row of raw scores (n, classes): (n,)."""
        return outputs.score(raw, self.output, target, score, self._behind)

    def cotangent(self, raw: NDArray[Any], target: int, score: str) -> Floats:
        """Derivative of a class's score by raw scores (n, classes), of their shape."""
        return outputs.cotangent(raw, self.output, target, score, self._behind)

    @property
    def _behind(self) -> bool:
        return self.backend.behind or self.logits

    def score_name(self, score: str) -> str:
        """What legends call the score that is explained: of raw outputs always the value."""
        return self.value_name if self.output is Output.RAW else score

    @property
    def rounding(self) -> float:
        """The rounding error of one log-odds (or raw value) in float32."""
        finite = np.abs(self.raw[np.isfinite(self.raw)]).max(initial=0.0)
        if self.output is not Output.RAW:
            odds = self.log_odds(self.raw[None])
            # Logits of size one are sums of larger terms; so are probabilities' logarithms.
            finite = max(1.0, finite, np.abs(odds[np.isfinite(odds)]).max(initial=0.0))
        return float(np.finfo(np.float32).eps * finite)


@dataclass(frozen=True)
class Answer:
    """What a method says of one image.

    maps: (height, width) of the viewed image, one a target; of a volume sheets, of
      `Subject.shape`.
    unit, score, layer, seed, parameters: what was used; unit and score are text
      for legends.
    grid: where the maps are made from one, it is stored and they are not.
    precision: how the maps are stored, where there is no grid.
    unseen: (height, width), true where the model never sees the pixel.
    rounding: of one value of a map; a map whose total is within ten times that
      has no shares.
    """

    maps: Mapping[int, Floats]
    unit: str
    score: str
    parameters: Mapping[str, str]
    layer: str = ""
    seed: int | None = None
    grid: Grid | None = None
    precision: Precision | None = None
    unseen: NDArray[np.bool_] | None = None
    rounding: float = 0.0

    def __post_init__(self) -> None:
        # Records hold float32: what is beyond it is infinite in all that is made of a map.
        within = {target: within_single(values) for target, values in self.maps.items()}
        object.__setattr__(self, "maps", within)


@dataclass(frozen=True)
class Method(abc.ABC):
    """An attribution method with its settings.

    It describes itself: the table in `docs/methods.md` and the tab's legend are made
    of what it says here and in its answers.

    Attributes:
      name: the method's.
      paper: where it was published.
      needs: of a model: "scores" (any can) or "gradients".
      label: last part of the tag; tells two settings of one method apart.
        Default: the method's name.

    Raises:
      ValueError: a label that is taken.
    """

    name: ClassVar[str]
    paper: ClassVar[str] = ""
    needs: ClassVar[str] = "scores"
    label: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.name)
        if not isinstance(self.label, str) or self.label in ("scores", "input"):
            raise ValueError(f"label={self.label!r}: pass another name")
        if self.label.endswith("/map"):
            raise ValueError(f"label={self.label!r}: maps are logged under /map, pass another end")

    def check(self, probe: Probe) -> None:  # noqa: B027
        """Say what is wrong before anything is computed.

        Called where a callback is made, and before a probe's first record with these settings.

        Raises:
          ValueError, TypeError: the settings do not go with the images.
        """

    @abc.abstractmethod
    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """Compute the maps of all targets of these images, one answer an image.

        Called once a record, and again for a second seed, once the whole images are scored. All images of a probe come at once, so that they can share batches.

        Raises:
          ValueError, TypeError: the settings do not go with the images or the model.
        """

    def answered(self, subjects: Sequence[Subject]) -> list[Answer]:
        """As `explain`, also where a model that is not a number tells too little for it.

        What records call.
        """
        return self.explain(subjects)

    @property
    @abc.abstractmethod
    def sign(self) -> Sign:
        """What the sign of its maps' values says. Read at each record, and for tables."""

    @property
    @abc.abstractmethod
    def passes(self) -> str:
        """Passes of the model that one image takes: "1 gradient a class". For tables alone."""

    def coarser(self, probe: Probe) -> Self | None:
        """The same with its stride doubled, None where it has none or none that long fits.

        Called before the first record with a budget, on what it returned before, until None.
        """
        return None

    def cost(self, probe: Probe) -> str:
        """What the cost line calls it: "occlusion 13×13". Called for that line alone."""
        return self.label


@dataclass(frozen=True)
class MapMethod(Method):
    """A method whose maps are stored in full.

    Attributes:
      score: what is explained: "log-odds", "logit" or "probability"; of raw outputs
        always the value.
      precision: how the maps are stored: "q8", "float16" or "float32".

    Raises:
      ValueError: an unknown score or precision.
    """

    score: str = field(default="log-odds", kw_only=True)
    precision: str = field(default="q8", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.score not in outputs.SCORES:
            raise ValueError(f"score={self.score!r}: pass one of {', '.join(outputs.SCORES)}")
        if self.precision not in list(Precision):
            raise ValueError(f"precision={self.precision!r}: pass one of {', '.join(Precision)}")

    def answered(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.answered`: the maps are NaN then."""
        try:
            return self.explain(subjects)
        except BrokenError:
            return [self._broken(subject) for subject in subjects]

    def _broken(self, subject: Subject) -> Answer:
        score = subject.score_name(self.score)
        return Answer(
            maps=dict.fromkeys(subject.targets, np.full(subject.shape, np.nan)),
            unit=score,
            score=score,
            parameters=BROKEN,
            layer=getattr(self, "layer", None) or "",
            seed=getattr(self, "seed", None),
            precision=Precision(self.precision),
        )


@dataclass(frozen=True)
class RandomMethod(MapMethod):
    """A method whose maps depend on random numbers, drawn from `Subject.random(seed)`.

    A seed makes them the same in every run and at every step, so that what changes between
    two records is the model. Their sampling error is then the same in every map, too:
    only another seed shows how large it is.

    Attributes:
      seed: of the random numbers; each image has its own.
      second_seed_every: at a probe's first record and every so many after it, maps
        are computed with a second seed too, and how alike they are is recorded; 0: never.

    Raises:
      ValueError: no whole number.
    """

    seed: int = field(default=0, kw_only=True)
    second_seed_every: int = field(default=10, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for setting in ("seed", "second_seed_every"):
            object.__setattr__(self, setting, whole(setting, getattr(self, setting), 0))

    @property
    def second(self) -> Self:
        """The same method with the second seed, which is far from those that are counted up."""
        seed = int(np.random.SeedSequence(self.seed, spawn_key=(1,)).generate_state(1)[0])
        return dataclasses.replace(self, seed=seed)

    def second_due(self, count: int) -> bool:
        """Whether the record after so many of the probe's takes the second seed too."""
        return self.second_seed_every > 0 and count % self.second_seed_every == 0


def pictures_alone(probe: Probe, what: str, remedy: str) -> None:
    """Say that something is made of pictures, where a probe has volumes.

    Raises:
      ValueError: it has.
    """
    if probe.depth(0):
        raise ValueError(f"{what} is of pictures, and probe {probe.name!r} has volumes: {remedy}")


def whole(name: str, value: Any, least: int) -> int:
    """A setting that is a whole number.

    Raises:
      ValueError: it is none, or below the least.
    """
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name}={value!r}: pass a whole number from {least}")
    return number
