"""The ops behave as `tf.summary` ops do, eagerly and inside a `tf.function`."""

import copy
import os
import pickle
import re
import signal
import subprocess
import sys
import textwrap
import time
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import events

IMAGES = np.random.default_rng(0).random((2, 6, 6)).astype(np.float32)
OPTIONS = {"window": 3, "stride": 3}


class Linear(tf.Module):
    """Logits are weights times pixels; `calls` counts how often it is traced or run."""

    def __init__(self) -> None:
        super().__init__()
        start = np.random.default_rng(1).normal(size=(36, 3)).astype(np.float32)
        self.weights = tf.Variable(start)
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return tf.reshape(x, [-1, 36]) @ self.weights


@pytest.fixture
def writer(tmp_path):
    return tf.summary.create_file_writer(str(tmp_path))


def test_one_call_is_one_event_of_all_series(writer, tmp_path):
    mask = np.zeros((6, 6), bool)
    mask[:3] = True
    probe = summary.Probe("digits", IMAGES, labels=[0, 2], regions={"top": mask})
    with writer.as_default(step=7):
        assert summary.attribution(probe, Linear()) is True
    found = events.records(tmp_path)
    assert {step for step, _ in found} == {7}
    assert {(s.image, s.kind, s.label) for _, s in found} == {
        (image, kind, label)
        for image in (0, 1)
        for kind, label in (
            (Kind.INPUT, ""), (Kind.SCORES, ""), (Kind.METHOD, "occlusion"),
            (Kind.METHOD, "saliency"), (Kind.MAP, "saliency"),
        )
    } | {(0, Kind.MEAN, "occlusion")}  # fmt: skip
    said = found[7, Series("digits", 0, Kind.SCORES)]
    assert [each.region for each in said.hidden] == ["top"]
    ordinary = events.scalars(tmp_path)
    assert any("share of top" in tag for _, tag in ordinary)
    assert all(tag.startswith("digits/") for _, tag in ordinary)


def test_calls_of_one_step_share_scores_and_input(writer, tmp_path):
    probe, model = summary.Probe("digits", IMAGES, labels=[0, 1]), Linear()
    with writer.as_default(step=1):
        assert summary.occlusion(probe, model, **OPTIONS)
        assert summary.saliency(probe, model)
        with pytest.warns(summary.PicassoWarning, match="already has occlusion at step 1"):
            assert not summary.occlusion(probe, model, **OPTIONS)
        with pytest.raises(ValueError, match="already has occlusion"):
            summary.occlusion(probe, model, strict=True, **OPTIONS)
        assert summary.occlusion(probe, model, fill="black", label="black", **OPTIONS)
    tags = [value.tag for _, value in events.values(tmp_path)]
    assert tags.count("digits/scores") == 1
    assert sorted(tag for tag in tags if tag.startswith("digits/00")) == [
        "digits/00/black", "digits/00/input", "digits/00/occlusion", "digits/00/saliency",
        "digits/00/saliency/map",
    ]  # fmt: skip


def test_nothing_is_computed_where_nothing_is_recorded(writer, tmp_path):
    probe, model = summary.Probe("digits", IMAGES), Linear()
    assert summary.attribution(probe, model, step=1) is False
    with writer.as_default(step=1), tf.summary.record_if(False):
        assert summary.attribution(probe, model) is False
    assert model.calls == 0
    with writer.as_default(), pytest.raises(ValueError, match="no step"):
        summary.attribution(probe, model)
    assert events.records(tmp_path) == {}


def test_name_scopes_come_before_the_tag(writer, tmp_path):
    with writer.as_default(step=1), tf.name_scope("a"), tf.name_scope("b"):
        assert summary.class_probabilities("my probe/x", Linear(), IMAGES)
    assert {series.probe for _, series in events.records(tmp_path)} == {"a/b/my probe/x"}


def test_a_name_and_images_as_tf_summary_image_takes_them(writer, tmp_path):
    model = Linear()
    with writer.as_default():
        for step in range(2):
            assert summary.occlusion("digits", model, IMAGES, step=step, labels=[0, 1], **OPTIONS)
    inputs = [step for step, s in events.records(tmp_path) if s.kind is Kind.INPUT]
    assert set(inputs) == {0}


