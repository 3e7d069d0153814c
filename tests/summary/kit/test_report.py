"""What went wrong is said in one line that tells it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.summary.kit.report import kind, reason


def raised(function):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function()
    return reason(caught.value)


def test_a_plain_error_is_its_first_line():
    assert reason(ValueError("pixels span 0..255\nmore")) == "ValueError: pixels span 0..255"
    assert reason(KeyError()) == "KeyError: no message"


def test_notes_are_kept():
    error = ValueError("no")
    error.add_note("(at image 3)")
    assert reason(error) == "ValueError: no (at image 3)"


def test_what_a_graph_raises_when_it_runs():
    run = tf.function(lambda x: tf.linalg.inv(x))
    assert raised(lambda: run(tf.zeros([2, 2]))) == (
        "InvalidArgumentError: Input is not invertible."
    )


def test_what_tracing_raises():
    @tf.function
    def run(x):
        return x / (1 // 0)

    assert "ZeroDivisionError: integer division" in raised(lambda: run(tf.zeros([2])))


def test_what_a_keras_layer_raises():
    class Wrong(keras.layers.Layer):
        def call(self, x):
            return x @ tf.ones([35, 3])

    said = raised(lambda: Wrong()(np.ones((1, 36), np.float32)))
    assert "36" in said
    assert "Exception encountered" not in said
    assert "Arguments" not in said


def test_what_a_keras_model_raises_while_it_is_traced():
    class Eager(keras.layers.Layer):
        def call(self, x):
            return x.numpy()

    model = keras.Sequential([Eager()])
    said = raised(lambda: tf.function(model)(tf.zeros([2, 3])))
    assert "no attribute 'numpy'" in said


def test_a_failure_that_differs_in_numbers_only_is_of_one_kind():
    assert kind("lost 3 of 0x7f01") == kind("lost 44 of 0x7fee")
    assert kind("lost 3") != kind("found 3")


def test_what_belongs_to_the_first_line_is_kept():
    error = ValueError(
        "Got invalid dimensions for input: x for the following indices\n index: 0 Got: 16"
        " Expected: 1\n Please fix the model.\nmore"
    )
    assert reason(error).endswith("indices index: 0 Got: 16 Expected: 1 Please fix the model.")
    assert reason(TypeError("The mismatches are:\nfloat32[4] and float32[3]\nmore")) == (
        "TypeError: The mismatches are: float32[4] and float32[3]"
    )
    assert len(reason(ValueError("first\n" + " long" * 1000))) < 450
