"""Saliency: the gradient of a class's score with respect to the model's input.

Simonyan et al. 2014, arXiv 1312.6034.
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
from tensorboard_picasso.summary.backends.base import UnsupportedError
from tensorboard_picasso.summary.images import to_numpy
from tensorboard_picasso.summary.methods.base import Answer, Method, Subject
from tensorboard_picasso.summary.probe import Probe

Array = NDArray[Any]


@dataclass(frozen=True)
class Saliency(Method):
    """The gradient's strength, or with `signed` its direction, at each pixel.

    Args:
      signed: sum over channels; else the absolute value's maximum over channels.
      layer: take the gradient with respect to a named layer's output instead,
        brought to the image by the probe's `postprocess` (default: as above
        over its channels, then bilinear).
      score: "log-odds", "logit" or "probability".
      precision: how the maps are stored: "q8", "float16" or "float32".
      label: the tag's last part.

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

    def explain(self, subject: Subject, targets: Sequence[int]) -> Answer:
        """See `Method.explain`; all targets of an image are one batch."""
        raw = np.repeat(np.atleast_2d(subject.raw), len(targets), axis=0)
        cotangent = np.stack(
            [
                outputs.cotangent(
                    raw[row : row + 1], subject.output, target, self.score, subject.backend.behind
                )[0]
                for row, target in enumerate(targets)
            ]
        )
        values, unseen, pixels = self._viewed(subject, cotangent)
        raw_score = "value" if subject.output is Output.RAW else self.score
        channels = "sum over channels" if self.signed else "maximum of |gradient| over channels"
        return Answer(
            sign=Sign.DIRECTION if self.signed else Sign.UNSIGNED,
            unit=f"{raw_score} per unit of {self.layer or 'input'}",
            score=raw_score,
            maps=dict(zip(targets, values, strict=True)),
            parameters={"channels": channels, "pixels": pixels},
            layer=self.layer or "",
            precision=Precision(self.precision),
            unseen=unseen,
        )

    def _viewed(
        self, subject: Subject, cotangent: Array
    ) -> tuple[list[Array], NDArray[np.bool_] | None, str]:
        """Maps over the viewed image, what the model never sees, and how they got there."""
        probe, index = subject.probe, subject.index
        batch = np.repeat(subject.image[None], len(cotangent), axis=0)
        failure: AlignmentError | None = None
        try:
            alignment = probe.align(index)
        except AlignmentError as e:
            failure = e
        moved = failure is not None or not alignment.identity
        if moved and self.layer is None and not probe.has_alignment:
            try:
                gradient = subject.backend.gradient(
                    probe.raw_batch(batch), cotangent, preprocess=probe.preprocess
                )
            except UnsupportedError:
                pass
            else:
                return self._reduced(probe, gradient), None, "differentiated through preprocess"
        if failure is not None:
            raise failure
        x = probe.model_input(batch)
        gradient = subject.backend.gradient(x, cotangent, self.layer)
        if self.layer is None:
            values = self._reduced(probe, gradient)
        else:
            values = self._from_layer(probe, gradient, x[0])
        if values[0].shape == subject.image.shape[:2] and alignment.identity:
            return values, None, "as given"
        brought = [alignment.bring_back(each) for each in values]
        return [each for each, _ in brought], brought[0][1], "brought back by an affine map"

    def _reduced(self, probe: Probe, gradient: Array) -> list[Array]:
        reduce = np.sum if self.signed else np.max
        value = gradient.astype(np.float64)
        if not self.signed:
            value = np.abs(value)
        return [probe.spatial(each, reduce) for each in value]

    def _from_layer(self, probe: Probe, gradient: Array, x: Array) -> list[Array]:
        shape = probe.spatial(x, np.max).shape
        if probe.postprocess is not None:
            values = list(to_numpy(probe.postprocess(gradient)).astype(np.float64))
            if len(values) != len(gradient) or any(each.shape != shape for each in values):
                raise ValueError(
                    f"postprocess made {np.shape(values)} of {gradient.shape}: return"
                    f" (n, {shape[0]}, {shape[1]})"
                )
            return values
        if gradient.ndim not in (3, 4):
            raise ValueError(
                f"layer {self.layer!r} has gradients {gradient.shape[1:]}, no image: pass"
                " postprocess= that makes one of them"
            )
        size = (shape[1], shape[0])
        return [
            np.asarray(
                Image.fromarray(each.astype(np.float32)).resize(size, Image.Resampling.BILINEAR),
                np.float64,
            )
            for each in self._reduced(probe, gradient)
        ]

    def cost(self, probe: Probe) -> str:
        """See `Method.cost`."""
        return self.label
