"""Reuse in Keras on TensorFlow: the scores of whole passes, from a part of the work."""

import contextlib
import random
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tensorboard_picasso import summary
from tensorboard_picasso.summary import Occlusion, Probe, backends
from tensorboard_picasso.summary.backends.base import Hiding
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.methods import _segments
from tensorboard_picasso.summary.reuse import plan as plans
from tensorboard_picasso.summary.reuse.keras import Engine
from tensorboard_picasso.summary.reuse.keras_trace import Trace
from tensorboard_picasso.summary.reuse.rects import Rects
from tests.kit.explained import explain, noise, stored
from tests.kit.keras_networks import (
    drawn,
    ended,
    float64,
    followed,
    one,
    settled,
    stem,
    transformer,
    unfollowed,
)

EVERYTHING = "whole from here on, "


def grid(side, window, stride):
    places = [*range(0, side - window, stride), side - window]
    boxes = [(top, left, window, window) for top in places for left in places]
    return np.array([(0, 0, 0, 0), *boxes])


BOXES = grid(48, 8, 8)


@pytest.fixture
def by_estimate():
    """Which way is faster is not what is tested here."""
    with determinism.required():
        yield


def images(count=2, shape=(48, 48, 3), seed=0):
    return np.random.default_rng(seed).random((count, *shape))


def occluded(image, boxes, value=0.3):
    batch = np.repeat(image[None], len(boxes), axis=0)
    for each, (top, left, height, width) in zip(batch, boxes, strict=True):
        each[top : top + height, left : left + width] = value
    return batch


def itself(model, given, boxes):
    """What the model makes of the occluded images, (images, boxes, classes)."""
    return np.stack([model(occluded(each, boxes), training=False) for each in given])


def assert_same(found, expected, share=1e-9):
    spread = np.ptp(expected, axis=1).max()
    assert found.shape == expected.shape
    assert spread > 1e-6, "the windows change nothing"
    np.testing.assert_allclose(found, expected, rtol=share, atol=share * np.abs(expected).max())


def taken_apart(model, given, boxes):
    """Scores (images, boxes, classes) by a plan for these boxes, and the plan."""
    shape = given.shape[1:]
    engine = Engine(Trace(model, shape), lambda output: output)
    rects = Rects.of_boxes(boxes, shape[:2])
    plan = plans.make(engine.layers, rects)
    passed = engine.passed(given, [plan])
    rows, columns = (each.starts[:, None] + np.arange(each.size) for each in rects.axes)
    which = np.arange(len(boxes))[:, None, None]
    patches = [
        occluded(each, boxes)[which, rows[:, :, None], columns[:, None, :]] for each in given
    ]
    found = passed.head([passed.features(plan, np.concatenate(patches))]).numpy()
    assert_same(passed.output.numpy(), np.asarray(model(given, training=False)))
    # The same in one call, in which another function is called too.
    spec = tf.TensorSpec([None, *shape], given.dtype)
    other = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)
    output, scores, own = engine.at_once(given, plan, np.concatenate(patches), given[:1], other)
    np.testing.assert_allclose(own, output[:1], 1e-9, 1e-9 * np.abs(output).max())
    np.testing.assert_allclose(output, passed.output, 1e-12, 1e-12 * np.abs(output).max())
    np.testing.assert_allclose(scores, found, 1e-9, 1e-9 * np.abs(found).max())
    return found.reshape(len(given), len(boxes), -1), plan


@pytest.fixture
def wide():
    with float64():
        yield


CORNERS = np.array([(0, 0, 4, 3), (20, 17, 4, 3), (0, 17, 4, 3), (9, 8, 4, 3), (13, 1, 4, 3)])


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", list(followed()))
def test_each_kind_of_layer_is_followed(name):
    with float64():
        model = settled(one(followed()[name]))
    given = images(2, (24, 20, 3))
    found, plan = taken_apart(model, given, CORNERS)
    assert_same(found, itself(model, given, CORNERS))
    # Up to the global average all are patches.
    maps = [each for each, layer in zip(plan.steps, plan.layers, strict=True) if layer.shape[1:]]
    assert all(step.rects is not None for step in maps)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", list(unfollowed()))
def test_what_is_not_followed_is_whole_from_there_on(name):
    layer, why = unfollowed()[name]
    model = settled(one(layer))
    given = images(2, (24, 20, 3))
    found, plan = taken_apart(model, given, CORNERS)
    assert_same(found, itself(model, given, CORNERS))
    assert why in [step.why for step in plan.steps]