def test_two_writers_give_two_complete_logs(tmp_path):
    probe, model = summary.Probe("digits", IMAGES), Linear()
    for name in "ab":
        with tf.summary.create_file_writer(str(tmp_path / name)).as_default(step=3):
            assert summary.attribution(probe, model)
    first, second = (events.records(tmp_path / name) for name in "ab")
    assert set(first) == set(second)
    assert len(first) == 11


def test_a_failed_write_counts_as_not_written(writer, tmp_path):
    probe, model = summary.Probe("digits", IMAGES), Linear()
    closed = tf.summary.create_file_writer(str(tmp_path / "closed"))
    with closed.as_default(step=1):
        closed.close()
        with pytest.warns(summary.PicassoWarning, match="could not be written at step 1"):
            assert not summary.attribution(probe, model)
        with pytest.raises(RuntimeError):
            summary.attribution(probe, model, strict=True)
    with writer.as_default(step=1):
        assert summary.attribution(probe, model)


def test_later_failures_warn_once_and_training_goes_on(writer):
    probe, model = summary.Probe("fails later", IMAGES), Linear()
    with writer.as_default():
        assert summary.attribution(probe, model, step=0)
        with pytest.warns(summary.PicassoWarning) as caught:
            results = [summary.attribution(probe, lambda x: 1 / 0, step=step) for step in (1, 2)]
    assert results == [False, False]
    assert len(caught) == 1


def test_wrong_arguments_and_unusable_probes_raise_at_once(writer):
    probe = summary.Probe("digits", IMAGES)
    with writer.as_default(step=0):
        with pytest.raises(TypeError, match="a Probe has its own images"):
            summary.attribution(probe, Linear(), IMAGES)
        with pytest.raises(TypeError, match="pass images"):
            summary.attribution("digits", Linear())
        with pytest.raises(ValueError, match="window"):
            summary.occlusion(probe, Linear(), window=40)
        with pytest.raises(ValueError, match="output='sigmoid'"):
            summary.attribution(probe, lambda x: tf.ones([tf.shape(x)[0], 3]) * 0.2)
        with pytest.raises(TypeError):
            summary.attribution(probe, 3)


def assignments(log, delta):
    """A training step with the op at one of three places."""

    def step(place, weights, index):
        if place == 0:
            log(index)
        weights.assign_add(delta)
        if place == 1:
            log(index)
        weights.assign(weights * 2)
        if place == 2:
            log(index)

    return step


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("plain", [False, True], ids=["module", "callable"])
def test_in_a_graph_the_op_records_what_the_eager_op_records_there(tmp_path, place, plain):
    found = []
    for kind in ("eager", "graph"):
        module = Linear()
        model = (lambda x, module=module: module(x)) if plain else module
        probe = summary.Probe("digits", IMAGES)
        writer = tf.summary.create_file_writer(str(tmp_path / kind))
        results = []

        def log(index, probe=probe, model=model, results=results, **_):
            results.append(summary.attribution(probe, model, step=index))

        step = assignments(log, tf.ones([36, 3]) * [1.0, 2.0, -1.0])
        run = tf.function(step) if kind == "graph" else step
        with writer.as_default():
            for index in range(4):
                number = tf.constant(index, tf.int64) if kind == "graph" else index
                run(place, module.weights, number)
        found.append(events.whole_scores(tmp_path / kind))
    assert sorted(found[0]) == [0, 1, 2, 3]
    assert found[0] == found[1]


def test_in_a_graph_the_result_and_the_conditions_are_tensors(tmp_path):
    probe, module = summary.Probe("digits", IMAGES), Linear()
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function
    def step(index, recorded):
        with writer.as_default(step=index), tf.summary.record_if(recorded):
            return summary.attribution(probe, module)

    assert not bool(step(tf.constant(0, tf.int64), tf.constant(False)))
    assert bool(step(tf.constant(1, tf.int64), tf.constant(True)))
    assert sorted(events.whole_scores(tmp_path)) == [1]


def test_images_may_be_tensors_of_the_graph(tmp_path):
    module = Linear()
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function
    def step(images):
        with writer.as_default(step=tf.constant(4, tf.int64)):
            return summary.occlusion("batch", module, images, **OPTIONS)

    assert bool(step(tf.constant(IMAGES)))
    expected = (IMAGES[0].reshape(36) @ module.weights.numpy()).astype(np.float64)
    odds = [expected[k] - np.logaddexp.reduce(np.delete(expected, k)) for k in range(3)]
    np.testing.assert_allclose(events.whole_scores(tmp_path)[4], odds, rtol=1e-4)


