"""A multi-label loop: a network that ends in logits for BCEWithLogitsLoss, or in their sigmoid.

Every image may have several true labels, or none. What is logged is compared with a
computation by hand.
"""

import functools
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from tensorboard_picasso import summary
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind
from tensorboard_picasso.summary import Occlusion, Probe, Saliency
from tests.kit.events import logged, records, scalars

N, SIDE, CLASSES, WINDOW = 4, 6, 3, 3
RNG = np.random.default_rng(7)
IMAGES = RNG.random((N, SIDE, SIDE, 1)).astype(np.float32)
WEIGHT = RNG.normal(size=(SIDE * SIDE, CLASSES)).astype(np.float32)
BIAS = np.array([4.0, -0.5, 0.2], np.float32)
HOT = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
TRUTHS = ((0, 2), (), (1,), (0, 1, 2))
MASK = np.zeros((SIDE, SIDE), bool)
MASK[:WINDOW, :WINDOW] = True
KINDS = ("torch", "tensorflow", "keras", "jax", "function")


def logits(images):
    return images.reshape(len(images), -1).astype(np.float64) @ WEIGHT + BIAS


def hidden(image, top, left):
    other = image.copy()
    other[top : top + WINDOW, left : left + WINDOW] = image.mean()
    return other


def network(kind, ends):
    """A linear model of a framework, before its sigmoid or with it (`ends`)."""
    if kind == "torch":
        import torch

        layers = [torch.nn.Flatten(), torch.nn.Linear(SIDE * SIDE, CLASSES)]
        with torch.no_grad():
            layers[1].weight.copy_(torch.from_numpy(WEIGHT.T))
            layers[1].bias.copy_(torch.from_numpy(BIAS))
        return torch.nn.Sequential(*layers, *([torch.nn.Sigmoid()] if ends else []))
    if kind == "tensorflow":
        import tensorflow as tf

        def model(x):
            z = tf.reshape(x, [-1, SIDE * SIDE]) @ tf.constant(WEIGHT) + tf.constant(BIAS)
            return tf.sigmoid(z) if ends else z

        return tf.function(model)
    if kind == "keras":
        import keras

        given = keras.Input((SIDE, SIDE, 1))
        last = keras.layers.Dense(CLASSES, activation="sigmoid" if ends else None)
        made = keras.Model(given, last(keras.layers.Flatten()(given)))
        made.set_weights([WEIGHT, BIAS])
        return made
    if kind == "jax":
        import jax
        import jax.numpy as jnp

        def apply(params, x):
            z = x.reshape(len(x), -1) @ params[0] + params[1]
            return jax.nn.sigmoid(z) if ends else z

        return functools.partial(apply, (jnp.asarray(WEIGHT), jnp.asarray(BIAS)))

    def scores(x):
        z = x.reshape(len(x), -1) @ WEIGHT + BIAS
        return 1 / (1 + np.exp(-z)) if ends else z

    return scores


@pytest.mark.parametrize("output", ["auto", "sigmoid"])
@pytest.mark.parametrize("ends", [False, True], ids=["logits", "probabilities"])
@pytest.mark.parametrize("kind", KINDS)
def test_independent_labels_agree_with_a_computation_by_hand(kind, ends, output, tmp_path):
    probe = Probe(
        "scenes",
        IMAGES,
        labels=HOT,
        output=output,
        regions={"corner": MASK},
        data_format="channels_last",
        top_k=1,
    )
    methods = [Occlusion(WINDOW, WINDOW)] + ([] if kind == "function" else [Saliency()])
    summary.attribution(probe, network(kind, ends), methods=methods, step=3, writer=str(tmp_path))
    expected = logits(IMAGES)
    near = {"rtol": 1e-5, "atol": 1e-5}
    for image, truths in enumerate(TRUTHS):
        scores = logged(tmp_path, Kind.SCORES, image)
        assert scores.independent
        assert scores.output is (Output.SIGMOID if ends else Output.LOGITS)
        np.testing.assert_allclose(scores.values, expected[image], **near)
        corner = logits(hidden(IMAGES[image], 0, 0)[None])[0]
        np.testing.assert_allclose(scores.hidden[0].values, corner, **near)
        top = int(expected[image].argmax())
        assert scores.targets == tuple(dict.fromkeys([*truths, top]))
        occlusion = logged(tmp_path, Kind.METHOD, image, "occlusion")
        for row, top_ in enumerate((0, 3)):
            for column, left in enumerate((0, 3)):
                by_hand = logits(hidden(IMAGES[image], top_, left)[None])[0]
                np.testing.assert_allclose(occlusion.grid.values[row, column], by_hand, **near)
        if kind != "function":
            saliency = logged(tmp_path, Kind.METHOD, image, "saliency")
            assert [each.index for each in saliency.targets] == list(scores.targets)
            for each in saliency.targets:
                steepest = np.abs(WEIGHT[:, each.index]).max()
                np.testing.assert_allclose(each.statistics.maximum, steepest, **near)
        shown = logged(tmp_path, Kind.INPUT, image)
        assert (shown.label, shown.labels, shown.truths) == (None, truths, truths)
    whole = maps.probability(expected)
    true = np.mean([whole[i, list(t)].mean() for i, t in enumerate(TRUTHS) if t])
    found = scalars(tmp_path)[3, "scenes/probability of the true class"]
    np.testing.assert_allclose(found, true, **near)


