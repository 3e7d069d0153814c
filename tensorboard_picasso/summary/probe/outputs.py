"""What a model's output is, and the log-odds and gradients made from it.

Log-odds of a class are its logit minus the logsumexp of all others; their
sigmoid is its probability. All is float64 NumPy, so that no backend needs to
know of scores.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output

Floats = NDArray[np.float64]

SCORES = ("log-odds", "logit", "probability")
# With these a final softmax or sigmoid is looked behind.
LOOK_BEHIND = ("auto", "probabilities", "sigmoid")
# How far rows of probabilities may be from a sum of 1.
TOLERANCE = 1e-2
_SEVERAL = "an image may have several true labels"


class OutputError(ValueError):
    """A model's output cannot be interpreted, with the remedy."""


@dataclass(frozen=True)
class Taken:
    """What a model's output is taken to be; decided once a probe and recorded.

    output: what its scores are.
    independent: whether each class is a label of its own, true or not, whatever the others
      are: `Output.LOGITS` are then those before a sigmoid.
    why: what tells, in words. other: the `output=` that says otherwise.
    decided: False where there were no scores to tell it, only those of a model that is broken:
      the first ones that are numbers decide.
    """

    output: Output
    independent: bool = False
    why: str = field(default="", compare=False)
    other: str = field(default="", compare=False)
    decided: bool = True

    @property
    def kind(self) -> Output:
        """What log-odds are made of: `Output.SIGMOID` of independent labels."""
        return Output.SIGMOID if self.independent else self.output

    @property
    def logits(self) -> bool:
        """Whether scores are logits before a sigmoid, though nothing was looked behind."""
        return self.independent and self.output is Output.LOGITS


def decide(
    raw: ArrayLike, asked: str, shown: Output | None, behind: bool = False, several: bool = False
) -> Taken:
    """What the output of a model is, from the scores of the whole probe that are numbers.

    Args:
      raw: (n, classes).
      asked: the probe's `output=`.
      shown: what the framework shows of it, None where it does not.
      behind: raw is what stands before a final softmax or sigmoid.
      several: images have any number of true labels, which no softmax tells apart.

    Raises:
      OutputError: not (n, classes), ambiguous, or not what was asked.
    """
    value = np.asarray(raw, np.float64)
    if value.ndim != 2 or value.shape[1] < 1:
        raise OutputError(f"the model returns {value.shape}: scores must be (n, classes)")
    value = value[_telling(value)]
    several = several and value.shape[1] > 1
    if asked == "auto" and value.shape[1] == 1 and not behind:
        raise OutputError(
            "the model returns one score an image: pass output='sigmoid' (yes or no; a logit or"
            " a probability) or 'raw' (a number)"
        )
    if not (len(value) or behind):
        return _untold(asked, value.shape[1], several)
    if asked == "auto":
        return _guess(value, shown, behind, several)
    output = Output(asked)
    if output is Output.LOGITS and value.shape[1] > 1 and _are_probabilities(value):
        raise OutputError(
            "output='logits', but all scores are probabilities (from 0, rows sum to 1): pass 'auto'"
        )
    if behind and output in (Output.PROBABILITIES, Output.SIGMOID):
        if (shown is Output.LOGITS) != (output is Output.PROBABILITIES):
            ends = "softmax" if shown is Output.LOGITS else "sigmoid"
            raise OutputError(f"output={asked!r}, but the model ends in a {ends}: pass 'auto'")
        return _seen(value, output)
    if output is Output.SIGMOID:
        return _sigmoid(value, shown)
    if output is Output.PROBABILITIES:
        if not _within(value):
            raise OutputError(f"output='probabilities', but {_span(value)}: pass 'auto'")
        if not _sum_to_one(value):
            raise OutputError("output='probabilities', but rows do not sum to 1: pass 'sigmoid'")
    return Taken(output, False, f"output={asked!r} says so", "sigmoid" if several else "")


def again(taken: Taken, raw: ArrayLike, behind: bool, asked: str) -> Taken:
    """The same at a later record, unless its scores show that it was mistaken.

    No probability is outside 0..1: first scores within it, as of an untrained model, were
    logits, unless `asked`, the probe's `output=`, says that they are probabilities.
    """
    span = left(taken, raw, behind) if taken.decided else ""
    if not span or asked == "probabilities":
        return taken
    why = f"{span}, though the first ones were within 0..1"
    other = "raw" if np.shape(raw)[-1] == 1 else taken.other
    return Taken(Output.LOGITS, taken.independent, why, other)