def test_xla_is_refused_with_the_remedy(tmp_path):
    probe, module = summary.Probe("digits", IMAGES), Linear()
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function(jit_compile=True)
    def step(index):
        with writer.as_default(step=index):
            return summary.attribution(probe, module)

    with pytest.raises(RuntimeError, match=r"jit_compile=False.*KerasCallback"):
        step(tf.constant(0, tf.int64))


@pytest.mark.parametrize("inner", [True, False], ids=["inside", "outside"])
def test_xla_is_refused_where_it_compiles_what_calls_the_step(tmp_path, inner):
    probe, module = summary.Probe("digits", IMAGES), Linear()
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function(jit_compile=not inner)
    def outer(index):
        return step(index)

    @tf.function(jit_compile=inner)
    def step(index):
        with writer.as_default(step=index):
            return summary.attribution(probe, module)

    with pytest.raises(RuntimeError, match="XLA compiles"):
        outer(tf.constant(0, tf.int64))


def test_in_a_graph_scopes_and_epoch_are_those_of_the_call(tmp_path):
    probe, module = summary.Probe("my probe/é", IMAGES), Linear()
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function
    def step(index):
        with writer.as_default(step=index), tf.name_scope("a"), tf.name_scope("b"):
            return summary.class_probabilities(probe, module, epoch=tf.cast(index, tf.float32) / 2)

    assert bool(step(tf.constant(3, tf.int64)))
    said = [each for (_, s), each in events.records(tmp_path).items() if s.kind is Kind.SCORES]
    assert [each.epoch for each in said] == [1.5, 1.5]
    assert {series.probe for _, series in events.records(tmp_path)} == {"a/b/my probe/é"}


def test_in_a_graph_other_inputs_masks_and_scores_are_those_of_each_image(tmp_path):
    others = np.array([[1.0], [3.0]], np.float32)
    masks = np.zeros((2, 6, 6))
    masks[0, :3] = masks[1, 3:] = 1

    class Dense(tf.Module):
        def __init__(self):
            super().__init__()
            self.factor = tf.Variable(1.0)

        def __call__(self, image, other):
            scaled = self.factor * other[:, None] * image
            return {"pixels": tf.stack([scaled, -scaled], -1)}

    model = Dense()
    probe = summary.Probe(
        "p", IMAGES, inputs={"other": others}, pick="pixels", output="raw", mean_over=masks
    )

    @tf.function
    def train(step):
        model.factor.assign_add(1.0)
        return summary.attribution(probe, model, step=step, strict=True)

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for step in range(2):
            assert train(tf.constant(step, tf.int64))
    for step, each in events.whole_scores(tmp_path).items():
        expected = (step + 2) * 1.0 * IMAGES[0, :3].mean()
        np.testing.assert_allclose(each, [expected, -expected], rtol=1e-5)


def test_a_graph_that_never_records_does_not_trace_the_model(tmp_path):
    probe, module = summary.Probe("digits", IMAGES), Linear()
    writer = tf.summary.create_file_writer(str(tmp_path))

    @tf.function
    def step(index):
        with writer.as_default(step=index), tf.summary.record_if(False):
            return summary.attribution(probe, module)

    assert not bool(step(tf.constant(0, tf.int64)))
    assert module.calls == 0


def test_images_that_change_do_not_trace_the_model_again(writer, tmp_path):
    model, images, calls = Linear(), IMAGES.copy(), []
    with writer.as_default():
        for step in range(3):
            images = images * 0.5
            assert summary.class_probabilities("changing", model, images, step=step)
            calls.append(model.calls)
    assert len(set(calls)) == 1
    inputs = {step for step, s in events.records(tmp_path) if s.kind is Kind.INPUT}
    assert inputs == {0, 1, 2}


def test_an_epoch_that_is_no_number_is_named(writer):
    with writer.as_default(step=0), pytest.raises(TypeError, match="epoch='first'"):
        summary.attribution(summary.Probe("digits", IMAGES), Linear(), epoch="first")