@pytest.mark.usefixtures("wide")
def test_random_graphs():
    patched = total = 0
    for seed in range(40):
        draw = random.Random(seed)
        model = settled(drawn(seed), seed)
        boxes = []
        for _ in range(6):
            height, width = (draw.randint(1, 6), draw.randint(1, 6)) if seed % 2 else (3, 4)
            edges = [(0, 24 - height), (0, 20 - width)]
            at = [draw.choice([low, high, draw.randint(low, high)]) for low, high in edges]
            boxes.append((*at, height, width))
        boxes = np.array(boxes)
        given = images(2, (24, 20, 3), seed)
        found, plan = taken_apart(model, given, boxes)
        expected = itself(model, given, boxes)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, 1e-9, 1e-9 * scale, err_msg=f"{seed}")
        patched += sum(step.rects is not None for step in plan.steps[1:])
        total += len(plan.steps) - 1
    # What went whole early proves little.
    assert patched > 0.4 * total


def sweep(model, given, boxes=BOXES, reuse=True, model_input=None, backend=None):
    """Scores of windows filled with 0.3, and what was done and why."""
    backend = backend or backends.find(model)
    hidings = [Hiding(each, np.full_like(each, 0.3), boxes) for each in given]
    in_place = model_input is None
    # Which way is faster is not what is tested here.
    with determinism.required() if reuse else contextlib.nullcontext():
        found = backend.swept_scores(hidings, model_input or (lambda x: x), in_place, reuse)
    return np.stack(found), backend.sweep_told


APPLICATIONS = {
    "VGG16": (64, ""),
    "ResNet50": (64, ""),
    "MobileNetV2": (64, ""),
    "MobileNetV3Small": (64, "another input changes everywhere"),
    "EfficientNetB0": (64, "another input changes everywhere"),
    "DenseNet121": (64, ""),
    "InceptionV3": (96, ""),
    "NASNetMobile": (64, ""),
    "ConvNeXtTiny": (64, "needs all of its input"),
}


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", list(APPLICATIONS))
def test_applications(name):
    side, why = APPLICATIONS[name]
    made = getattr(keras.applications, name)
    options = {"weights": None, "input_shape": (side, side, 3), "classes": 5}
    model = settled(made(**options, classifier_activation=None))
    boxes = np.array([(0, 0, 8, 8), (24, 17, 8, 8), (side - 8, side - 8, 8, 8)])
    given = (
        255 * images(1, (side, side, 3))
        if "include_preprocessing" in str(made)
        else images(1, (side, side, 3))
    )
    found, plan = taken_apart(model, given, boxes)
    assert_same(found, itself(model, given, boxes))
    reasons = {step.why for step in plan.steps} - {"", "a window changes most of it"}
    assert why in reasons if why else "needs all of its input" not in reasons


@pytest.mark.usefixtures("wide")
def test_a_transformer_is_whole_after_its_patches():
    model = settled(transformer())
    found, told = sweep(model, images())
    assert_same(found, itself(model, images(), BOXES))
    assert told.startswith("dense: reuse would not be faster"), told
    assert f"reshape: {EVERYTHING}needs all of its input" in re.sub(r"_\d+:", ":", told)


def network(activation=None, width=16):
    return settled(
        keras.Sequential(
            [
                keras.Input((48, 48, 3)),
                layers.Conv2D(width, 3, padding="same", use_bias=False),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.Conv2D(2 * width, 3, 2, padding="same", activation="relu"),
                layers.Conv2D(2 * width, 3, activation="relu"),
                layers.MaxPooling2D(3, 2, padding="same"),
                layers.Conv2D(width, 3, activation="relu"),
                layers.GlobalAveragePooling2D(),
                layers.Dense(5, activation),
            ]
        )
    )


@pytest.mark.usefixtures("wide")
def test_all_windows_of_several_images():
    model = network()
    found, told = sweep(model, images(3))
    assert told.startswith("reuse. 36 windows take "), told
    assert_same(found, itself(model, images(3), BOXES))
    expected, told = sweep(model, images(3), reuse=False)
    assert told == "dense: reuse=False"
    assert_same(found, expected)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_float32_and_a_final_activation(activation):
    model = network(activation)
    given = images().astype(np.float32)
    backend = backends.find(model)
    expected, _ = sweep(model, given, reuse=False, backend=backend)
    assert backend.behind
    found, told = sweep(model, given, backend=backend)
    assert told.startswith("reuse")
    assert np.abs(found - expected).max() < 1e-5 * np.ptp(expected)
    # Before the activation: those behind it do not have this spread.
    assert np.ptp(found) > 1


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("windows", ["uneven", "few"])
def test_other_windows(windows):
    draw = np.random.default_rng(0)
    boxes = np.concatenate([draw.integers(0, 36, (40, 2)), draw.integers(0, 13, (40, 2))], 1)
    boxes = boxes if windows == "uneven" else boxes[:1]
    model = network()
    found, _ = sweep(model, images(1), boxes)
    np.testing.assert_allclose(found, itself(model, images(1), boxes), rtol=1e-9)


