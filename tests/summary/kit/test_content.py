"""Keys of values are equal where their content is."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.summary import Occlusion
from tensorboard_picasso.summary.kit import content

LARGE = np.zeros((50, 50), bool)
OTHER = LARGE.copy()
OTHER[25, 25] = True


def scaled(factor, offset=0):
    return lambda x: x * factor + offset


class Scaler:
    def scale(self, x):
        return x


SCALER = Scaler()


@pytest.mark.parametrize(
    "make",
    [
        lambda: LARGE.copy(),
        lambda: {"a": [LARGE.copy(), {"b": (1, "c")}]},
        lambda: tf.constant(LARGE),
        lambda: scaled(2),
        lambda: scaled(LARGE.copy()),
        lambda: lambda x, k=3: x * k,
        lambda: partial(scaled(2), 3, x=[LARGE.copy()]),
        lambda: SCALER.scale,
        lambda: Occlusion(fill=[0.5]),
        lambda: float("nan"),
    ],
)
def test_equal_content_gives_equal_keys(make):
    assert content.key(make()) == content.key(make())
    assert hash(content.key(make())) == hash(content.key(make()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LARGE, OTHER),
        (LARGE, LARGE.reshape(25, 100)),
        (LARGE, LARGE.astype(np.uint8)),
        ({"a": LARGE}, {"a": OTHER}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], (1, 2)),
        (1, 1.0),
        (scaled(2), scaled(3)),
        (scaled(2), scaled(2, 1)),
        (scaled(LARGE), scaled(OTHER)),
        (lambda x, k=3: x * k, lambda x, k=4: x * k),
        (SCALER.scale, Scaler().scale),
        (Scaler(), Scaler()),
        (Occlusion(3), Occlusion(4)),
    ],
)
def test_other_content_gives_other_keys(one, other):
    assert content.key(one) != content.key(other)


def test_a_variable_stays_itself_when_it_is_assigned():
    variable = tf.Variable(1.0)
    before = content.key(scaled(variable))
    variable.assign(2.0)
    assert content.key(scaled(variable)) == before
    assert content.key(scaled(tf.Variable(2.0))) != before


def test_what_holds_itself_has_a_key():
    held = []
    held.append(held)

    def again(x):
        return again(x)

    assert content.key(held) == content.key(held)
    assert content.key(again) == content.key(again)
