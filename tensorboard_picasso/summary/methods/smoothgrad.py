"""SmoothGrad and VarGrad: mean and variance of gradients at noisy copies of the image.

References:
  Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise", arXiv 1706.03825.
  Adebayo et al. 2018, "Local Explanation Methods for Deep Neural Networks Lack
  Sensitivity to Parameter Values", arXiv 1810.03307 (VarGrad).
"""

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Precision, Sign, quiet
from tensorboard_picasso.summary.methods._gradients import Points, at_points
from tensorboard_picasso.summary.methods._site import Site
from tensorboard_picasso.summary.methods.base import Answer, Floats, RandomMethod, Subject, whole
from tensorboard_picasso.summary.methods.saliency import channels, over_channels, rounding
from tensorboard_picasso.summary.probe.probe import Probe

Array = NDArray[Any]


@dataclass(frozen=True)
class _Spread:
    """Gradients at copies of an image, each (height, width).

    signed, strength: their mean, over channels summed, and the absolute value's maximum.
    variance: its maximum over channels; of one copy zero.
    """

    signed: Floats
    strength: Floats
    variance: Floats

    @classmethod
    def of(cls, gradients: Array) -> "_Spread":
        """Of gradients (copies, height, width, channels)."""
        with quiet():
            mean = gradients.mean(axis=0, dtype=np.float64)
            away = gradients - mean.astype(gradients.dtype)
            squares = np.einsum("n...,n...->...", away, away, dtype=np.float64)
            variance = squares / max(1, len(gradients) - 1)
            signed, strength = (over_channels(mean, each) for each in (True, False))
            return cls(signed, strength, np.asarray(variance.max(axis=-1)))


@dataclass(frozen=True)
class Noisy(RandomMethod):
    """What is made of gradients at noisy copies of an image.

    The same noise is used for all classes and at every step.

    Args:
      samples: how many copies.
      noise: standard deviation, as a share of the range that the input's values span.
      seed, second_seed_every: of the noise, see `RandomMethod`.
    """

    needs: ClassVar[str] = "gradients"
    samples: int = 25
    noise: float = 0.15

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "samples", whole("samples", self.samples, 1))
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"noise={self.noise!r}: pass a share of the range, such as 0.15")

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        return f"{self.samples} scores, {self.samples} gradients a class"

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; the copies of all images share batches.

        Their gradients serve all methods of the same noise.
        """
        sites = [Site(subject) for subject in subjects]
        key = "noisy", self.samples, self.noise, self.seed, self.score
        wanted = [site for site in sites if key not in site.subject.kept]
        waiting: dict[int, list[Array]] = {}

        def heed(at: int, part: slice, gradients: Array) -> None:
            some = waiting.setdefault(at, [])
            some.append(gradients)
            if part.stop == self.samples:
                site = wanted[at]
                every = np.concatenate(waiting.pop(at), axis=1)
                site.subject.kept[key] = [_Spread.of(site.channels_last(each)) for each in every]

        at_points(
            [Points(site, self.samples, partial(self._copies, site)) for site in wanted],
            self.score,
            heed,
        )
        return [self._answer(site, site.subject.kept[key]) for site in sites]

    def _copies(self, site: Site) -> Array:
        x = site.origin
        noise = site.subject.random(self.seed).standard_normal((self.samples, *x.shape))
        noise *= self.noise * float(np.ptp(x))
        noise += x
        return noise.astype(x.dtype)

    def _answer(self, site: Site, spreads: Sequence["_Spread"]) -> Answer:
        subject = site.subject
        values, unseen, pixels = site.over_image([self._made(each) for each in spreads])
        score = subject.score_name(self.score)
        unit, per_channel = self._units(f"{score} per unit of input")
        return Answer(
            maps=dict(zip(subject.targets, values, strict=True)),
            unit=unit,
            score=score,
            seed=self.seed,
            parameters={
                "samples": str(self.samples),
                "noise": f"{100 * self.noise:g} % of the range",
                "channels": per_channel,
                "pixels": pixels,
            },
            precision=Precision(self.precision),
            unseen=unseen,
            rounding=self._rounding(rounding(subject, values[0].size)),
        )

    @abc.abstractmethod
    def _made(self, spread: "_Spread") -> Floats:
        """A map (height, width)."""

    @abc.abstractmethod
    def _units(self, gradient: str) -> tuple[str, str]:
        """The unit, from that of a gradient; and what is done with the channels."""

    def _rounding(self, gradient: float) -> float:
        return gradient

    def cost(self, probe: Probe) -> str:
        """See `Method.cost`."""
        return f"{self.label} {self.samples} samples"


@dataclass(frozen=True)
class SmoothGrad(Noisy):
    """The mean gradient over noisy copies: as `Saliency` without what small changes turn over.

    Args:
      samples: how many copies.
      noise: standard deviation, as a share of the range that the input's values span.
      signed: sum over channels; else the absolute value's maximum over channels.
      seed, second_seed_every: of the noise, see `RandomMethod`.
      score, precision: see `MapMethod`. label: last part of the tag.

    Raises:
      ValueError: a setting that cannot be used.
    """

    name: ClassVar[str] = "smoothgrad"
    paper: ClassVar[str] = "Smilkov et al. 2017, arXiv 1706.03825"
    signed: bool = False

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.DIRECTION if self.signed else Sign.UNSIGNED

    def _made(self, spread: "_Spread") -> Floats:
        return spread.signed if self.signed else spread.strength

    def _units(self, gradient: str) -> tuple[str, str]:
        return gradient, channels(self.signed)


@dataclass(frozen=True)
class VarGrad(Noisy):
    """The variance of the gradient over noisy copies: where the model is far from linear.

    Args:
      samples: how many copies, from 2.
      noise: standard deviation, as a share of the range that the input's values span.
      seed, second_seed_every: of the noise, see `RandomMethod`.
      score, precision: see `MapMethod`. label: last part of the tag.

    Raises:
      ValueError: a setting that cannot be used.
    """

    name: ClassVar[str] = "vargrad"
    paper: ClassVar[str] = "Adebayo et al. 2018, arXiv 1810.03307"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("samples", self.samples, 2)

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.UNSIGNED

    def _made(self, spread: "_Spread") -> Floats:
        return spread.variance

    def _units(self, gradient: str) -> tuple[str, str]:
        return f"({gradient})²", "maximum of the variance over channels"

    def _rounding(self, gradient: float) -> float:
        return gradient * gradient  # where ** raises, this is infinite