@pytest.mark.parametrize("score", ["probability", "logit", "log-odds"])
@pytest.mark.parametrize("ends", [False, True], ids=["logits", "probabilities"])
def test_gradients_of_every_score_are_those_of_a_sigmoid(score, ends, tmp_path):
    probe = Probe("p", IMAGES, labels=HOT, data_format="channels_last")
    methods = [Saliency(score=score, precision="float32")]
    summary.attribution(
        probe, network("torch", ends), methods=methods, step=0, writer=str(tmp_path)
    )
    p = maps.probability(logits(IMAGES))
    for image, truths in enumerate(TRUTHS):
        stored = logged(tmp_path, Kind.MAP, image, "saliency")
        for target in truths:
            slope = p[image, target] * (1 - p[image, target]) if score == "probability" else 1.0
            by_hand = np.abs(slope * WEIGHT[:, target]).reshape(SIDE, SIDE)
            np.testing.assert_allclose(stored.decode(target), by_hand, rtol=1e-4, atol=1e-5)


def test_the_mean_of_a_class_is_over_the_images_it_is_true_of(tmp_path):
    probe = Probe("p", IMAGES, labels=HOT)
    methods = [Occlusion(WINDOW, WINDOW)]
    summary.attribution(
        probe, network("function", False), methods=methods, step=0, writer=str(tmp_path)
    )
    found = {s.group: each for (_, s), each in records(tmp_path).items() if s.kind is Kind.MEAN}
    pairs = [(i, t) for i, truths in enumerate(TRUTHS) for t in truths]
    assert [(each.image, each.target) for each in found[WHOLE_PROBE].members] == pairs
    for group in range(CLASSES):
        members = [i for i, truths in enumerate(TRUTHS) if group in truths]
        assert [each.image for each in found[group].members] == members
        takes = [
            (logits(IMAGES[i][None]) - logits(hidden(IMAGES[i], 0, 0)[None]))[0, group]
            for i in members
        ]
        np.testing.assert_allclose(found[group].means[0, 0], np.mean(takes), rtol=1e-4, atol=1e-5)