def left(taken: Taken, raw: ArrayLike, behind: bool) -> str:
    """What scores span that are taken as probabilities and are outside 0..1; else empty."""
    value = np.asarray(raw, np.float64)
    value = value[np.isfinite(value)]
    if behind or taken.output not in (Output.PROBABILITIES, Output.SIGMOID):
        return ""
    within = not value.size or (value.min() >= -TOLERANCE and value.max() <= 1 + TOLERANCE)
    return "" if within else _span(value)


def told(taken: Taken, count: int) -> str:
    """What a model's output of so many columns is taken to be: a sentence, with the remedy."""
    what = "logits" if taken.output is Output.LOGITS else "probabilities"
    if taken.output is Output.RAW:
        what = "plain numbers"
    elif count == 1:
        what = f"{what} of yes or no (class 1 or 0)"
    elif taken.independent:
        what = f"{what} of {count} independent labels (sigmoid)"
    else:
        what = f"{what} of one of {count} classes (softmax)"
    others = {
        "raw": "plain numbers",
        "sigmoid": "independent labels",
        "logits": "logits" if count == 1 else "logits of one of the classes",
    }
    remedy = f"; output={taken.other!r} takes {others[taken.other]}" if taken.other else ""
    return f"the output is taken as {what}, as {taken.why}{remedy}"


def _untold(asked: str, count: int, several: bool) -> Taken:
    """What the output of a broken model is taken to be, until there are numbers."""
    if asked == "auto":
        return Taken(Output.LOGITS, several, decided=False)
    if asked == "sigmoid":
        return Taken(Output.LOGITS, count > 1, decided=False)
    return Taken(Output(asked), decided=False)


def _seen(value: Floats, output: Output) -> Taken:
    """What stands before an activation that is seen."""
    if output is Output.SIGMOID:
        return Taken(Output.SIGMOID, value.shape[1] > 1, "the model ends in a sigmoid", "raw")
    return Taken(Output.LOGITS, False, "the model ends in a softmax", "raw")


def _sigmoid(value: Floats, shown: Output | None) -> Taken:
    """Of a model that is said to end in a sigmoid, or to be followed by one."""
    independent = value.shape[1] > 1
    other = "logits" if independent else "raw"
    if _are_log_probabilities(value):
        raise OutputError(
            "output='sigmoid', but all scores are log-probabilities of a softmax: pass 'auto'"
        )
    if not _within(value):
        return Taken(Output.LOGITS, independent, _span(value), other)
    if shown is Output.LOGITS:
        return Taken(Output.LOGITS, independent, "the model ends in a linear layer", other)
    return Taken(Output.SIGMOID, independent, "scores are within 0..1", "logits")


def _guess(value: Floats, shown: Output | None, behind: bool, several: bool) -> Taken:
    if behind:
        return _seen(value, Output.SIGMOID if shown is Output.SIGMOID else Output.PROBABILITIES)
    if _are_log_probabilities(value):
        return Taken(Output.LOGITS, False, "rows are log-probabilities", "raw")
    if shown is not Output.LOGITS and _within(value):
        if _sum_to_one(value):
            return Taken(Output.PROBABILITIES, False, "rows are from 0 and sum to 1", "sigmoid")
        if several:
            return Taken(Output.SIGMOID, True, f"{_SEVERAL}, and scores are within 0..1", "logits")
        raise OutputError(
            "scores within 0..1 do not sum to 1: pass output='sigmoid', 'logits' or 'raw'"
        )
    if several:
        return Taken(Output.LOGITS, True, _SEVERAL, "logits")
    why = _span(value) if shown is None else "the model ends in a linear layer"
    return Taken(Output.LOGITS, False, why, "sigmoid")


def _telling(value: Floats) -> NDArray[np.bool_]:
    """Which rows tell what they are; -inf beside numbers is a class that is ruled out."""
    finite = np.isfinite(value)
    return np.asarray(finite.any(axis=1) & (finite | np.isneginf(value)).all(axis=1))


def _within(value: Floats) -> bool:
    return bool((value >= 0).all() and (value <= 1).all())


def _span(value: Floats) -> str:
    return f"scores span {value.min():.3g}..{value.max():.3g}"


def _sum_to_one(value: Floats) -> bool:
    return bool((np.abs(value.sum(axis=1) - 1) <= TOLERANCE).all())


def _are_probabilities(value: Floats) -> bool:
    return bool((value >= 0).all()) and _sum_to_one(value)


def _are_log_probabilities(value: Floats) -> bool:
    return value.shape[1] > 1 and bool((value <= 0).all()) and _sum_to_one(np.exp(value))


def _of_two_classes(value: Floats, output: Output) -> bool:
    """One score of a yes-or-no model is that of class 1; class 0 is its opposite."""
    return value.shape[1] == 1 and output is not Output.RAW