def halved(batch):
    return batch.reshape(len(batch), 48, 2, 48, 2, 3).mean((2, 4))


def standardised(batch):
    return halved(batch) - batch.mean((1, 2), keepdims=True)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("preprocess", [halved, standardised])
def test_what_preprocess_changes_is_found_by_comparing(preprocess):
    model = network()
    boxes, given = grid(96, 16, 16), images(2, (96, 96, 3))
    found, told = sweep(model, given, boxes, model_input=preprocess)
    expected = [model(preprocess(occluded(each, boxes)), training=False) for each in given]
    assert_same(found, np.stack(expected))
    assert told.startswith("reuse" if preprocess is halved else "dense: reuse would not be faster")


def engines(backend):
    return [each.traces for each in backend.adapter._sweep._engines.values()]


@pytest.mark.usefixtures("wide")
def test_training_is_followed_without_tracing_anew():
    model = network()
    backend = backends.find(model)
    first, _ = sweep(model, images(), backend=backend)
    traces, seconds = engines(backend), backend.tracing_seconds
    assert seconds > 0
    sweep(model, images(seed=1), backend=backend)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images(16), np.arange(16) % 5, verbose=0)
    model.layers[1].moving_mean.assign(model.layers[1].moving_mean + 0.2)
    found, told = sweep(model, images(), backend=backend)
    assert told.startswith("reuse")
    assert_same(found, itself(model, images(), BOXES))
    assert np.abs(found - first).max() > 1e-3 * np.ptp(first)
    assert (engines(backend), backend.tracing_seconds) == (traces, seconds)


@pytest.mark.usefixtures("wide")
def test_exchanged_layers_are_noticed():
    model = network()
    backend = backends.find(model)
    sweep(model, images(), backend=backend)
    model.pop()
    model.add(layers.Dense(3))
    found, told = sweep(model, images(), backend=backend)
    assert told.startswith("reuse")
    assert_same(found, itself(model, images(), BOXES))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = network()

    def call(self, x):
        return self.inner(x)


def channels_first():
    return keras.Sequential(
        [
            keras.Input((48, 48, 3)),
            layers.Permute((3, 1, 2)),
            layers.AveragePooling2D(2, data_format="channels_first"),
            layers.GlobalAveragePooling2D(data_format="channels_first"),
            layers.Dense(3),
        ]
    )


def half():
    given = keras.Input((48, 48, 3))
    x = layers.Conv2D(8, 3, activation="relu", dtype="mixed_float16", name="first")(given)
    return ended(given, x)


def masked():
    given = keras.Input((48, 48, 3))
    return ended(given, stem(layers.Masking(name="masks")(given)))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Subclassed, "dense: Subclassed is no built Functional or Sequential"),
        (channels_first, "dense: average_pooling2d has its channels first"),
        (half, "dense: first computes in float16"),
        (masked, "dense: masks makes masks"),
    ],
)
def test_what_cannot_be_taken_apart_is_run_whole(made, why):
    keras.backend.clear_session()
    model = made()
    found, told = sweep(model, images())
    assert re.sub(r"2d_\d+ ", "2d ", told) == why
    expected = itself(model, images(), BOXES)
    assert np.abs(found - expected).max() < 1e-2 * np.ptp(expected)


def test_a_function_is_run_whole():
    backend = backends.find(tf.function(lambda x: tf.reduce_mean(x, [1, 2])))
    _, told = sweep(None, images(), backend=backend)
    assert told == "dense: a Function is no Keras model"


