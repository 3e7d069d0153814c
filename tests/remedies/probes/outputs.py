"""What a model's output is, and labels."""

import numpy as np
import torch

from tensorboard_picasso.summary import Probe, Saliency
from tests.remedies import OCCLUSION, Row, W, X, explained, linear, probe


class Ends(torch.nn.Module):
    """A linear model with an end that is seen, or that is not."""

    def __init__(self, end):
        super().__init__()
        self.end = end

    def forward(self, x):
        return self.end(x.flatten(1) @ torch.tensor(W, dtype=torch.float32))


def softmax(x):
    powers = np.exp(linear(x))
    return powers / powers.sum(1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-linear(x)))


def log_softmax(x):
    return np.log(softmax(x))


def one(x):
    return linear(x)[:, :1]


def taken(model, output, *methods, **options):
    def try_it():
        found = explained(Probe("p", X, output=output, **options), model, *methods)
        # Whatever it is said to be, what is explained moves with the model's scores.
        assert np.ptp([each.scores.values for each in found.images], axis=0).max() > 0

    return try_it


SOFT = Ends(torch.nn.Softmax(1))
UNSEEN = Ends(lambda scores: torch.softmax(scores, 1))
CLASSES = [[0, 2], [1], [2]]

ROWS = [
    Row("returns one score an image: pass output='sigmoid'", taken(one, "auto"), taken(one, "sigmoid")),
    Row("returns one score an image: .* or 'raw'", taken(one, "auto"), taken(one, "raw")),
    Row("output='logits', but all scores are probabilities .*: pass 'auto'", taken(softmax, "logits"), taken(softmax, "auto")),
    Row("output='sigmoid', but the model ends in a softmax: pass 'auto'", taken(SOFT, "sigmoid"), taken(SOFT, "auto")),
    Row("output='probabilities', but .* span .*: pass 'auto'", taken(linear, "probabilities"), taken(linear, "auto")),
    Row("output='probabilities', but rows do not sum to 1: pass 'sigmoid'", taken(sigmoid, "probabilities"), taken(sigmoid, "sigmoid")),
    Row("log-probabilities of a softmax: pass 'auto'", taken(log_softmax, "sigmoid"), taken(log_softmax, "auto")),
    *(
        Row("scores within 0..1 do not sum to 1: pass output='sigmoid', 'logits' or 'raw'", taken(sigmoid, "auto"), taken(sigmoid, each))
        for each in ("sigmoid", "logits", "raw")
    ),
    Row("score='logit', but the model gives probabilities: use score='log-odds'", taken(UNSEEN, "probabilities", Saliency(score="logit")), taken(UNSEEN, "probabilities", OCCLUSION, Saliency(score="log-odds"))),
    probe("labels: 2 for 3 images: pass one an image", {"labels": [0, 1]}, {"labels": [0, 1, 2]}),
    probe(r"labels has shape .*: pass one class an image, or leave them out", {"labels": np.zeros((3, 2, 2))}, {"labels": np.zeros(3, int)}),
    probe("or leave them out", {"labels": np.zeros((3, 2, 2))}, {}),
    Row("pass lists of ints where they are classes", lambda: Probe("p", X, labels=np.array([[0, 2], [1, 2], [2, 1]])), lambda: explained(Probe("p", X, labels=np.array([[0, 2], [1, 2], [2, 1]]).tolist(), output="sigmoid"))),
    Row("beside 0 and 1: .* floats where they are values", lambda: Probe("p", X, labels=np.array([[0, 2], [1, 2], [2, 1]])), lambda: explained(Probe("p", X, labels=np.array([[0, 2], [1, 2], [2, 1]]).astype(float), output="raw"))),
]  # fmt: skip