def test_what_was_taken_is_said_once_in_every_kind_with_a_remedy_that_works(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr("tensorboard_picasso.summary.kit.report._said", set())

    def said(kind, ends, number, **options):
        probe = Probe(f"{kind} {number}", IMAGES, **options)
        directory = tmp_path / f"{kind}{number}"
        for step in (0, 1):
            summary.class_probabilities(
                probe, network(kind, ends), step=step, writer=str(directory)
            )
        summary.flush()
        err = capsys.readouterr().err
        assert err.count("the output is taken as") == 1, err
        return err, logged(directory, Kind.SCORES, 0)

    for kind in KINDS:
        text, scores = said(kind, False, 0)
        assert "logits of one of 3 classes (softmax)" in text
        assert not scores.independent
        assert "output='sigmoid' takes independent labels" in text
        text, scores = said(kind, False, 1, output="sigmoid")
        assert "logits of 3 independent labels (sigmoid)" in text
        assert scores.independent
        text, scores = said(kind, False, 2, labels=HOT)
        assert "as an image may have several true labels; output='logits' takes" in text
        assert scores.independent
    one_hot = np.eye(CLASSES)[[0, 1, 2, 0]]
    assert not said("torch", False, 3, labels=one_hot)[1].independent
    text, scores = said("torch", False, 4, labels=HOT, output="logits")
    assert "(softmax), as output='logits' says so; output='sigmoid' takes" in text
    assert not scores.independent


def test_logits_that_first_look_like_probabilities_are_mended_and_said(tmp_path):
    """An untrained function whose last layer starts at zero: all its logits are 0."""
    probe, trained = Probe("p", IMAGES, labels=HOT), network("function", False)
    writer = str(tmp_path)
    summary.class_probabilities(probe, lambda x: 0 * trained(x), step=0, writer=writer)
    with pytest.warns(UserWarning, match=r"from now on.*logits.*log them anew"):
        summary.class_probabilities(probe, trained, step=1, writer=writer)
    scores = logged(tmp_path, Kind.SCORES, 0)
    assert (scores.output, scores.independent) == (Output.LOGITS, True)
    np.testing.assert_allclose(scores.values, logits(IMAGES)[0], rtol=1e-5)


def test_probabilities_that_the_user_says_stay_such_and_are_doubted_once(tmp_path):
    """The remedy of the warning takes what leaves 0..1 for logits."""

    for asked, expected in (("probabilities", Output.PROBABILITIES), ("auto", Output.LOGITS)):
        probe = Probe(f"held {asked}", IMAGES, output=asked)
        writer = str(tmp_path / asked)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for step, share in enumerate((1 / CLASSES, 2, 3)):

                def model(x, share=share):
                    return np.full((len(x), CLASSES), share)

                summary.class_probabilities(probe, model, step=step, writer=writer)
            summary.flush()
        assert logged(tmp_path / asked, Kind.SCORES, 0).output is expected
        (said,) = [str(each.message) for each in caught if "held" in str(each.message)]
        if asked == "probabilities":
            assert "output='probabilities', but scores span 2..2" in said
            assert said.endswith("output='auto' takes such scores as logits")


def test_a_dataset_of_several_labels_in_every_form():
    import torch

    images = torch.from_numpy(np.moveaxis(IMAGES, -1, 1))
    data = torch.utils.data.TensorDataset(images, torch.from_numpy(HOT.astype(np.float32)))
    lists = [[0, 2], [], [1], [0, 1, 2]]
    forms = [
        data,
        torch.utils.data.DataLoader(data, 3),
        [(IMAGES[:3], HOT[:3]), (IMAGES[3:], HOT[3:])],
        [(IMAGES[:2], lists[:2]), (IMAGES[2:], lists[2:])],
    ]
    for form in forms:
        probe = Probe.from_dataset(form, n=N)
        assert probe.multilabel
        for image, truths in zip(probe.images, probe.labels, strict=True):
            place = int(np.argmin([np.abs(image - each).sum() for each in IMAGES]))
            assert truths == TRUTHS[place]
    few = Probe.from_dataset([(np.repeat(IMAGES, 50, 0), np.repeat(HOT, 50, 0))], n=8)
    assert sorted(few.labels) == sorted([*TRUTHS, *TRUTHS])  # as evenly over sets as there are


def test_names_and_none(tmp_path):
    names = ["cat", "dog", "owl"]
    probe = Probe("p", IMAGES, labels=[["owl", "cat"], [], ["dog"], names], class_names=names)
    assert probe.labels == TRUTHS


def test_older_logs_of_sigmoids_are_read_as_independent():
    from tensorboard_picasso.stored import record

    def stored(count, output=Output.SIGMOID):
        classes = np.arange(count, dtype=np.uint32)
        values = np.zeros(count, np.float32)
        scores = record.Scores(output, count, classes, values, b"")
        return record.unpack_scores(record.pack_scores(scores)).independent

    assert [stored(3), stored(2), stored(3, Output.LOGITS)] == [True, False, False]


MODELS = """
from torch import nn

class Unseen(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(36, 3)

    def forward(self, x):
        return self.last(x.flatten(1)) + 0  # no layer tells what the scores are
"""


def test_the_log_command_takes_several_labels_and_goes_on_with_what_it_took(tmp_path):
    import torch
    from PIL import Image

    def checkpoint(step, by):
        weights = {"last.weight": torch.from_numpy(by * WEIGHT.T)}
        weights["last.bias"] = torch.from_numpy(by * BIAS)
        torch.save(weights, tmp_path / "weights" / f"step_{step}.pt")

    for name in ("weights", "images"):
        (tmp_path / name).mkdir()
    (tmp_path / "models.py").write_text(MODELS)
    pixels = (255 * IMAGES[..., 0]).round().astype(np.uint8)
    for number, each in enumerate(pixels):
        Image.fromarray(each).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "labels.csv").write_text("0.png,cat,owl\n1.png,\n2.png,dog\n3.png,cat,dog,owl\n")
    (tmp_path / "names.txt").write_text("cat\ndog\nowl\n")
    words = [sys.executable, "-m", "tensorboard_picasso", "log", "--model", "models:Unseen"]
    words += ["--checkpoints", "weights", "--images", "images", "--labels", "labels.csv"]
    words += ["--class-names", "names.txt", "--logdir", "log", "--methods", "occlusion"]
    words += ["--window", "3", "--stride", "3"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for step, by in ((0, 0.0), (10, 1.0), (20, 0.0)):
        checkpoint(step, by)
        if step == 0:
            continue  # the first two at once, the third is gone on with
        made = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert made.returncode == 0, made.stderr
        assert made.stderr.count("the output is taken as") == (step == 10), made.stderr
    found = {
        step: each
        for (step, series), each in records(tmp_path / "log").items()
        if series.kind is Kind.SCORES and series.image == 0
    }
    assert sorted(found) == [0, 10, 20]
    for step, by in ((0, 0.0), (10, 1.0), (20, 0.0)):
        assert (found[step].output, found[step].independent) == (Output.LOGITS, True)
        assert found[step].targets[:2] == (0, 2)
        by_hand = by * logits(pixels[:1, ..., None].astype(np.float32) / 255)[0]
        np.testing.assert_allclose(found[step].values, by_hand, rtol=1e-5, atol=1e-5)
    assert logged(tmp_path / "log", Kind.INPUT, 1).labels == ()
