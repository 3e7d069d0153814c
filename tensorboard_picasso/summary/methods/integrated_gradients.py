"""Integrated Gradients: gradients summed up on the way from a baseline to the image.

References:
  Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", arXiv 1703.01365.
  Bhat & Raychowdhury 2023, "Non-Uniform Interpolation in Integrated Gradients for
  Low-Latency Explainable-AI", arXiv 2302.11107 (`spacing="score change"`).
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

SCORE_CHANGE = "score change"
# How points lie, and what a record says of it.
_TOLD = {
    "gauss-legendre": "Gauss-Legendre",
    "even": "even",
    SCORE_CHANGE: "by change of the score",
}
SPACINGS = tuple(_TOLD)
# Equal parts of the way, in each of which points lie evenly.
_PARTS = 4


@dataclass(frozen=True)
class IntegratedGradients(MapMethod):
    """Each pixel's part of the difference between the image's score and the baseline's.

    The default baseline is the image's mean, as occlusion's fill is: both then compare
    with the same thing, and of a black baseline the black pixels, such as a digit's ground,
    would get nothing however much the model needs them.

    Args:
      baseline: what the image is compared with: "mean" (of the image, per channel), "grey",
        "black", "white", "blur", "noise", a number or one a channel.
      steps: points on the way there.
      spacing: how they lie: "gauss-legendre"; "even", in the middle of as many equal parts; or
        "score change", more of them, evenly, in those quarters of the way where the scores
        change more, by the square root of that, which takes 3 further scores.
      score, precision: see `MapMethod`. label: last part of the tag.

    Raises:
      ValueError: no such baseline or spacing, or no number of steps.
    """

    name: ClassVar[str] = "integrated-gradients"
    paper: ClassVar[str] = "Sundararajan et al. 2017, arXiv 1703.01365"
    needs: ClassVar[str] = "gradients"
    baseline: Any = "mean"
    steps: int = 32
    spacing: str = "gauss-legendre"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "baseline", fills.plain(self.baseline))
        if self.spacing not in SPACINGS:
            known = ", ".join(map(repr, SPACINGS))
            raise ValueError(f"spacing={self.spacing!r}: pass one of {known}")
        least = _PARTS if self.spacing == SCORE_CHANGE else 1
        object.__setattr__(self, "steps", whole("steps", self.steps, least))

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.CONTRIBUTION

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        further = _PARTS + 1 if self.spacing == SCORE_CHANGE else 2
        return f"{self.steps + further} scores, {self.steps} gradients a class"

    def check(self, probe: Probe) -> None:
        """See `Method.check`."""
        for index in range(len(probe)):
            probe.filled(index, self.baseline)

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; the points of all images share batches."""
        paths = [_Path(Site(subject), self) for subject in subjects]
        edges = np.linspace(0, 1, _PARTS + 1 if self.spacing == SCORE_CHANGE else 2)
        given = [path.points(edges) for path in paths]
        raw = scores([path.site for path in paths], given)
        rules = [self._rule(path, edges, each) for path, each in zip(paths, raw, strict=True)]

        def heed(at: int, part: slice, gradients: Array) -> None:
            paths[at].add(rules[at][1][part], gradients)

        points = [
            Points(path.site, self.steps, partial(path.points, shares))
            for path, (shares, _) in zip(paths, rules, strict=True)
        ]
        at_points(points, self.score, heed)
        return [self._answer(*each) for each in zip(paths, raw, strict=True)]

    def _rule(self, path: "_Path", edges: Floats, raw: Array) -> tuple[Floats, Floats]:
        """Shares of the way and their weights, (steps,) each; the same for all classes.

        Args:
          path: the way. edges: shares of it. raw: scores there.
        """
        if self.spacing == "gauss-legendre":
            nodes, weights = np.polynomial.legendre.leggauss(self.steps)
            return np.asarray((1 + nodes) / 2), np.asarray(weights / 2)
        if self.spacing == "even":
            return _even(0, 1, self.steps)
        subject = path.site.subject
        with quiet():
            changes = [
                np.sqrt(np.abs(np.diff(subject.scores(raw, target, self.score))))
                for target in subject.targets
            ]
            wanted = sum(each / each.sum() for each in changes)
        parts = [
            _even(low, high, count)
            for low, high, count in zip(
                edges, edges[1:], allotted(wanted, self.steps), strict=False
            )
        ]
        shares, weights = map(np.concatenate, zip(*parts, strict=True))
        return shares, weights

    def _answer(self, path: "_Path", ends: Array) -> Answer:
        site = path.site
        subject, probe = site.subject, site.subject.probe
        maps: list[Floats] = []
        errors: list[tuple[float, float]] = []
        for target, parts in zip(subject.targets, path.parts, strict=True):
            low, high = subject.scores(ends[[0, -1]], target, self.score)
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
                "spacing": _TOLD[self.spacing],
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
        self._ends = start, image
        self._sums = np.zeros((len(subject.targets), *image.shape))

    def points(self, shares: Floats) -> Array:
        """Points (n, …) at shares of the way."""
        start, image = self._ends
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
        start, image = self._ends
        with quiet():
            return np.asarray(self._sums * (image.astype(np.float64) - start))


def _even(low: float, high: float, count: int) -> tuple[Floats, Floats]:
    """The middles of as many equal parts of a stretch, and what each weighs."""
    width = (high - low) / count
    middles: Floats = np.asarray(low + width * (np.arange(count) + 0.5), np.float64)
    weights: Floats = np.full(count, width, np.float64)
    return middles, weights


def allotted(wanted: Floats, count: int) -> list[int]:
    """How many of so many points each part gets: one, and of the others its share.

    Args:
      wanted: of each part, not below zero; where they are no numbers, parts share alike.
      count: of points, at least as many as parts.
    """
    with quiet():
        shares = wanted / wanted.sum()
    if not np.isfinite(shares).all():
        shares = np.full(len(wanted), 1 / len(wanted))
    given = (count - len(wanted)) * shares
    whole_ones = np.floor(given + 1e-9).astype(int)
    left = count - len(wanted) - int(whole_ones.sum())
    whole_ones[np.argsort(whole_ones - given, kind="stable")[:left]] += 1
    return [1 + int(each) for each in whole_ones]
