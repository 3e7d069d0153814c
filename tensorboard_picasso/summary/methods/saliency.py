"""Saliency: the gradient of a class's score with respect to the model's input.

References:
  Simonyan et al. 2014, "Deep Inside Convolutional Networks", arXiv 1312.6034.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tensorboard_picasso.maps import Output, Precision, Sign
from tensorboard_picasso.summary import output as outputs
from tensorboard_picasso.summary.alignment import AlignmentError
from tensorboard_picasso.summary.backends.base import GRADIENT_SHARE, batches
from tensorboard_picasso.summary.images import to_numpy
from tensorboard_picasso.summary.methods.base import Answer, Floats, Method, Subject
from tensorboard_picasso.summary.probe import Probe

Array = NDArray[Any]
Mask = NDArray[np.bool_]

# How a map came to lie over the viewed image.
AS_IT_IS = "as they are"
AFFINE = "brought back by an affine map"
THROUGH = "differentiated through preprocess"


@dataclass(frozen=True)
class Saliency(Method):
    """The gradient's strength, or with `signed` its direction, at each pixel.

    Args:
      signed: sum over channels; else the absolute value's maximum over channels.
      layer: take the gradient with respect to a named layer's output instead,
        brought to the size of the model's input by the probe's `postprocess`
        (default: over its channels as above, then bilinear).
      score: "log-odds", "logit" or "probability"; raw outputs: always the value.
      precision: how the maps are stored: "q8", "float16" or "float32".
      label: last part of the tag.

    Raises:
      ValueError: an unknown score or precision.
    """

    name: ClassVar[str] = "saliency"
    signed: bool = False
    layer: str | None = None
    score: str = "log-odds"
    precision: str = "q8"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.score not in outputs.SCORES:
            raise ValueError(f"score={self.score!r}: pass one of {', '.join(outputs.SCORES)}")
        if self.precision not in list(Precision):
            raise ValueError(f"precision={self.precision!r}: pass one of {', '.join(Precision)}")

    def explain(self, subjects: Sequence[Subject]) -> list[Answer]:
        """See `Method.explain`; all targets of all images share batches."""
        through = [self._passes_through(subject) for subject in subjects]
        gradients = self._gradients(subjects, through)
        return [
            self._answer(subject, gradient, passed)
            for subject, gradient, passed in zip(subjects, gradients, through, strict=True)
        ]

    def _passes_through(self, subject: Subject) -> bool:
        """Whether the gradient is taken by the viewed image, through `preprocess`.

        It is where `preprocess` moves pixels and the framework can differentiate it.

        Raises:
          AlignmentError: it moves them in a way that cannot be undone.
        """
        probe = subject.probe
        if self.layer is not None or probe.preprocess is None or probe.has_alignment:
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

    def _gradients(self, subjects: Sequence[Subject], through: Sequence[bool]) -> list[Array]:
        """Gradients of each subject's targets, (targets, …), computed in common batches."""
        groups: dict[Any, list[tuple[int, Array]]] = {}
        for at, (subject, passed) in enumerate(zip(subjects, through, strict=True)):
            x = subject.probe.raw_batch(subject.image[None])[0] if passed else subject.x
            groups.setdefault((passed, x.shape), []).append((at, x))
        found: dict[int, Array] = {}
        for (passed, _), members in groups.items():
            first = subjects[members[0][0]]
            counts = [len(subjects[at].targets) for at, _ in members]
            x = np.repeat(np.stack([each for _, each in members]), counts, axis=0)
            weights = np.concatenate([subjects[at].cotangents(self.score) for at, _ in members])
            preprocess = first.probe.preprocess if passed else None
            gradient = np.concatenate(
                [
                    first.backend.gradient(x[part], weights[part], self.layer, preprocess)
                    for part in batches(len(x), GRADIENT_SHARE * x[0].size)
                ]
            )
            ends = np.cumsum(counts)
            parts = np.split(gradient, ends[:-1])
            found.update({at: part for (at, _), part in zip(members, parts, strict=True)})
        return [found[at] for at in range(len(subjects))]

    def _answer(self, subject: Subject, gradient: Array, passed: bool) -> Answer:
        values, unseen, pixels = self._over_image(subject, gradient.astype(np.float64), passed)
        channels = "sum over channels" if self.signed else "maximum of |gradient| over channels"
        score = "value" if subject.output is Output.RAW else self.score
        # A gradient that all pixels together, over their whole range, turn into
        # less than the rounding of the score says nothing.
        span = 1.0 if self.layer else float(np.ptp(subject.x)) or 1.0
        return Answer(
            maps=dict(zip(subject.targets, values, strict=True)),
            sign=Sign.DIRECTION if self.signed else Sign.UNSIGNED,
            unit=f"{score} per unit of {self.layer or 'input'}",
            score=score,
            parameters={"channels": channels, "pixels": pixels},
            layer=self.layer or "",
            precision=Precision(self.precision),
            unseen=unseen,
            rounding=subject.rounding / (span * values[0].size),
        )

    def _over_image(
        self, subject: Subject, gradient: Floats, passed: bool
    ) -> tuple[list[Floats], Mask | None, str]:
        """Maps over the viewed image, the pixels that the model never sees, and the way."""
        probe = subject.probe
        if self.layer is not None:
            values = self._from_layer(probe, gradient, subject.x)
        else:
            values = list(self._over_channels(probe.channels_last(gradient)))
        if passed:
            return values, probe.shown(subject.index).unseen, THROUGH
        alignment = probe.align(subject.index)
        if alignment.identity:
            return values, None, AS_IT_IS
        brought = [alignment.bring_back(each) for each in values]
        return [each for each, _ in brought], brought[0][1], AFFINE

    def _over_channels(self, gradient: Floats) -> Floats:
        """(n, height, width, channels) to (n, height, width)."""
        value = gradient.sum(axis=-1) if self.signed else np.abs(gradient).max(axis=-1)
        return np.asarray(value)

    def _from_layer(self, probe: Probe, gradient: Floats, x: Array) -> list[Floats]:
        """A layer's gradient brought to the height and width of the model's input."""
        height, width = probe.channels_last(x[None]).shape[1:3]
        if probe.postprocess is not None:
            made = to_numpy(probe.postprocess(gradient.astype(np.float32)), "output of postprocess")
            if made.shape != (len(gradient), height, width):
                raise ValueError(
                    f"postprocess made {made.shape} of {gradient.shape}: return"
                    f" {(len(gradient), height, width)}"
                )
            return list(made.astype(np.float64))
        if gradient.ndim == 4 and probe.data_format == "channels_first" and not probe.preprocess:
            gradient = np.moveaxis(gradient, 1, -1)
        if gradient.ndim != 4:
            raise ValueError(
                f"layer {self.layer!r} has gradients of shape {gradient.shape[1:]}, no images:"
                " give the probe a postprocess= that makes maps of them"
            )
        return [
            np.asarray(
                Image.fromarray(each.astype(np.float32)).resize(
                    (width, height), Image.Resampling.BILINEAR
                ),
                np.float64,
            )
            for each in self._over_channels(gradient)
        ]

    def cost(self, probe: Probe) -> str:
        """See `Method.cost`."""
        return self.label