# Devices are set before TensorFlow starts, so this needs a process of its own.
MIRRORED = """
    import sys, numpy as np, tensorflow as tf
    cpu, = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    from tensorboard_picasso import summary
    images = np.random.default_rng(0).random((2, 6, 6)).astype("float32")
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        weights = tf.Variable(np.ones((36, 3), "float32"))
    probe = summary.Probe("digits", images)
    writer = tf.summary.create_file_writer(sys.argv[1])
    def replica(step):
        weights.assign_add(tf.ones_like(weights) * [1.0, 2.0, 3.0])
        with writer.as_default(step=step):
            summary.attribution(probe, lambda x: tf.reshape(x, [-1, 36]) @ weights, strict=True)
    @tf.function
    def graph(step):
        strategy.run(replica, args=(step,))
    graph(tf.constant(0, tf.int64))
    graph(tf.constant(1, tf.int64))
    strategy.run(replica, args=(tf.constant(2, tf.int64),))
"""


def test_mirrored_strategy_writes_one_value(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(MIRRORED), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(command, env=environment, capture_output=True, check=True)
    tags = [(step, value.tag) for step, value in events.values(tmp_path)]
    assert len(tags) == len(set(tags)) == 11 + 9 + 9
    assert {step for step, _ in tags} == {0, 1, 2}


TRAINING = """
    import sys, numpy as np, tensorflow as tf
    from tensorboard_picasso import summary
    images = np.random.default_rng(0).random((2, 6, 6)).astype("float32")
    weights = tf.Variable(np.ones((36, 3), "float32"))
    probe = summary.Probe("digits", images)
    writer = tf.summary.create_file_writer(sys.argv[1])
    for step in range(100000):
        weights.assign_add(tf.random.normal([36, 3]))
        with writer.as_default(step=step):
            summary.attribution(probe, lambda x: tf.reshape(x, [-1, 36]) @ weights)
        print(step, flush=True)
"""


def test_a_killed_training_leaves_a_log_in_which_every_record_shows(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(TRAINING), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    )
    last = -1
    for line in process.stdout:
        last = int(line)
        if last == 5:
            time.sleep(0.013)
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    found = events.records(tmp_path)
    steps = {step for step, _ in found}
    assert set(range(last + 1)) <= steps
    for step in steps:
        whole = 11 if step == 0 else 9
        assert sum(1 for at, _ in found if at == step) == whole


def test_importing_summary_imports_no_framework():
    code = "import sys; from tensorboard_picasso import summary; print('tensorflow' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_cost_is_told_once(writer, capsys):
    probe = summary.Probe("cost", IMAGES)
    with writer.as_default():
        for step in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                summary.attribution(probe, Linear(), step=step)
    (line,) = [each for each in capsys.readouterr().err.splitlines() if "a record" in each]
    assert line.startswith("picasso: 2 images, occlusion 6×6 + saliency: ")


def written(directory):
    """(step, tag) of every value of the plugin, in the order in which they were written."""
    return [
        (step, value.tag)
        for step, value in events.values(directory)
        if value.metadata.plugin_data.plugin_name == "picasso"
    ]


def test_in_a_graph_a_tensorflow_preprocess_is_computed_outside_it(tmp_path):
    module, results = Linear(), []
    probe = summary.Probe("digits", IMAGES, preprocess=lambda x: tf.cast(x, tf.float32) * 2.0)
    writer = tf.summary.create_file_writer(str(tmp_path / "graph"))

    @tf.function
    def step(index):
        with writer.as_default(step=index):
            return summary.attribution(probe, module)

    assert bool(step(tf.constant(3, tf.int64)))
    with tf.summary.create_file_writer(str(tmp_path / "eager")).as_default(step=3):
        results.append(summary.attribution(probe, module))
    assert results == [True]
    found = [events.whole_scores(tmp_path / kind) for kind in ("graph", "eager")]
    assert found[0] == found[1]


def test_another_mask_of_the_same_shape_is_another_probe(writer, tmp_path):
    images = np.random.default_rng(0).random((1, 40, 40)).astype(np.float32)
    model = lambda x: tf.reshape(x, [-1, 1600])[:, 800:803]  # noqa: E731
    masks = np.zeros((2, 40, 40), bool)
    masks[0, 15:17], masks[1, 20:22] = True, True
    with writer.as_default():
        for step, mask in enumerate(masks):
            assert summary.class_probabilities(
                "p", model, images, step=step, output="raw", regions={"part": mask}
            )
    shown = {
        step: each for (step, s), each in events.records(tmp_path).items() if s.kind is Kind.INPUT
    }
    assert set(shown) == {0, 1}
    for step, mask in enumerate(masks):
        np.testing.assert_array_equal(shown[step].regions["part"], mask)


def test_a_preprocess_written_in_the_call_is_the_same_at_every_step(writer, tmp_path, capsys):
    model, calls = Linear(), []
    with writer.as_default():
        for step in range(5):
            scale = 2.0
            assert summary.saliency(
                "p", model, IMAGES, step=step, preprocess=lambda x, k=scale: x * k, top_k=1
            )
            calls.append(model.calls)
            # The first head is still explained after another class leads.
            if step == 2:
                model.weights.assign(model.weights * -1)
    assert len(set(calls)) == 1
    found = events.records(tmp_path)
    assert {step for step, s in found if s.kind is Kind.INPUT} == {0}
    assert found[4, Series("p", 0, Kind.SCORES)].lasting
    assert capsys.readouterr().err.count("a record") == 1


def test_ops_of_one_name_share_their_scores_whatever_their_options(writer, tmp_path):
    model = Linear()
    with writer.as_default():
        for step in range(2):
            assert summary.occlusion("p", model, IMAGES, step=step, labels=[0, 1], **OPTIONS)
            assert summary.saliency("p", model, IMAGES, step=step)
    tags = written(tmp_path)
    assert len(tags) == len(set(tags))
    assert [step for step, tag in tags if tag == "p/scores"] == [0, 1]
    assert [step for step, tag in tags if tag == "p/00/input"] == [0]


def test_two_probes_of_one_name_do_not_write_a_thing_twice(writer, tmp_path):
    model = Linear()
    probes = [summary.Probe("p", IMAGES), summary.Probe("p", IMAGES)]
    other = summary.Probe("p", IMAGES * 0.5)
    with writer.as_default(step=1):
        assert summary.saliency(probes[0], model)
        with pytest.warns(summary.PicassoWarning, match="already has saliency at step 1"):
            assert not summary.saliency(probes[1], model)
        with pytest.warns(summary.PicassoWarning, match="already has other images at step 1"):
            assert not summary.occlusion(other, model)
        with pytest.raises(ValueError, match="other images at step 1: pass another name"):
            summary.occlusion(other, model, strict=True)
        # The scores are there, and are not written again.
        assert summary.class_probabilities(probes[1], model)
    tags = written(tmp_path)
    assert len(tags) == len(set(tags)) == 7


@pytest.mark.parametrize(
    ("method", "options", "error", "match"),
    [
        (summary.occlusion, {"window": 40}, ValueError, "window 40 exceeds"),
        (summary.occlusion, {"fill": (1, 2, 3)}, ValueError, "fill .* one for each of 1 channels"),
        (summary.saliency, {"layer": "nope"}, TypeError, "layer='nope'"),
    ],
)
def test_wrong_settings_raise_at_their_own_first_call(writer, method, options, error, match):
    probe, model = summary.Probe("p", IMAGES), Linear()
    with writer.as_default():
        assert summary.attribution(probe, model, step=0)
        with pytest.raises(error, match=match):
            method(probe, model, step=1, label="l", **options)


def test_each_failure_is_warned_of_once(writer):
    probe, model = summary.Probe("p", IMAGES), Linear()
    with writer.as_default():
        assert summary.attribution(probe, model, step=0)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for step in (1, 2):
                summary.saliency(probe, lambda x: x["a"], step=step)
                summary.occlusion(probe, lambda x: 1 / 0, step=step)
    texts = [str(each.message) for each in caught if each.category is summary.PicassoWarning]
    assert len(texts) == 2
    assert "division by zero" in texts[1]


def test_methods_are_checked(writer):
    probe, model = summary.Probe("p", IMAGES), Linear()
    with writer.as_default(step=0):
        with pytest.raises(TypeError, match=r"4 is no method: pass Occlusion\(\)"):
            summary.attribution(probe, model, methods=[4])
        with pytest.raises(ValueError, match=r"'oclusion' is unknown: pass one of .*occlusion"):
            summary.attribution(probe, model, methods=["oclusion"])
        with pytest.raises(TypeError, match=r"pass a list, such as \[Occlusion\(\)"):
            summary.attribution(probe, model, methods=summary.Occlusion())


class Eager(keras.layers.Layer):
    def call(self, x):
        return x.numpy()[:, 0]


class Predicting(Linear):
    def predict(self, x):
        return np.stack([self(x[at]) for at in range(int(tf.shape(x)[0]))])


def fixed_batch(tmp_path):
    module = tf.Module()
    module.call = tf.function(
        lambda x: tf.reshape(x, [1, 36])[:, :3], input_signature=[tf.TensorSpec([1, 6, 6])]
    )
    tf.saved_model.save(
        module, str(tmp_path / "saved"), signatures={"serving_default": module.call}
    )
    return tf.saved_model.load(str(tmp_path / "saved"))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda _: lambda x: x.numpy()[:, 0], "cannot be traced with any batch size: .*numpy"),
        (lambda _: keras.Sequential([Eager()]), "cannot be traced with any batch size: .*numpy"),
        (fixed_batch, "cannot be traced with any batch size"),
        (lambda _: Predicting().predict, "pass the model, not model.predict"),
        (lambda _: lambda x: tf.linalg.inv(x * 0)[:, 0], "not invertible"),
    ],
    ids=["numpy", "keras", "saved", "predict", "run"],
)
def test_a_model_that_cannot_be_explained_raises_at_the_first_call(writer, tmp_path, make, match):
    with writer.as_default(step=0), pytest.raises(TypeError, match=match):
        summary.attribution(summary.Probe("p", IMAGES), make(tmp_path))


