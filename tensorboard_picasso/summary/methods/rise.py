"""RISE: what random masks that leave a pixel in sight do to the scores.

References:
  Petsiuk et al. 2018, "RISE: Randomized Input Sampling for Explanation of Black-box
  Models", arXiv 1806.07421.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tensorboard_picasso.numbers.maps import Precision, Sign
from tensorboard_picasso.summary.backends import Masks
from tensorboard_picasso.summary.methods.base import (
    Answer,
    Floats,
    RandomMethod,
    Subject,
    pictures_alone,
    whole,
)
from tensorboard_picasso.summary.probe import fills
from tensorboard_picasso.summary.probe.probe import Probe


@dataclass(frozen=True)
class RISE(RandomMethod):
    """The mean score over random masks that show a pixel, less that over all masks.

    A mask is a coarse grid of cells that are shown or hidden, shifted at random and
    enlarged bilinearly. The paper's map is the first of the two means; less the second,
    zero says that a pixel's being shown changes nothing.

    Args:
      masks: how many; the sampling error falls with their square root.
      cells: of the grid, a side.
      shown: share of the cells that is shown.
      fill: what the rest is hidden with, as occlusion's `fill`.
      seed, second_seed_every: of the masks, see `RandomMethod`.
      score, precision: see `MapMethod`. label: last part of the tag.

    Raises:
      ValueError: a setting that cannot be used.
    """

    name: ClassVar[str] = "rise"
    paper: ClassVar[str] = "Petsiuk et al. 2018, arXiv 1806.07421"
    masks: int = 1000
    cells: int = 7
    shown: float = 0.5
    fill: Any = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        for setting, least in (("masks", 1), ("cells", 1)):
            object.__setattr__(self, setting, whole(setting, getattr(self, setting), least))
        if not 0 < self.shown < 1:
            raise ValueError(f"shown={self.shown!r}: pass a share between 0 and 1")
        object.__setattr__(self, "fill", fills.plain(self.fill))

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.CONTRIBUTION

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        return f"{self.masks} scores"

    def check(self, probe: Probe) -> None:
        """See `Method.check`."""
        pictures_alone(probe, self.label, "use Occlusion")
        for index in range(len(probe)):
            probe.filled(index, self.fill)

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; all targets of an image share its masks."""
        return [self._explain(subject) for subject in subjects]

    def _explain(self, subject: Subject) -> Answer:
        probe, targets = subject.probe, subject.targets
        # Of the scores less that of the whole image: sums of what is small stay exact.
        start = [
            np.nan_to_num(subject.scores(subject.raw[None], target, self.score), posinf=0, neginf=0)
            for target in targets
        ]
        draw = Draw.of(subject.random(self.seed), self.masks, self.cells, self.shown)
        masks = draw.over(subject.shape)
        raw = subject.backend.blended_scores(
            subject.image,
            probe.filled(subject.index, self.fill),
            masks,
            probe.model_input,
            probe.preprocess is None,
        )
        changes = [
            subject.scores(raw, target, self.score) - before
            for target, before in zip(targets, start, strict=True)
        ]
        with np.errstate(invalid="ignore"):  # infinite scores leave NaN
            *weighted, covered = masks.sums(np.stack([*changes, np.ones(self.masks)]))
        # A pixel that no mask showed has nothing to be said of it.
        shown = covered > 0
        values = np.zeros((len(targets), *subject.shape))
        with np.errstate(invalid="ignore"):
            for value, sums, change in zip(values, weighted, changes, strict=True):
                value[shown] = sums[shown] / covered[shown] - change.mean()
        score = subject.score_name(self.score)
        return Answer(
            maps=dict(zip(targets, values, strict=True)),
            unit=score,
            score=score,
            seed=self.seed,
            parameters={
                "fill": probe.fill_name(self.fill),
                "masks": str(self.masks),
                "cells": f"{self.cells} × {self.cells}, {100 * self.shown:g} % shown",
            },
            precision=Precision(self.precision),
            rounding=subject.rounding,
        )

    def cost(self, probe: Probe) -> str:
        """See `Method.cost`."""
        return f"{self.label} {self.masks} masks"


@dataclass(frozen=True)
class Draw:
    """All masks of one image before they are enlarged, so that batches change nothing.

    grids: (masks, cells + 1, cells + 1) of 0 and 1: one cell more a side than fits, so that
      a grid can be shifted by up to a cell. shifts: (masks, 2) down and across, in cells.
    """

    grids: Floats
    shifts: Floats

    @classmethod
    def of(cls, random: np.random.Generator, masks: int, cells: int, shown: float) -> "Draw":
        """Draw as many masks, of which a share of the cells is shown."""
        grids = random.random((masks, cells + 1, cells + 1)) < shown
        return cls(grids.astype(np.float64), random.random((masks, 2)))

    def over(self, shape: tuple[int, int]) -> Masks:
        """The masks of an image of this height and width."""
        cells = self.grids.shape[1] - 1
        sizes = [-(-side // cells) for side in shape]
        rows, columns = (
            _enlarging(side, size, cells) for side, size in zip(shape, sizes, strict=True)
        )
        starts = np.floor(self.shifts * sizes).astype(np.int64)
        return Masks(self.grids, rows, columns, starts, shape)


def _enlarging(side: int, size: int, cells: int) -> Floats:
    """Bilinear weights (side + size, cells + 1) of cells at each pixel, and at a cell beyond."""
    place = np.clip((np.arange(side + size) + 0.5) / size - 0.5, 0, cells)
    distance = np.abs(place[:, None] - np.arange(cells + 1))
    return np.asarray(np.maximum(1 - distance, 0))
