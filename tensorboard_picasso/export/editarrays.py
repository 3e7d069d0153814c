"""Arrays of edits: what a model said of a probe's images once they were edited, over training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.logs.errors import ExportError
from tensorboard_picasso.numbers import edits
from tensorboard_picasso.numbers.maps import Output, single
from tensorboard_picasso.stored import record

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Edits:
    """What the model said of a probe's images once they were edited, over training.

    Attributes:
      steps: int64 (n,), ascending. epochs: float64 (n,), NaN where none was logged.
      names: of the edits (e,), such as "no colour" or "top, swapped". about: what each takes away,
        its form ("hidden", "swapped" or ""), region, and of which edit it is the reference.
      moves: float32 (n, e, images), how far the answer moves: half the sum of the changes of all
        probabilities, 0 to 1. NaN where an edit was not asked, as it changes nothing of the image.
      flips: bool (n, e, images), whether the prediction is another one.
      follows: float32 (n, e, images), 1 where what is predicted is the class of the image that
        was swapped in, else 0; NaN where that was not asked, or was predicted before.
      costs: float32 (n, e, images), probability that the true class loses; of raw outputs
        the value. NaN as of moves, and where no class is true.
      predicted: int64 (n, e, images), the class that is predicted.
      donors: int64 (images,), of each the image that is swapped in, -1 for none.
      labelled: whether true classes are labels; else they are what was predicted at first.
    """

    steps: NDArray[np.int64]
    epochs: NDArray[np.float64]
    names: tuple[str, ...]
    about: Mapping[str, record.Edit]
    moves: Floats
    flips: NDArray[np.bool_]
    follows: Floats
    costs: Floats
    predicted: NDArray[np.int64]
    donors: NDArray[np.int64]
    labelled: bool


def stacked(records: Sequence[tuple[int, record.Edits]]) -> Edits:
    """The records of a probe, each with its step, ascending.

    Raises:
      ExportError: the images or the edits changed during training.
    """
    newest = records[-1][1]
    names = tuple(edit.name for edit in newest.edits)
    if len({_asked(said) for _, said in records}) > 1:
        raise ExportError("the images or the edits changed during training")
    donors = [image.donor for image in newest.images]
    return Edits(
        np.array([step for step, _ in records], np.int64),
        np.array([np.nan if said.epoch is None else said.epoch for _, said in records]),
        names,
        {edit.name: edit for edit in newest.edits},
        np.stack([said.moves for _, said in records]),
        np.stack([said.flips for _, said in records]),
        single(np.stack([follows(said) for _, said in records])),
        single(np.stack([costs(said) for _, said in records])),
        np.stack([said.predicted for _, said in records]).astype(np.int64),
        np.array([-1 if donor is None else donor for donor in donors], np.int64),
        newest.labelled,
    )


def _asked(said: record.Edits) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """Which images were edited, and how."""
    images = tuple(image.input_hash for image in said.images)
    return images, tuple(edit.name for edit in said.edits)


def follows(said: record.Edits) -> NDArray[np.float64]:
    """Of a record, (edits, images): whether a swapped image is predicted as its donor's class."""
    heads = [image.head for image in said.images]
    donors = [image.donor_class for image in said.images]
    swapped = np.array([edit.form == "swapped" for edit in said.edits])[:, None]
    return edits.follows(heads, said.predicted, donors, said.asked & swapped)


def costs(said: record.Edits) -> NDArray[np.float64]:
    """Of a record, (edits, images): what the true class loses."""
    raw = said.output is Output.RAW
    return edits.costs(said.whole[:, 0], said.edited[:, :, 0], said.asked, raw)