@pytest.mark.parametrize("option", ["preprocess", "decode_prob"])
def test_hooks_that_raise_are_said_at_the_first_call(writer, option):
    probe = summary.Probe("p", IMAGES, **{option: lambda x: 1 / 0})
    with writer.as_default(step=0), pytest.raises(TypeError, match="ZeroDivisionError: division"):
        summary.attribution(probe, Linear())


def test_memory_that_runs_out_at_the_first_call_only_warns(writer):
    def greedy(x):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    probe = summary.Probe("p", IMAGES)
    with writer.as_default(step=0), pytest.warns(summary.PicassoWarning, match="OOM when"):
        assert not summary.attribution(probe, greedy)


def test_the_cost_says_what_is_written_once(writer, tmp_path, capsys):
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    model = lambda x: tf.reshape(tf.cast(x, tf.float32), [-1, 64 * 64 * 3])[:, :3]  # noqa: E731
    with writer.as_default():
        for step in range(2):
            assert summary.class_probabilities("p", model, noise, output="raw", step=step)
    sizes = [0, 0]
    for step, value in events.values(tmp_path):
        sizes[step] += value.ByteSize()
    said = re.search(r", (\d+) KB a record \+ (\d+) KB once for", capsys.readouterr().err)
    assert int(said[1]) == pytest.approx(sizes[1] / 1000, abs=1)
    assert int(said[1]) + int(said[2]) == pytest.approx(sizes[0] / 1000, abs=1)


