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
    before, after = (_of_two(np.asarray(each, np.float64)) for each in (whole, hidden))
    if not before.size or np.isnan(before).any() or np.isnan(after).any():
        return None
    apart = np.abs(maps.probability(before) - maps.probability(after))
    moves = apart.mean() if independent else min(apart.sum() / 2, 1.0)
    if independent:
        flips = bool(((before >= 0) != (after >= 0)).any())
    else:
        flips = bool(before.argmax() != after.argmax())
    return Move(float(moves), flips, int(after.argmax()))


def _of_two(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([-odds[0], odds[0]]) if odds.size == 1 else odds
