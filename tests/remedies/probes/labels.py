"""What the output is taken to be, and labels that are several or none."""

import functools
import io
import tempfile
import warnings
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np

from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import Probe
from tests.kit import events
from tests.remedies import Row, X, explained, linear

HOT = [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def softmax(x):
    powers = np.exp(linear(x))
    return powers / powers.sum(1, keepdims=True)


def of(message, model, wrong, right):
    """A row of a model and what the probe says of it."""

    def tried(options):
        return explained(Probe("p", X, **options), model)

    return Row(message, lambda: tried(wrong), lambda: tried(right))


def first(x):
    return linear(x)[:, 0]


VALUES = [23.0, 41.5, 7.0]
TAKEN = "labels are numbers and no classes, so the output is taken as numbers too; output= says otherwise"


def otherwise():
    """Nothing is said, and it is what it is said to be."""
    stream = io.StringIO()
    with redirect_stderr(stream):
        probe = Probe("p", X, labels=VALUES, output="logits")
    assert "taken as numbers" not in stream.getvalue()
    assert explained(probe).output is Output.LOGITS  # its log-odds are compared there


def over_training(end):
    """Log a model of independent labels at two steps; at the first all its logits are 0."""

    def try_it():
        probe = Probe("p", X, labels=HOT)
        with tempfile.TemporaryDirectory() as path, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", summary.PicassoWarning)
            for step in range(2):
                model = functools.partial(lambda step, x: end(step * linear(x)), step)
                summary.class_probabilities(probe, model, step=step, writer=path, strict=True)
            summary.flush()
            ours = [each for each in caught if each.category is summary.PicassoWarning]
            if ours:
                raise ValueError(str(ours[0].message))
            found = events.whole_scores(Path(path))
        np.testing.assert_allclose(found[0], 0, atol=1e-4)
        np.testing.assert_allclose(found[1], linear(X)[0], atol=1e-3)

    return try_it


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


def within(x):
    """Logits that happen to be within 0..1."""
    return 0.5 + 0 * linear(x)[:, 0]


def ending(name):
    """A module of PyTorch that is seen to end so."""
    import torch

    nn = torch.nn
    last = {"sigmoid": nn.Sigmoid, "softmax": lambda: nn.Softmax(1)}[name]()
    return nn.Sequential(nn.Flatten(), nn.Linear(108, 3), last)


def seen(name, wrong):
    def tried(output):
        return explained(Probe("p", X, output=output), ending(name))

    return Row(f"ends in a {name}: pass 'auto'", lambda: tried(wrong), lambda: tried("auto"))


ROWS = [
    Row("from now on .*: log them anew, with the sigmoid in the model", over_training(lambda scores: scores), over_training(sigmoid)),
    Row(TAKEN, lambda: Probe("p", X, labels=VALUES), otherwise),
    seen("sigmoid", "probabilities"),
    of("log-probabilities of a softmax: pass 'auto'", lambda x: np.log(softmax(x)), {"output": "sigmoid"}, {}),
    of("output='sigmoid' takes independent labels", linear, {}, {"output": "sigmoid"}),
    of("output='logits' takes logits of one of the classes", linear, {"labels": HOT}, {"labels": HOT, "output": "logits"}),
    of("output='logits' takes logits", within, {"output": "sigmoid"}, {"output": "logits"}),
    of("output='raw' takes plain numbers", lambda x: np.log(softmax(x)), {}, {"output": "raw"}),
    of(
        "labels that are no classes are floats, with output='raw'", first,
        {"labels": [23, 41, 7], "output": "raw"}, {"labels": [23.0, 41.0, 7.0], "output": "raw"},
    ),
]  # fmt: skip
