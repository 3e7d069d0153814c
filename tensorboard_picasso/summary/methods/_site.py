"""The site where gradients are taken, and how maps over it come over the viewed image.

It is the model's input, or the image as handed in where `preprocess` moves pixels and the
framework can differentiate it.
"""

import contextlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers import volumes
from tensorboard_picasso.numbers.maps import quiet, single
from tensorboard_picasso.summary.backends import in_batches
from tensorboard_picasso.summary.backends.base import (
    GRADIENT_SHARE,
    UnsupportedError,
    batches,
    broken,
    floats,
    same,
)
from tensorboard_picasso.summary.kit.images import Size, flat, resized, to_numpy
from tensorboard_picasso.summary.methods._places import Layers, Places
from tensorboard_picasso.summary.methods.base import Floats, Subject
from tensorboard_picasso.summary.probe.alignment import AlignmentError
from tensorboard_picasso.summary.probe.probe import Probe

Array = NDArray[Any]
Mask = NDArray[np.bool_]

# How a map came to lie over the viewed image.
AS_IT_IS = "as they are"
AFFINE = "brought back by an affine map"
THROUGH = "differentiated through preprocess"


class Site:
    """Where one image's gradients are taken.

    Attributes:
      subject: the image and the model.
      layer: gradients are taken by this layer's output; None: by `x`.
      places: where that output's places are; None where the probe's `postprocess` says so.
      x: the site itself, without a batch axis.
      preprocess: what gradients pass through on their way to `x`, None where that is
        the model's input.

    Raises:
      AlignmentError: `preprocess` moves pixels in a way that cannot be undone.
    """

    def __init__(
        self, subject: Subject, layer: str | None = None, places: Places | None = None
    ) -> None:
        self.subject = subject
        self.layer = layer
        self.places = places
        probe = subject.probe
        through = _passes_through(subject, layer)
        self.preprocess = probe.preprocess if through else None
        self.x = probe.raw_batch(subject.image[None])[0] if through else subject.x

    def at(self, viewed: Array) -> Array:
        """The same site of another viewed image, as floats."""
        probe = self.subject.probe
        given = probe.raw_batch(viewed[None])
        batch = floats(given if self.preprocess else probe.preprocessed(given))
        image: Array = batch[0]
        return image

    @cached_property
    def origin(self) -> Array:
        """`x` as floats, to move away from.

        Raises:
          UnsupportedError: the model makes other scores of floats.
        """
        subject, x = self.subject, floats(self.x)
        if x.dtype != self.x.dtype and self.preprocess is None:
            scores = subject.backend.scores(x[None])
            if not broken(subject.raw) and not same(scores, subject.raw[None]):
                raise UnsupportedError(
                    f"the model scores {self.x.dtype} and floats of the same values differently:"
                    " move its cast to preprocess="
                )
        return x

    def scores(self, points: Array) -> Array:
        """Raw scores (n, classes) at points (n, …) of this site."""
        probe, backend = self.subject.probe, self.subject.backend

        def run(part: slice) -> Array:
            some = points[part]
            return backend.scores(probe.preprocessed(some) if self.preprocess else some)

        kind = "scores", self.preprocess, points.shape[1:], points.dtype
        return in_batches(backend, kind, len(points), points[0].size, run)

    def gradients(self, points: Array, cotangents: Floats) -> Array:
        """Derivative of sum(cotangents * scores) at points (n, …), by them or the layer."""
        backend = self.subject.backend
        return np.concatenate(
            [
                backend.gradient(points[part], cotangents[part], self.layer, self.preprocess)
                for part in batches(len(points), GRADIENT_SHARE * points[0].size, backend.room)
            ]
        )

    def channels_last(self, values: Array) -> Array:
        """Values (n, …) of the site's shape as (n, height, width, channels); of volumes sheets."""
        laid = self.subject.probe.channels_last(values)
        return laid if laid.ndim == 4 else laid.reshape(len(laid), -1, *laid.shape[-2:])

    def over_places(self, values: Array) -> Array:
        """Values (n, …) of the layer as (n, rows, columns, channels) of what covers the input.

        By the probe's `postprocess` where it has one and the layer was named; it may make maps
        (n, rows, columns) too.

        Raises:
          ValueError: the layer's places cannot be told, or postprocess makes none.
        """
        postprocess = self.subject.probe.postprocess
        if self.places is None and postprocess is not None:
            made = to_numpy(postprocess(single(values)), "output of postprocess")
            if made.ndim not in (3, 4) or len(made) != len(values):
                count = len(values)
                raise ValueError(
                    f"postprocess makes {made.shape} of {values.shape}: return"
                    f" ({count}, height, width, channels), or maps ({count}, height, width)"
                )
            return made
        places = self.read()
        if places.shape != values.shape[1:]:
            self._layers.forget()  # the model was changed
            self.places = None
            places = self.read()
        return places.of(values)

    def read(self) -> Places:
        """Where the places of the layer's output are.

        Raises:
          ValueError: they cannot be told.
          UnsupportedError: there is no such layer, or none can be seen.
        """
        if self.places is None:
            self.places = self._layers.named(str(self.layer))
        return self.places

    def check_layer(self) -> None:
        """Say that the layer's places cannot be told before anything is computed.

        What is no layer is told by who computes with it.

        Raises:
          ValueError: they cannot be told.
        """
        if self.layer is not None and self.subject.probe.postprocess is None:
            with contextlib.suppress(UnsupportedError):
                self.read()

    @property
    def _layers(self) -> Layers:
        return Layers(self.subject.backend, self.subject.x, self.subject.probe.channels_last)

    @property
    def slices(self) -> int:
        """How many slices the layer's output has; 0 of pictures."""
        return self.read().slices if self.subject.depth else 0

    @property
    def told(self) -> dict[str, str]:
        """What a record says of how the layer's output was read."""
        if self.layer is None:
            return {}
        return {"tokens": "by postprocess"} if self.places is None else self.places.parameters

    @property
    def size(self) -> Size:
        """Height and width of the model's input; of volumes depth, height and width."""
        laid: Array = self.subject.probe.channels_last(self.subject.x[None])
        return laid.shape[1:-1]

    def enlarged(self, values: Floats) -> list[Floats]:
        """Maps (n, height, width) over a layer's output, bilinear over the model's input.

        Of volumes both are sheets.
        """
        size, over = self.size, volumes.natural(values, self.slices, axis=1)
        if over.shape[1:] == size:
            return list(values)
        large = (resized(single(each)[..., None], size)[..., 0] for each in over)
        return [np.asarray(flat(each), np.float64) for each in large]

    def over_image(
        self, values: Sequence[Floats], sums: bool = False
    ) -> tuple[list[Floats], Mask | None, str]:
        """Maps over the place, or the model's input, as maps over the viewed image.

        Args:
          values: (height, width) each.
          sums: what counts is a map's sum over an area, not its value at a pixel; so
            where a pixel covers several inputs, it gets their sum.

        Returns:
          Maps (height, width) of the viewed image, the pixels that the model never
          sees, and how the maps came there.
        """
        probe, index = self.subject.probe, self.subject.index
        if self.preprocess is not None:
            return list(values), probe.shown(index).unseen, THROUGH
        alignment = probe.align(index)
        if alignment.identity:
            return list(values), None, AS_IT_IS
        area = abs(float(np.linalg.det(alignment.matrix[:, :2]))) if sums else 1.0
        with quiet():
            brought = [alignment.bring_back(each) for each in values]
            return [area * each for each, _ in brought], brought[0][1], AFFINE


def soundest_first(sites: Sequence[Site]) -> list[Site]:
    """Those that the model scores with numbers first: others tell nothing of its layers."""
    return sorted(sites, key=lambda site: broken(site.subject.raw))


def _passes_through(subject: Subject, layer: str | None) -> bool:
    probe: Probe = subject.probe
    if layer is not None or probe.preprocess is None or probe.has_alignment:
        return False
    failure = None
    try:
        if probe.align(subject.index).identity:
            return False
    except AlignmentError as e:
        failure = e
    given = probe.raw_batch(subject.image[None])
    if subject.backend.differentiates(probe.preprocess, given, subject.x[None]):
        return True
    if failure is not None:
        raise failure
    return False
