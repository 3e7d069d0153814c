"""Saliency: the gradient of a class's score with respect to the model's input.

References:
  Simonyan et al. 2014, "Deep Inside Convolutional Networks", arXiv 1312.6034.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Precision, Sign, quiet
from tensorboard_picasso.summary.methods._gradients import plain
from tensorboard_picasso.summary.methods._site import Site, soundest_first
from tensorboard_picasso.summary.methods.base import Answer, Floats, MapMethod, Subject

Array = NDArray[Any]


@dataclass(frozen=True)
class Saliency(MapMethod):
    """The gradient's strength, or with `signed` its direction, at each pixel.

    Args:
      signed: sum over channels; else the absolute value's maximum over channels.
      layer: take the gradient with respect to a named layer's output instead,
        over its channels as above, and enlarged bilinearly to the model's input. Its
        places are found, or made by the probe's `postprocess`.
      score, precision: see `MapMethod`. label: last part of the tag.

    Raises:
      ValueError: an unknown score or precision.
    """

    name: ClassVar[str] = "saliency"
    paper: ClassVar[str] = "Simonyan et al. 2014, arXiv 1312.6034"
    needs: ClassVar[str] = "gradients"
    signed: bool = False
    layer: str | None = None

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.DIRECTION if self.signed else Sign.UNSIGNED

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        return "1 gradient a class"

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; all targets of all images share batches."""
        sites = [Site(subject, self.layer) for subject in subjects]
        for site in soundest_first(sites):
            site.check_layer()
        gradients = plain(sites, self.score)
        return [
            self._answer(site, gradient.astype(np.float64))
            for site, gradient in zip(sites, gradients, strict=True)
        ]

    def _answer(self, site: Site, gradient: Floats) -> Answer:
        subject = site.subject
        if self.layer:
            placed = site.over_places(gradient).astype(np.float64)
            maps = placed if placed.ndim == 3 else over_channels(placed, self.signed)
            flat = site.enlarged(maps)
        else:
            flat = list(over_channels(site.channels_last(gradient), self.signed))
        values, unseen, pixels = site.over_image(flat)
        score = subject.score_name(self.score)
        return Answer(
            maps=dict(zip(subject.targets, values, strict=True)),
            unit=f"{score} per unit of {self.layer or 'input'}",
            score=score,
            parameters={"channels": channels(self.signed), "pixels": pixels, **site.told},
            layer=self.layer or "",
            precision=Precision(self.precision),
            unseen=unseen,
            rounding=rounding(subject, values[0].size, self.layer),
        )


def over_channels(gradient: Floats, signed: bool) -> Floats:
    """Gradients (…, channels) to one number each."""
    with quiet():
        value = gradient.sum(axis=-1) if signed else np.abs(gradient).max(axis=-1)
    return np.asarray(value)


def channels(signed: bool) -> str:
    """How `over_channels` is recorded."""
    return "sum over channels" if signed else "maximum of |gradient| over channels"


def rounding(subject: Subject, pixels: int, layer: str | None = None) -> float:
    """The rounding of one value of a gradient map.

    A gradient that all pixels together, over their whole range, turn into less than the
    rounding of the score says nothing.
    """
    span = 1.0 if layer else float(np.ptp(subject.x)) or 1.0
    return subject.rounding / (span * pixels)
