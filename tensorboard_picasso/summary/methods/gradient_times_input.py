"""Gradient × input: what each pixel adds to the score of a model taken as linear.

References:
  Shrikumar et al. 2016, "Not Just a Black Box", arXiv 1605.01713.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tensorboard_picasso.numbers.maps import Precision, Sign, quiet
from tensorboard_picasso.summary.methods._gradients import plain
from tensorboard_picasso.summary.methods._site import Site
from tensorboard_picasso.summary.methods.base import Answer, Floats, MapMethod, Subject


@dataclass(frozen=True)
class GradientTimesInput(MapMethod):
    """The gradient times the input's own values, summed over channels.

    Of a linear model it is each pixel's part of the score. The input's zero is what it
    compares with, whatever that looks like: a pixel of value zero gets nothing.

    Args:
      score, precision: see `MapMethod`. label: last part of the tag.

    Raises:
      ValueError: an unknown score or precision.
    """

    name: ClassVar[str] = "gradient-times-input"
    paper: ClassVar[str] = "Shrikumar et al. 2016, arXiv 1605.01713"
    needs: ClassVar[str] = "gradients"

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.CONTRIBUTION

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        return "1 gradient a class"

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; all targets of all images share batches."""
        sites = [Site(subject) for subject in subjects]
        gradients = plain(sites, self.score)
        return [
            self._answer(site, gradient.astype(np.float64))
            for site, gradient in zip(sites, gradients, strict=True)
        ]

    def _answer(self, site: Site, gradients: Floats) -> Answer:
        subject = site.subject
        with quiet():
            products = list(site.channels_last(gradients * site.x).sum(axis=-1))
        values, unseen, pixels = site.over_image(products, sums=True)
        zero = "the model's input" if site.preprocess is None else "the image as handed in"
        score = subject.score_name(self.score)
        return Answer(
            maps=dict(zip(subject.targets, values, strict=True)),
            unit=score,
            score=score,
            parameters={"baseline": f"0 of {zero}", "pixels": pixels},
            precision=Precision(self.precision),
            unseen=unseen,
            rounding=subject.rounding / values[0].size,
        )
