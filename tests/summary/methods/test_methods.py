"""Methods in general: how they are found and named, and what they share."""

from pathlib import Path

import pytest
import tensorflow as tf

from tensorboard_picasso import summary
from tensorboard_picasso.summary import Occlusion, Probe, Saliency, methods
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.methods._listing import table
from tests.kit.explained import explain, linear, noise


def test_methods_are_found_by_being_there():
    known = methods.known()
    assert (known["occlusion"], known["saliency"]) == (Occlusion, Saliency)
    # Whoever writes methods=[…] finds each of them in one place.
    assert all(getattr(summary, each.__name__) is each for each in known.values())


def test_the_table_of_methods_is_what_they_say_of_themselves():
    root = Path(__file__).parents[3]
    for name, paper in (("docs/methods.md", True), ("README.md", False)):
        assert "\n".join(table(paper)) in (root / name).read_text(), (
            f"{name}: take the table of python -m tensorboard_picasso methods --markdown"
        )


def test_several_settings_of_a_method_share_a_call():
    probe = Probe("p", noise(2, 6, 6), targets=[0], output="raw")
    result = explain(
        linear(noise(6, 6, 1, 2)), probe, Occlusion(), Occlusion(fill="white", label="white")
    )
    assert [each.label for each, _ in result.images[1].attributions] == ["occlusion", "white"]


def test_a_model_without_gradient_says_so():
    probe = Probe("p", noise(1, 6, 6), targets=[0], output="raw")
    model = lambda x: tf.round(tf.reshape(x, (-1, 36)))  # noqa: E731
    with pytest.raises(UnsupportedError, match="no gradient"):
        explain(lambda x: tf.cast(tf.cast(model(x), tf.int32), tf.float32), probe, Saliency())