def _sum_others(value: Floats) -> Floats:
    """Per class, the sum of all others; (n, classes).

    Added up from both ends and never subtracted, so that what is small beside
    a large class is not lost.
    """
    nothing = np.zeros_like(value[:, :1])
    before = np.cumsum(np.hstack([nothing, value[:, :-1]]), axis=1)
    after = np.cumsum(np.hstack([nothing, value[:, :0:-1]]), axis=1)[:, ::-1]
    return np.asarray(before + after)


def _logsumexp_others(value: Floats) -> Floats:
    """Per class, the logsumexp of all others; (n, classes)."""
    peak = value.max(axis=1, keepdims=True)
    others = peak + np.log(_sum_others(np.exp(value - peak)))
    # Beside the largest class all others may underflow: it gets their own peak.
    rows, head = np.arange(len(value)), value.argmax(axis=1)
    rest = value.copy()
    rest[rows, head] = -np.inf
    peak = rest.max(axis=1, keepdims=True)
    others[rows, head] = peak[:, 0] + np.log(np.exp(rest - peak).sum(axis=1))
    return np.asarray(others)


def log_odds(raw: ArrayLike, output: Output, behind: bool = False) -> Floats:
    """Log-odds of all classes.

    Args:
      raw: (n, classes) of the model.
      output: what it is.
      behind: for `Output.SIGMOID`: raw are the logits before the sigmoid.

    Returns:
      (n, classes) float64; infinite where a probability leaves nothing to
      divide by. For `Output.RAW` the values themselves. A single score that is
      not raw is of two classes: (n, 2).
    """
    value = np.asarray(raw, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if _of_two_classes(value, output):
            if output is not Output.LOGITS and not behind:
                value = np.log(value) - np.log1p(-value)
            return np.hstack([-value, value])
        if output is Output.LOGITS:
            return value - _logsumexp_others(value)
        if output is Output.PROBABILITIES:
            return np.asarray(np.log(value) - np.log(_sum_others(value)))
        if output is Output.SIGMOID and not behind:
            return np.log(value) - np.log1p(-value)
    return value


def score(raw: ArrayLike, output: Output, target: int, score: str, behind: bool = False) -> Floats:
    """The score of a class, (n,): what `cotangent` is the derivative of; all else as there."""
    _check_logit(output, score)
    value = np.asarray(raw, np.float64)
    if score == "logit" and output is Output.LOGITS and not _of_two_classes(value, output):
        return value[:, target]
    odds = log_odds(value, output, behind)[:, target]
    probable = score == "probability" and output is not Output.RAW
    return np.asarray(maps.probability(odds), np.float64) if probable else odds


def cotangent(
    raw: ArrayLike, output: Output, target: int, score: str, behind: bool = False
) -> Floats:
    """Derivative of score[target] by the raw scores, (n, classes): what a backend multiplies in.

    Args:
      raw: (n, classes) of the model.
      output: what it is.
      target: the class explained.
      score: "log-odds", "logit" or "probability". For `Output.RAW` it is the
        value, whatever is asked.
      behind: as for `log_odds`.

    Raises:
      OutputError: the logit of a model that gives probabilities only.
    """
    value = np.asarray(raw, np.float64)
    if output is Output.RAW:
        return _unit(value, target)
    _check_logit(output, score)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = _log_odds_cotangent(value, output, target, score, behind)
        if score == "probability":
            odds = log_odds(value, output, behind)[:, target]
            small = np.exp(-np.abs(odds))
            # p (1 - p): where it is zero the probability no longer moves.
            slope = (small / (1 + small) ** 2)[:, None]
            change = np.where(slope > 0, change * slope, 0.0)
    return change


def _check_logit(output: Output, score: str) -> None:
    if output is Output.PROBABILITIES and score == "logit":
        raise OutputError("score='logit', but the model gives probabilities: use score='log-odds'")


def _unit(value: Floats, target: int) -> Floats:
    one = np.zeros_like(value)
    one[:, target] = 1
    return one


def _log_odds_cotangent(
    value: Floats, output: Output, target: int, score: str, behind: bool
) -> Floats:
    logits = output is Output.LOGITS or behind
    if _of_two_classes(value, output):
        sign = 1.0 if target else -1.0
        return np.full_like(value, sign) if logits else sign / (value * (1 - value))
    one = _unit(value, target)
    if output is Output.LOGITS:
        if score == "logit":
            return one
        rest = np.where(one > 0, -np.inf, value)
        rest = np.exp(rest - rest.max(axis=1, keepdims=True))
        return np.asarray(one - rest / rest.sum(axis=1, keepdims=True))
    if output is Output.PROBABILITIES:
        return np.asarray(np.where(one > 0, 1 / value, -1 / _sum_others(value)[:, [target]]))
    return one if behind else np.where(one > 0, 1 / (value * (1 - value)), 0.0)
