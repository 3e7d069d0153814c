"""What the output is, and labels: of one class, of any number, of none."""

import numpy as np

from tensorboard_picasso.summary import Probe
from tests.remedies import Row, X, explained, linear, probe

ROWS_OF_NUMBERS = np.array([[2, 1], [0, 1], [1, 0]])
HOT = [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def sigmoid(x):
    return 1 / (1 + np.exp(-linear(x)))


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
    seen("sigmoid", "probabilities"),
    seen("softmax", "sigmoid"),
    probe(r"pass labels.tolist\(\) where they are classes", {"labels": ROWS_OF_NUMBERS}, {"labels": ROWS_OF_NUMBERS.tolist(), "output": "sigmoid"}),
    probe(r"labels.astype\(float\) where they are values", {"labels": ROWS_OF_NUMBERS}, {"labels": ROWS_OF_NUMBERS.astype(float)}),
    probe("pass one class an image, or leave them out", {"labels": np.zeros((3, 2, 2))}, {}),
    of("one score an image: pass output='sigmoid'", first, {}, {"output": "sigmoid"}),
    of(r"or 'raw' \(a number\)", first, {}, {"output": "raw"}),
    of("do not sum to 1: pass output='sigmoid'", sigmoid, {}, {"output": "sigmoid"}),
    of("rows do not sum to 1: pass 'sigmoid'", sigmoid, {"output": "probabilities"}, {"output": "sigmoid"}),
    of("all scores are probabilities", softmax, {"output": "logits"}, {"output": "auto"}),
    of("output='probabilities', but scores span", linear, {"output": "probabilities"}, {"output": "auto"}),
    of("log-probabilities of a softmax: pass 'auto'", lambda x: np.log(softmax(x)), {"output": "sigmoid"}, {}),
    of("output='sigmoid' takes independent labels", linear, {}, {"output": "sigmoid"}),
    of("output='logits' takes logits of one of the classes", linear, {"labels": HOT}, {"labels": HOT, "output": "logits"}),
    of("output='raw' takes plain numbers", lambda x: np.log(softmax(x)), {}, {"output": "raw"}),
    of(
        "labels that are no classes are floats, with output='raw'", first,
        {"labels": [23, 41, 7], "output": "raw"}, {"labels": [23.0, 41.0, 7.0], "output": "raw"},
    ),
]  # fmt: skip
