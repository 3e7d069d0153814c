"""What a model's output is, and the log-odds and gradients made from it.

Log-odds of a class are its logit minus the logsumexp of all others; their
sigmoid is its probability. All is float64 NumPy, so that no backend needs to
know of scores.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorboard_picasso import maps
from tensorboard_picasso.maps import Output
from tensorboard_picasso.summary import report

Floats = NDArray[np.float64]

SCORES = ("log-odds", "logit", "probability")
# With these a final softmax or sigmoid is looked behind.
LOOK_BEHIND = ("auto", "probabilities", "sigmoid")
# How far rows of probabilities may be from a sum of 1.
TOLERANCE = 1e-2


class OutputError(ValueError):
    """A model's output cannot be interpreted, with the remedy."""


def decide(raw: ArrayLike, asked: str, shown: Output | None, behind: bool = False) -> Output:
    """What the output of a model is, from the scores of the whole probe.

    Args:
      raw: (n, classes).
      asked: the probe's `output=`.
      shown: what the framework shows of it, None where it does not.
      behind: raw is what stands before a final softmax or sigmoid.

    Raises:
      OutputError: not (n, classes), not finite, ambiguous, or not what was asked.
    """
    value = np.asarray(raw, np.float64)
    if value.ndim != 2 or value.shape[1] < 1:
        raise OutputError(f"the model returns {value.shape}: scores must be (n, classes)")
    if not np.isfinite(value).all():
        raise OutputError("the model returns NaN or infinity for the probe's images")
    if asked == "auto":
        if value.shape[1] == 1 and not behind:
            raise OutputError(
                "the model returns one score: pass output='sigmoid' (a probability), 'logits'"
                " (before the sigmoid) or 'raw'"
            )
        return shown or _guess(value)
    output = Output(asked)
    if output is Output.LOGITS and value.shape[1] > 1 and _are_probabilities(value):
        raise OutputError(
            "output='logits', but all scores are probabilities (from 0, rows sum to 1): pass 'auto'"
        )
    if output not in (Output.PROBABILITIES, Output.SIGMOID):
        return output
    if behind and shown is not None:
        ends = "softmax" if shown is Output.LOGITS else "sigmoid"
        if (shown is Output.LOGITS) != (output is Output.PROBABILITIES):
            raise OutputError(f"output={asked!r}, but the model ends in a {ends}: pass 'auto'")
        return shown
    if (value < 0).any() or (value > 1).any():
        raise OutputError(
            f"output={asked!r}, but scores span {value.min():.3g}..{value.max():.3g}:"
            " pass 'logits' or 'raw'"
        )
    if output is Output.PROBABILITIES and not _sum_to_one(value):
        raise OutputError("output='probabilities', but rows do not sum to 1: pass 'sigmoid'")
    return output


def _sum_to_one(value: Floats) -> bool:
    return bool((np.abs(value.sum(axis=1) - 1) <= TOLERANCE).all())


def _are_probabilities(value: Floats) -> bool:
    return bool((value >= 0).all()) and _sum_to_one(value)


def _guess(value: Floats) -> Output:
    if (value < 0).any() or (value > 1).any():
        report.tell("logits", "the model's output is taken as logits (output= says otherwise)")
        return Output.LOGITS
    if _sum_to_one(value):
        return Output.PROBABILITIES
    raise OutputError(
        "scores within 0..1 do not sum to 1: pass output='sigmoid', 'logits' or 'raw'"
    )


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
