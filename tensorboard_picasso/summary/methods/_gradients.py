"""Gradients of all targets of all images, in common batches: where they are, and at many points."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.summary.backends import in_batches
from tensorboard_picasso.summary.backends.base import GRADIENT_SHARE, floats
from tensorboard_picasso.summary.methods._site import Site

Array = NDArray[Any]


def plain(sites: Sequence[Site], score: str) -> list[Array]:
    """Derivative of each target's score where the image is: (targets, …), one a site."""
    groups: dict[Any, list[int]] = {}
    for at, site in enumerate(sites):
        key = site.subject.backend, site.preprocess is None, site.x.shape
        groups.setdefault(key, []).append(at)
    gradients: dict[int, Array] = {}
    for members in groups.values():
        some = [sites[at] for at in members]
        counts = [len(site.subject.targets) for site in some]
        x = np.repeat(np.stack([site.x for site in some]), counts, axis=0)
        cotangents = [
            site.subject.cotangent(site.subject.raw[None], target, score)
            for site in some
            for target in site.subject.targets
        ]
        gradient = some[0].gradients(x, np.concatenate(cotangents))
        parts = np.split(gradient, np.cumsum(counts)[:-1])
        gradients.update(zip(members, parts, strict=True))
    return [gradients[at] for at in range(len(sites))]


@dataclass(frozen=True, eq=False)
class Points:
    """Points at which one image's gradients are asked for.

    site: of the image. count: of points. made: (count, …) of its site's shape; called when
    they are needed, so that those of a few images are held at once.
    """

    site: Site
    count: int
    made: Callable[[], Array]


def scores(sites: Sequence[Site], points: Sequence[Array]) -> list[Array]:
    """Raw scores (n, classes) at points (n, …) of each site, in common batches."""
    groups: dict[Any, list[int]] = {}
    for at, (site, each) in enumerate(zip(sites, points, strict=True)):
        backend = site.subject.backend
        alone = at if backend.deterministic else None
        key = backend, site.preprocess, each.shape[1:], each.dtype, alone
        groups.setdefault(key, []).append(at)
    found: dict[int, Array] = {}
    for members in groups.values():
        raw = sites[members[0]].scores(np.concatenate([points[at] for at in members]))
        ends = np.cumsum([len(points[at]) for at in members])[:-1]
        found.update(zip(members, np.split(raw, ends), strict=True))
    return [found[at] for at in range(len(sites))]


Heed = Callable[[int, slice, Array], None]


def at_points(asked: Sequence[Points], score: str, heed: Heed) -> None:
    """Derivatives of each target's score at many points of many images, in common batches.

    Where nothing may depend on what else is computed, an image has its batches for itself.

    Args:
      asked: the points of each image.
      score: the name of the score.
      heed: is told some of an image's, in order: its number, which points, and their
        derivatives (targets, points, …).
    """
    groups: dict[Any, list[int]] = {}
    for at, each in enumerate(asked):
        site, subject = each.site, each.site.subject
        alone = at if subject.backend.deterministic else None
        x = site.x.shape, floats(site.x).dtype
        key = subject.backend, site.preprocess, *x, len(subject.targets), alone
        groups.setdefault(key, []).append(at)
    for members in groups.values():
        _Group([asked[at] for at in members], score, members, heed).run()


class _Group:
    """Images whose points may share batches."""

    def __init__(
        self, asked: Sequence[Points], score: str, numbers: Sequence[int], heed: Heed
    ) -> None:
        self._asked, self._score, self._numbers, self._heed = asked, score, numbers, heed
        self._ends = np.cumsum([each.count for each in asked])
        self._held: tuple[int, Array] | None = None

    def run(self) -> None:
        site = self._asked[0].site
        backend, count = site.subject.backend, len(site.subject.targets)
        # Where batches are not timed, memory is not tried either.
        numbers = site.x.size * (1 if backend.deterministic else GRADIENT_SHARE)
        kind = "slopes", count, site.preprocess, site.x.shape, site.x.dtype

        def run(part: slice) -> Array:
            pieces = list(self._pieces(part))
            x = np.concatenate([self._points(at)[some] for at, some in pieces])
            lengths = np.cumsum([some.stop - some.start for _, some in pieces])[:-1]

            def cotangents(raw: Array) -> Array:
                sums = [
                    [
                        self._asked[at].site.subject.cotangent(
                            rows, self._asked[at].site.subject.targets[which], self._score
                        )
                        for (at, _), rows in zip(pieces, np.split(raw, lengths), strict=True)
                    ]
                    for which in range(count)
                ]
                return np.stack([np.concatenate(each) for each in sums])

            slopes = backend.slopes(x, cotangents, count, site.preprocess)
            split = np.split(slopes, lengths, axis=1)
            for (at, some), some_slopes in zip(pieces, split, strict=True):
                self._heed(self._numbers[at], some, some_slopes)
            return np.empty((len(x), 0))

        in_batches(backend, kind, int(self._ends[-1]), numbers, run)

    def _pieces(self, part: slice) -> Iterator[tuple[int, slice]]:
        """Of which images a slice of all points is, and which of theirs."""
        start = part.start
        while start < part.stop:
            at = int(np.searchsorted(self._ends, start, "right"))
            first = int(self._ends[at]) - self._asked[at].count
            stop = min(part.stop, int(self._ends[at]))
            yield at, slice(start - first, stop - first)
            start = stop

    def _points(self, at: int) -> Array:
        if self._held is None or self._held[0] != at:
            self._held = at, self._asked[at].made()
        return self._held[1]