@pytest.mark.parametrize("epoch", [np.nan, np.inf, -np.inf])
def test_an_epoch_that_is_not_finite_is_named(writer, epoch):
    with writer.as_default(step=0), pytest.raises(ValueError, match="pass a finite number"):
        summary.attribution(summary.Probe("p", IMAGES), Linear(), epoch=epoch)


@pytest.mark.parametrize("step", ["3", 1.5, np.float32(2), [1]])
def test_steps_are_integers(writer, step):
    with writer.as_default(), pytest.raises(TypeError, match="pass an integer"):
        summary.attribution(summary.Probe("p", IMAGES), Linear(), step=step)


@pytest.mark.parametrize("step", [3, np.int32(3), tf.constant(3), np.array(3)])
def test_steps_of_any_integer_kind(writer, tmp_path, step):
    with writer.as_default():
        assert summary.class_probabilities(summary.Probe("p", IMAGES), Linear(), step=step)
    assert list(events.whole_scores(tmp_path)) == [3]


def test_no_step_is_needed_where_nothing_is_recorded(writer):
    with writer.as_default(), tf.summary.record_if(False):
        probe, model = summary.Probe("p", IMAGES), Linear()
        assert summary.attribution(probe, model) is False
        run = tf.function(lambda: summary.attribution(probe, model))
        assert not bool(run())


def test_a_used_probe_is_copied_and_pickled_without_its_models(writer):
    probe = summary.Probe("p", IMAGES)
    with writer.as_default(step=0):
        assert summary.attribution(probe, Linear())
    for again in (copy.deepcopy(probe), pickle.loads(pickle.dumps(probe))):
        assert again.hashes == probe.hashes
        with writer.as_default(step=id(again)):
            assert summary.attribution(again, Linear())