def test_batches_are_halved_where_memory_does_not_suffice(monkeypatch):
    model = network()
    backend = backends.find(model)
    tensor, failed = Engine._tensor, []

    def short(self, batch):
        if len(batch) > 10:
            failed.append(len(batch))
            raise tf.errors.ResourceExhaustedError(None, None, "OOM")
        return tensor(self, batch)

    monkeypatch.setattr(Engine, "_tensor", short)
    found, told = sweep(model, images(), backend=backend)
    assert failed
    assert told.startswith("reuse")
    expected = itself(model, images(), BOXES)
    assert np.abs(found - expected).max() < 1e-5 * np.ptp(expected)


def test_what_raises_taken_apart_is_run_whole(monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("never mind")

    monkeypatch.setattr(Engine, "_function", broken)
    model = network()
    found, told = sweep(model, images())
    assert told == "dense: taken apart it raises ZeroDivisionError: never mind"
    expected = itself(model, images(), BOXES)
    assert np.abs(found - expected).max() < 1e-5 * np.ptp(expected)


def test_records_are_the_same_with_reuse_and_without():
    probe = Probe("p", noise(2, 48, 48, 3), labels=[0, 1])
    model = network()
    results = [explain(model, probe, Occlusion(8, 8, reuse=reuse)) for reuse in (True, False)]
    for index in range(2):
        mine, other = (stored(each, index)[0] for each in results)
        assert mine.parameters == other.parameters
        spread = np.ptp(other.grid.values)
        assert spread > 1e-3
        np.testing.assert_allclose(mine.grid.values, other.grid.values, atol=1e-4 * spread)
        np.testing.assert_allclose(mine.grid.whole, other.grid.whole, rtol=1e-4)


@pytest.mark.parametrize("place", ["step", "replica"])
def test_inside_a_training_step(tmp_path, place):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"]) if place == "replica" else None
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = network()
    probe = Probe("p", noise(1, 48, 48, 3), targets=[0])
    writer = tf.summary.create_file_writer(str(tmp_path))

    def step(number):
        model.layers[-1].bias.assign_add(tf.ones(5))
        with writer.as_default(step=number):
            return summary.occlusion(probe, model, window=8, stride=8, reuse=True, strict=True)

    def run(number):
        return strategy.run(step, args=(number,)) if strategy else step(number)

    graph = tf.function(run)
    for number in range(2):
        assert bool(graph(tf.constant(number, tf.int64)))
    backend = models.backend(probe, model)
    assert backend.sweep_told.startswith("reuse. 36 windows")
    assert len(engines(backend)) == 1


@pytest.mark.usefixtures("by_estimate")
def test_the_plan_is_told():
    probe = Probe("p", noise(2, 48, 48, 3), labels=[0, 1])
    model = network()
    told = summary.explain_plan(probe, model, Occlusion(8, 8, reuse=True))
    assert told.startswith("reuse. 36 windows take ")
    assert f"\n  {model.layers[0].name}: 10×10 of 48×48\n" in told
    told = summary.explain_plan(probe, model, Occlusion(8, reuse=False))
    assert told == "dense: reuse=False"
    scored = Probe(
        "p", noise(2, 48, 48, 3), score=lambda x: 2 * x[:, :2], output="raw", targets=[0]
    )
    told = summary.explain_plan(scored, model, Occlusion(16, 16))
    assert told == "dense: the model has several inputs or outputs, or a score of its own"


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("preprocess", [None, halved], ids=["in place", "preprocess"])
def test_segments_are_recomputed_in_the_rectangles_around_them(preprocess):
    side = 96 if preprocess else 48
    cells = np.arange(side) // (side // 6)
    # Each window cut along its diagonal, and a corner that is never hidden.
    labels = np.add.outer(6 * cells, cells) * 2
    labels += np.add.outer(np.arange(side), -np.arange(side)) % (side // 6) > 3
    labels[:4, :4] = -1
    (segments,) = _segments.read(labels, None).maps
    model, given = network(), images(2, (side, side, 3))
    backend, model_input = backends.find(model), preprocess or (lambda x: x)
    hidings = [_segments.hiding(each, np.full_like(each, 0.3), segments) for each in given]
    with determinism.required():
        found = backend.swept_scores(hidings, model_input, preprocess is None, True)
    assert backend.sweep_told.startswith("reuse. 7"), backend.sweep_told
    values = np.unique(labels[labels >= 0])
    for image, scores in zip(given, found, strict=True):
        batch = [image, *(np.where((labels == each)[..., None], 0.3, image) for each in values)]
        assert_same(scores[None], model(model_input(np.stack(batch)), training=False)[None])
    whole = backend.swept_scores(hidings, model_input, preprocess is None, False)
    assert_same(np.stack(found), np.stack(whole))
