"""Every error that names a remedy: the situation, the message, the remedy, and that it then works.

A module, here or in a folder, holds the rows of one part of the project; `test_remedies.py` tries
them all.
"""

import io
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tensorboard_picasso.summary import Occlusion, Probe
from tensorboard_picasso.summary.kit import report
from tests.kit.explained import explain, noise


@dataclass(frozen=True)
class Row:
    """One remedy.

    message: a pattern of what `wrong` raises, or prints. right: applies the remedy, and checks
    that it works.
    """

    message: str
    wrong: Callable[[], Any]
    right: Callable[[], Any]


@cache
def said(row: Row) -> str:
    """What the situation says, with its notes."""
    report._said.clear()
    stream = io.StringIO()
    with redirect_stderr(stream):
        try:
            row.wrong()
        except BaseException as e:
            return " ".join([str(e), *getattr(e, "__notes__", ())]) + stream.getvalue()
    return stream.getvalue()


_kept: list[tempfile.TemporaryDirectory[str]] = []


def directory() -> str:
    """A new one, removed at the end."""
    _kept.append(tempfile.TemporaryDirectory(prefix="picasso-"))
    return _kept[-1].name


X = noise(3, 6, 6, 3)
GREY = noise(3, 6, 6, 1, seed=1)
W = noise(108, 3, seed=2) - 0.5
OCCLUSION = Occlusion(2, 2)


def linear(x: Any) -> Any:
    """A model of NumPy arrays, of images of any size with up to 108 numbers."""
    flat = np.asarray(x, np.float64).reshape(len(x), -1)
    return flat @ W[: flat.shape[1]]


def odds(logits: Any) -> Any:
    """Log-odds by hand."""
    logits = np.asarray(logits, np.float64)
    return np.array(
        [
            [row[k] - np.log(np.exp(np.delete(row, k)).sum()) for k in range(row.size)]
            for row in logits
        ]
    )


def explained(probe: Probe, model: Any = linear, *methods: Any) -> Any:
    """Explain a model; the scores are those that the model gives, and windows those of images."""
    result = explain(model, probe, *(methods or (OCCLUSION,)))
    if model is linear and probe.output in ("auto", "logits"):
        for index, image in enumerate(probe.images):
            expected = odds(linear(probe.model_input(image[None])))[0]
            np.testing.assert_allclose(result.images[index].scores.values, expected, atol=1e-4)
    for image in result.images:
        assert np.isfinite(image.scores.values).all()
    return result


def probe(message: str, wrong: dict[str, Any], right: dict[str, Any]) -> Row:
    """A row of what `Probe` is given; `images` are X where they are not said."""

    def made(options: dict[str, Any]) -> Probe:
        return Probe(**{"name": "p", "images": X, **options})

    return Row(message, lambda: made(wrong), lambda: explained(made(right)))


def holds(message: str, text: str) -> bool:
    """Whether a message is that of the source, which has `{}` where there is a value."""
    place = 0
    for part in text.split("{}"):
        found = message.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True
