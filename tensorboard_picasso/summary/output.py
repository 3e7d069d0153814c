"""What a model's output is, and the log-odds and gradients made from it.

Log-odds of a class are its logit minus the logsumexp of all others. All is
float64 NumPy, so that no backend needs to know of scores.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def decide(raw: ArrayLike, asked: str, shown: Output | None) -> Output:
    """What the output of a model is, from the scores of the whole probe.

    Args:
      raw: (n, classes).
      asked: the probe's `output=`.
      shown: what the framework shows of it, None where it does not.

    Raises:
      OutputError: not (n, classes), not finite, ambiguous, or not what was asked.
    """
    value = np.asarray(raw, np.float64)
    if value.ndim != 2 or value.shape[1] < 1:
        raise OutputError(f"the model returns {value.shape}: scores must be (n, classes)")
    if not np.isfinite(value).all():
        raise OutputError("the model returns NaN or infinity for the probe's images")
    if shown is not None and asked in LOOK_BEHIND:
        output = shown
    elif asked != "auto":
        output = Output(asked)
    else:
        output = _guess(value)
    if output in (Output.LOGITS, Output.PROBABILITIES) and value.shape[1] < 2:
        raise OutputError("the model returns one score: pass output='sigmoid' or output='raw'")
    if output is Output.PROBABILITIES and asked != "auto" and not _are_probabilities(value):
        raise OutputError("output='probabilities', but rows do not sum to 1: pass output='logits'")
    return output


def _are_probabilities(value: Floats) -> bool:
    return bool((value >= 0).all() and (np.abs(value.sum(axis=1) - 1) <= TOLERANCE).all())


def _guess(value: Floats) -> Output:
    if value.shape[1] > 1 and _are_probabilities(value):
        return Output.PROBABILITIES
    if (value < 0).any() or (value > 1).any():
        report.tell("logits", "the model's output is taken as logits (output= says otherwise)")
        return Output.LOGITS
    raise OutputError(
        "scores within 0..1 do not sum to 1: pass output='sigmoid', 'logits' or 'raw'"
    )


def _logsumexp_others(value: Floats) -> Floats:
    """Per class, the logsumexp of all other classes; (n, classes)."""
    classes = value.shape[1]
    result = np.empty_like(value)
    for index in range(classes):
        others = np.delete(value, index, axis=1)
        peak = others.max(axis=1, keepdims=True)
        result[:, index] = peak[:, 0] + np.log(np.exp(others - peak).sum(axis=1))
    return result


def _sum_others(value: Floats) -> Floats:
    """Per class, the sum of all others, added and not subtracted from one."""
    classes = value.shape[1]
    before = np.cumsum(value, axis=1) - value
    after = np.cumsum(value[:, ::-1], axis=1)[:, ::-1] - value
    # Cumulative sums lose what is small beside a large class: exact for few classes.
    if classes <= 256:
        return value @ (1 - np.eye(classes))
    return before + after


def log_odds(raw: ArrayLike, output: Output, behind: bool = False) -> Floats:
    """Log-odds of all classes.

    Args:
      raw: (n, classes) of the model.
      output: what it is.
      behind: for `Output.SIGMOID`: raw are the logits before the sigmoid.

    Returns:
      (n, classes) float64; infinite where a probability leaves nothing to
      divide by. For `Output.RAW` the values themselves.
    """
    value = np.asarray(raw, np.float64)
    with np.errstate(divide="ignore"):
        if output is Output.LOGITS:
            if value.shape[1] > 256:
                return _many_log_odds(value)
            return value - _logsumexp_others(value)
        if output is Output.PROBABILITIES:
            return np.asarray(np.log(value) - np.log(_sum_others(value)))
        if output is Output.SIGMOID and not behind:
            return np.asarray(np.log(value) - np.log1p(-value))
    return value


def _many_log_odds(value: Floats) -> Floats:
    """Log-odds for many classes: one logsumexp, put right for the largest class."""
    peak = value.max(axis=1, keepdims=True)
    weight = np.exp(value - peak)
    head = value.argmax(axis=1)
    rows = np.arange(len(value))
    rest = weight.copy()
    rest[rows, head] = 0
    others = np.maximum(weight.sum(axis=1, keepdims=True) - weight, 0)
    # For the head the difference cancels: take the sum without it.
    others[rows, head] = rest.sum(axis=1)
    return value - peak - np.log(others)


def cotangent(
    raw: ArrayLike, output: Output, target: int, score: str, behind: bool = False
) -> Floats:
    """Derivative of score[target] by the raw scores, (n, classes): what a backend multiplies in.

    Args:
      raw, output, behind: as for `log_odds`.
      target: the class explained.
      score: "log-odds", "logit" (the raw score) or "probability".
    """
    value = np.asarray(raw, np.float64)
    one = np.zeros_like(value)
    one[:, target] = 1
    if output is Output.RAW or score == "logit":
        return one
    odds = log_odds(value, output, behind)[:, target]
    if output is Output.LOGITS:
        rest = value.copy()
        rest[:, target] = -np.inf
        rest = np.exp(rest - rest.max(axis=1, keepdims=True))
        change = one - rest / rest.sum(axis=1, keepdims=True)
    elif output is Output.PROBABILITIES:
        with np.errstate(divide="ignore"):
            others = _sum_others(value)[:, target]
            change = np.repeat(-1 / others[:, None], value.shape[1], axis=1)
            change[:, target] = 1 / value[:, target]
    else:
        p = value[:, target]
        with np.errstate(divide="ignore"):
            change = one if behind else one / (p * (1 - p))[:, None]
    if score == "probability":
        small = np.exp(-np.abs(odds))
        change = change * (small / (1 + small) ** 2)[:, None]
    return change
