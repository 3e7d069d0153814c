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
from tensorboard_picasso.summary.backends.base import batches
from tensorboard_picasso.summary.methods.base import Answer, Floats, RandomMethod, Subject, whole
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
        for index in range(len(probe)):
            probe.filled(index, self.fill)

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; all targets of an image share its masks."""
        return [self._explain(subject) for subject in subjects]

    def _explain(self, subject: Subject) -> Answer:
        probe = subject.probe
        image = subject.image.astype(np.float64)
        filled = probe.filled(subject.index, self.fill).astype(np.float64)
        targets = subject.targets
        # Of the scores less that of the whole image: sums of what is small stay exact.
        start = [
            np.nan_to_num(subject.scores(subject.raw[None], target, self.score), posinf=0, neginf=0)
            for target in targets
        ]
        draw = Draw.of(subject.random(self.seed), self.masks, self.cells, self.shown)
        weighted, covered = np.zeros((len(targets), *subject.shape)), np.zeros(subject.shape)
        total = np.zeros(len(targets))
        for part in batches(self.masks, image.size):
            masks = draw.masks(part, subject.shape)
            hidden = filled + masks[..., None] * (image - filled)
            raw = subject.backend.scores(probe.model_input(_as(hidden, subject.image.dtype)))
            changes = np.stack(
                [
                    subject.scores(raw, target, self.score) - before
                    for target, before in zip(targets, start, strict=True)
                ]
            )
            with np.errstate(invalid="ignore"):  # infinite scores leave NaN
                weighted += np.tensordot(changes, masks, 1)
            covered += masks.sum(axis=0)
            total += changes.sum(axis=1)
        # A pixel that no mask showed has nothing to be said of it.
        seen = np.divide(weighted, covered, out=np.zeros_like(weighted), where=covered > 0)
        mean = np.where(covered > 0, (total / self.masks)[:, None, None], 0.0)
        with np.errstate(invalid="ignore"):
            values = seen - mean
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

    def masks(self, part: slice, shape: tuple[int, int]) -> Floats:
        """Some of them as (n, height, width), 0 hidden to 1 shown."""
        rows, columns = (
            self._enlarging(side, self.shifts[part, axis]) for axis, side in enumerate(shape)
        )
        return np.asarray(rows @ self.grids[part] @ columns.transpose(0, 2, 1))

    def _enlarging(self, side: int, shifts: Floats) -> Floats:
        """Bilinear weights (n, side, cells + 1) of the cells at each pixel."""
        cells = self.grids.shape[1] - 1
        size = -(-side // cells)
        shift = np.floor(shifts * size)[:, None]
        place = np.clip((np.arange(side) + shift + 0.5) / size - 0.5, 0, cells)
        distance = np.abs(place[..., None] - np.arange(cells + 1))
        return np.asarray(np.maximum(1 - distance, 0))


def _as(values: Floats, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    return (values if dtype.kind == "f" else np.rint(values)).astype(dtype)
