"""What a model is asked beside the image, and what of its answer is explained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary.backends.base import Call
from tensorboard_picasso.summary.kit.images import to_numpy

Array = NDArray[Any]
Masks = tuple[NDArray[np.bool_], ...]

OVER = ("predicted", "all")


@dataclass(frozen=True)
class Task:
    """What a probe says of its model's inputs and outputs.

    call: how the model is called, and what is scored.
    rows: for each image, what the call takes beside it.
    over: what scores of dense outputs are averaged over: "predicted", "all", or a mask
      for each image; None where outputs are not dense.
    """

    call: Call
    rows: tuple[tuple[Array, ...], ...]
    over: str | Masks | None

    @property
    def shared(self) -> bool:
        """Whether all images are asked the same, so that they can share batches."""
        return self.over is None and not any(self.rows)

    def name_of(self, output: Output) -> str:
        """What scores are called, whose model's output is this."""
        if output is not Output.RAW:
            name = "log-odds"
        else:
            name = "value" if self.call.score is None else "score"
        return name if self.over is None else f"mean {name}"

    @property
    def about(self) -> dict[str, str]:
        """What is recorded of it with each method."""
        if self.over is None:
            return {}
        named = {"predicted": "the pixels predicted as the class", "all": "all pixels"}
        return {"mean over": named[self.over] if isinstance(self.over, str) else "a mask"}


def of_probe(
    inputs: Any, pick: Any, score: Any, score_inputs: Any, mean_over: Any, given: int, kept: int
) -> Task:
    """What a probe's options say, see `Probe`.

    Args:
      given: how many images were handed in. kept: how many of them are watched.

    Raises:
      TypeError, ValueError: an option that cannot be used.
    """
    if pick is not None and (isinstance(pick, bool) or not isinstance(pick, str | int)):
        raise TypeError(f"pick={pick!r}: pass an output's name or index")
    if score is not None and not callable(score):
        raise TypeError(f"score={score!r}: pass a function from the model's outputs to scores")
    if score_inputs is not None and score is None:
        raise ValueError("score_inputs= without score=: they go to that function")
    names, image, others = _inputs(inputs)
    beside = _named("score_inputs", score_inputs) if score_inputs is not None else {}
    columns = [_rows(f"inputs {name!r}", each, given) for name, each in others.items()]
    columns += [_rows(f"score_inputs {name!r}", each, given) for name, each in beside.items()]
    rows = tuple(tuple(column[index] for column in columns) for index in range(kept))
    call = Call(names, len(others), image, pick, score, tuple(beside))
    return Task(call, rows, _over(mean_over, given, kept))


def _inputs(given: Any) -> tuple[tuple[str, ...], str | int | None, dict[Any, Any]]:
    """Names of the other inputs, where the image is, and the others by name or place."""
    if given is None:
        return (), None, {}
    named = isinstance(given, Mapping)
    if not named and not isinstance(given, list | tuple):
        raise TypeError(
            f"inputs={type(given).__name__}: pass {{name: values}}, or a list or tuple with None in"
            " the image's place"
        )
    items = _named("inputs", given) if named else dict(enumerate(given))
    images = [key for key, each in items.items() if each is None]
    others = {key: each for key, each in items.items() if each is not None}
    if len(images) > 1 or (not named and not images):
        raise ValueError(f"inputs= has {len(images)} None: one stands for the image")
    # A name alone says which argument, or which entry of one dict, the image is.
    if not others and not (named and images):
        raise ValueError("inputs= has nothing beside the image: leave it out")
    return tuple(map(str, others)) if named else (), images[0] if images else None, others


def _named(option: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not all(isinstance(each, str) for each in given):
        raise TypeError(f"{option}={given!r}: pass {{name: values, one row an image}}")
    return dict(given)


def _rows(what: str, values: Any, given: int) -> Array:
    array = to_numpy(values, what)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} has dtype {array.dtype}: pass numbers")
    if array.ndim < 1 or len(array) != given:
        raise ValueError(f"{what} has shape {array.shape} for {given} images: pass one row each")
    # As the images: what Python makes of numbers is no wish for double precision.
    made = array.astype(np.float32 if array.dtype == np.float64 else array.dtype)
    made.setflags(write=False)
    return made


def _over(given: Any, count: int, kept: int) -> str | Masks | None:
    if given is None:
        return None
    if isinstance(given, str):
        if given not in OVER:
            raise ValueError(f"mean_over={given!r}: pass 'predicted', 'all' or masks")
        return given
    masks = to_numpy(given, "mean_over")
    if masks.ndim == 2:
        masks = np.broadcast_to(masks, (count, *masks.shape))
    if masks.ndim != 3 or len(masks) != count:
        raise ValueError(
            f"mean_over has shape {masks.shape} for {count} images: pass a mask (height, width) of"
            " the output, or one each"
        )
    if not np.isin(masks, (0, 1)).all():
        raise ValueError("mean_over has values beside 0 and 1: pass true where a pixel counts")
    empty = np.flatnonzero(~masks[:kept].any(axis=(1, 2)))
    if empty.size:
        raise ValueError(f"mean_over is empty for image {empty[0]}: mark a pixel")
    counted = masks[:kept].astype(bool)
    counted.setflags(write=False)
    return tuple(counted)
