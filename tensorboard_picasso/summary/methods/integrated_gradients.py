"""Integrated Gradients: gradients summed up on the way from a baseline to the image.

References:
  Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", arXiv 1703.01365.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Precision, Sign, quiet
from tensorboard_picasso.summary.methods._gradients import Points, at_points, scores
from tensorboard_picasso.summary.methods._site import Site
from tensorboard_picasso.summary.methods.base import Answer, Floats, MapMethod, Subject, whole
from tensorboard_picasso.summary.probe import fills
from tensorboard_picasso.summary.probe.probe import Probe

Array = NDArray[Any]


@dataclass(frozen=True)
class IntegratedGradients(MapMethod):
    """Each pixel's part of the difference between the image's score and the baseline's.

    The default baseline is the image's mean, as occlusion's fill is: both then compare
    with the same thing, and of a black baseline the black pixels, such as a digit's ground,
    would get nothing however much the model needs them.

    Args:
      baseline: what the image is compared with: "mean" (of the image, per channel), "grey",
        "black", "white", "blur", "noise", a number or one a channel.
      steps: points on the way there, placed by the Gauss-Legendre rule.
      score, precision: see `MapMethod`. label: last part of the tag.

    Raises:
      ValueError: no such baseline, or no number of steps.
    """

    name: ClassVar[str] = "integrated-gradients"
    paper: ClassVar[str] = "Sundararajan et al. 2017, arXiv 1703.01365"
    needs: ClassVar[str] = "gradients"
    baseline: Any = "mean"
    steps: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "baseline", fills.plain(self.baseline))
        object.__setattr__(self, "steps", whole("steps", self.steps, 1))

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.CONTRIBUTION

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        return f"{self.steps + 2} scores, {self.steps} gradients a class"

    def check(self, probe: Probe) -> None:
        """See `Method.check`."""
        for index in range(len(probe)):
            probe.filled(index, self.baseline)

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; the points of all images share batches."""
        paths = [_Path(Site(subject), self) for subject in subjects]
        nodes, weights = np.polynomial.legendre.leggauss(self.steps)
        shares = (1 + nodes) / 2
        ends = scores([path.site for path in paths], [path.ends for path in paths])

        def heed(at: int, part: slice, gradients: Array) -> None:
            paths[at].add(weights[part] / 2, gradients)

        points = [Points(path.site, self.steps, partial(path.points, shares)) for path in paths]
        at_points(points, self.score, heed)
        return [self._answer(*each) for each in zip(paths, ends, strict=True)]

    def _answer(self, path: "_Path", ends: Array) -> Answer:
        site = path.site
        subject, probe = site.subject, site.subject.probe
        maps: list[Floats] = []
        errors: list[tuple[float, float]] = []
        for target, parts in zip(subject.targets, path.parts, strict=True):
            low, high = subject.scores(ends, target, self.score)
            with quiet():
                errors.append((abs(float(parts.sum() - (high - low))), abs(float(high - low))))
                maps.append(site.channels_last(parts[None])[0].sum(axis=-1))
        values, unseen, pixels = site.over_image(maps, sums=True)
        score = subject.score_name(self.score)
        off, of = max(errors)
        return Answer(
            maps=dict(zip(subject.targets, values, strict=True)),
            unit=score,
            score=score,
            parameters={
                "baseline": probe.fill_name(self.baseline),
                "steps": str(self.steps),
                # The parts should sum to the difference of the scores; of all classes the worst.
                "completeness error": f"{off:.2g} of {of:.3g} {score}",
                "pixels": pixels,
            },
            precision=Precision(self.precision),
            unseen=unseen,
            rounding=subject.rounding / values[0].size,
        )

    def cost(self, probe: Probe) -> str:
        """See `Method.cost`."""
        return f"{self.label} {self.steps} steps"


class _Path:
    """The straight way from an image's baseline to it, and what was summed up on it."""

    def __init__(self, site: Site, method: IntegratedGradients) -> None:
        subject = site.subject
        self.site = site
        image = site.origin
        start = site.at(subject.probe.filled(subject.index, method.baseline)).astype(image.dtype)
        self.ends = np.stack([start, image])
        self._sums = np.zeros((len(subject.targets), *image.shape))

    def points(self, shares: Floats) -> Array:
        """Points (n, …) at shares of the way."""
        start, image = self.ends
        at = shares.reshape(-1, *[1] * image.ndim)
        return np.asarray((start + at * (image - start)).astype(image.dtype))

    def add(self, weights: Floats, gradients: Array) -> None:
        """Heed gradients (targets, n, …) at some points, by these weights."""
        with quiet():
            for at, each in enumerate(gradients):
                self._sums[at] += np.tensordot(weights, each.astype(np.float64), 1)

    @property
    def parts(self) -> Floats:
        """Each number's part of the difference of scores, (targets, …)."""
        start, image = self.ends
        with quiet():
            return np.asarray(self._sums * (image.astype(np.float64) - start))
