"""Grad-CAM: a layer's activations, weighted by how much the score wants each channel.

References:
  Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via
  Gradient-based Localization", arXiv 1610.02391.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

import numpy as np

from tensorboard_picasso.numbers import volumes
from tensorboard_picasso.numbers.maps import Precision, Sign, quiet
from tensorboard_picasso.summary.backends.base import batches, broken
from tensorboard_picasso.summary.methods._gradients import plain
from tensorboard_picasso.summary.methods._places import Layers
from tensorboard_picasso.summary.methods._site import Array, Site, soundest_first
from tensorboard_picasso.summary.methods.base import Answer, Floats, MapMethod, Subject


@dataclass(frozen=True)
class GradCAM(MapMethod):
    """Where a layer's activations raise the score; what lowers it is cut off.

    The layer's output is taken to cover the model's input evenly, and is enlarged to it.

    Args:
      layer: a named layer that returns images, channels first or last, or tokens of an image's
        patches; default the last one whose places reach the scores. What is neither takes
        the probe's `postprocess`, which then makes (n, height, width, channels) of the
        layer's activations and of the gradients by them.
      score, precision: see `MapMethod`. label: last part of the tag.

    Raises:
      ValueError: an unknown score or precision.
    """

    name: ClassVar[str] = "grad-cam"
    paper: ClassVar[str] = "Selvaraju et al. 2017, arXiv 1610.02391"
    needs: ClassVar[str] = "gradients"
    layer: str | None = None

    @property
    def sign(self) -> Sign:
        """See `Method.sign`."""
        return Sign.UNSIGNED

    @property
    def passes(self) -> str:
        """See `Method.passes`."""
        return "1 score, 1 gradient a class"

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; all targets of all images share batches."""
        # Of an image that is not a number to the model nothing can be measured.
        first = next((each for each in subjects if not broken(each.raw)), subjects[0])
        layer, places = self.layer, None
        if layer is None:
            layer, places = Layers(first.backend, first.x, first.probe.channels_last).last()
        sites = [Site(subject, layer, places) for subject in subjects]
        for site in soundest_first(sites):
            site.check_layer()
        gradients = plain(sites, self.score)
        activations: list[Array] = []
        for backend, some in groupby(subjects, lambda subject: subject.backend):
            x = np.stack([subject.x for subject in some])
            for part in batches(len(x), x[0].size):
                activations += list(backend.activations(x[part], layer))
        return [self._answer(*each) for each in zip(sites, gradients, activations, strict=True)]

    def _answer(self, site: Site, gradients: Array, activations: Array) -> Answer:
        subject, layer = site.subject, str(site.layer)
        features = _weighed(site, activations[None])[0]
        with quiet():
            weights = _weighed(site, gradients).mean(axis=(1, 2))
            # Cut off before it is enlarged, as the paper has it.
            coarse: Floats = np.maximum(np.einsum("hwk,tk->thw", features, weights), 0)
        values, unseen, pixels = site.over_image(site.enlarged(coarse))
        rows, columns = coarse.shape[1:]
        sides = volumes.natural(coarse, site.slices, axis=1).shape[1:]
        return Answer(
            maps=dict(zip(subject.targets, values, strict=True)),
            unit=f"weighted activation of {layer}",
            score=subject.score_name(self.score),
            parameters={"positions": " × ".join(map(str, sides)), "pixels": pixels, **site.told},
            layer=layer,
            precision=Precision(self.precision),
            unseen=unseen,
            # The sum over the layer's positions is in the unit of the score.
            rounding=subject.rounding / (rows * columns),
        )


def _weighed(site: Site, values: Array) -> Floats:
    """Values (n, …) of a layer as (n, rows, columns, channels)."""
    placed = site.over_places(values)
    if placed.ndim != 4:
        raise ValueError(
            f"postprocess makes {placed.shape} of {values.shape}, and Grad-CAM weighs channels:"
            f" return ({len(values)}, height, width, channels)"
        )
    return placed.astype(np.float64)
