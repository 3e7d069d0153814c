"""How far hiding something moves a model's answer: measures that cannot cancel.

What the true class loses may be a gain on the next image, so that its mean over
images says nothing of how many answers change.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorboard_picasso.numbers import maps


@dataclass(frozen=True)
class Move:
    """How one image's answer differs from that with nothing hidden.

    moves: total variation, half the sum of |p - q| over the classes, 0 to 1; of
      independent labels the mean of |p - q|.
    flips: whether the prediction is another one; of independent labels, which
      of them are predicted.
    predicted: the class that is likeliest now.
    """

    moves: float
    flips: bool
    predicted: int


def move(whole: ArrayLike, hidden: ArrayLike, independent: bool = False) -> Move | None:
    """What hiding something does to an answer.

    Args:
      whole, hidden: (classes,) log-odds of all classes, with nothing and with
        something hidden. One alone stands for two classes: it is the second's.
      independent: whether each class is true or not whatever the others are;
        predicted are then those from zero on.

    Returns:
      None where a log-odds is no number.
    """
    before = np.asarray(whole, np.float64)
    if not before.size:
        return None
    moves, flips, predicted = moved(before, hidden, independent)
    return None if np.isnan(moves) else Move(float(moves), bool(flips), int(predicted))


def moved(
    whole: ArrayLike, hidden: ArrayLike, independent: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """The same of many answers at once: `moves`, `flips` and `predicted` of each.

    Args:
      whole, hidden: (…, classes), which go together as arrays do; as of `move`.
      independent: as of `move`.

    Returns:
      Arrays (…); moves are NaN where a log-odds is no number, and nothing flips there.
    """
    before, after = (_of_two(np.asarray(odds, np.float64)) for odds in (whole, hidden))
    before, after = np.broadcast_arrays(before, after)
    apart = np.abs(maps.probability(before) - maps.probability(after))
    moves = apart.mean(-1) if independent else np.minimum(apart.sum(-1) / 2, 1.0)
    known = ~(np.isnan(before) | np.isnan(after)).any(-1)
    predicted = np.where(np.isnan(after), -np.inf, after).argmax(-1)
    if independent:
        flips = ((before >= 0) != (after >= 0)).any(-1)
    else:
        flips = before.argmax(-1) != predicted
    return np.where(known, moves, np.nan), flips & known, predicted


def _of_two(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([-odds, odds], -1) if odds.shape[-1] == 1 else odds
