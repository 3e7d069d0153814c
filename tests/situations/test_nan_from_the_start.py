"""Peers' situation: a trial that goes on from weights that have diverged, or diverges before its first record."""

import functools
import subprocess
import sys

import jax.numpy as jnp
import keras
import numpy as np
import pytest
import tensorflow as tf
import timm
import torch
from PIL import Image

from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary.kit import report
from tests.kit import events
from tests.kit.browser import tab
from tests.kit.serving import tensorboard
from tests.summary.explain.test_nan import BREAKS, ENDS, METHODS, Network

pytestmark = pytest.mark.filterwarnings("error")

IMAGES = np.random.default_rng(0).random((3, 8, 8, 1)).astype(np.float32)
TOP = np.arange(8)[:, None] < 3 + np.zeros((1, 8))
WEIGHTS = np.random.default_rng(1).normal(size=(64, 3)).astype(np.float32)


class Float(torch.nn.Module):
    def forward(self, x):
        return x.float()


class Linear:
    """The same linear model in a framework; its weights can be exchanged."""

    def __init__(self, framework):
        self.framework = framework
        if framework == "keras":
            last = keras.layers.Dense(3, use_bias=False)
            self.model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), last])
        elif framework == "torch":
            self.layer = torch.nn.Linear(64, 3, bias=False)
            self.model = torch.nn.Sequential(Float(), torch.nn.Flatten(), self.layer)
        elif framework == "tensorflow":
            self.variable = tf.Variable(WEIGHTS)
            self.model = tf.function(
                lambda x: tf.reshape(tf.cast(x, tf.float32), [-1, 64]) @ self.variable
            )
        elif framework == "function":
            self.model = lambda x: x.reshape(len(x), -1) @ self.weights

    def take(self, weights):
        self.weights = weights
        if self.framework == "keras":
            self.model.set_weights([weights])
        elif self.framework == "torch":
            self.layer.weight.data[:] = torch.from_numpy(weights.T)
        elif self.framework == "tensorflow":
            self.variable.assign(weights)
        elif self.framework == "jax":
            apply = lambda w, x: jnp.reshape(x, (len(x), -1)) @ w  # noqa: E731
            self.model = functools.partial(apply, jnp.asarray(weights))
        return self.model


@pytest.mark.parametrize(
    ("framework", "output", "value"),
    [(each, "auto", np.nan) for each in ("keras", "torch", "tensorflow", "jax", "function")]
    + [("torch", output, each) for output in ("logits", "raw") for each in (np.inf, -np.inf)],
)
def test_it_is_recorded_and_the_first_numbers_decide(framework, output, value, tmp_path, capsys):
    report._said.clear()
    linear = Linear(framework)
    probe = summary.Probe(
        "p", IMAGES, labels=[0, 1, 2], regions={"top": TOP}, output=output, targets=[1]
    )
    methods = [summary.Occlusion(4, 4)] + [summary.Saliency()] * (framework != "function")
    broken = np.full_like(WEIGHTS, value)
    for step, weights in enumerate([broken, WEIGHTS, broken, WEIGHTS]):
        assert summary.attribution(
            probe, linear.take(weights), methods=methods, writer=tmp_path, step=step, strict=True
        )
        if not step:
            assert "taken as" not in capsys.readouterr().err
    said = capsys.readouterr().err
    assert said.count("the output is taken as logits of one of 3 classes") == (output == "auto")
    found = events.records(tmp_path)
    for image in range(3):
        raw = IMAGES[image].ravel() @ WEIGHTS
        expected = raw - [np.log(np.exp(np.delete(raw, k)).sum()) for k in range(3)]
        for step in range(4):
            (of,) = [
                each for (at, series), each in found.items()
                if (at, series.kind, series.image) == (step, Kind.SCORES, image)
            ]  # fmt: skip
            assert of.output is (Output.RAW if output == "raw" else Output.LOGITS)
            if step % 2:
                np.testing.assert_allclose(
                    of.values, raw if output == "raw" else expected, rtol=1e-3
                )
            else:
                assert not np.isfinite(of.values).any()
                assert np.isnan(of.values).all() or output == "raw"
    steps = {step for step, series in found if series.kind is Kind.METHOD}
    assert steps == {0, 1, 2, 3}


def test_what_turns_out_to_be_wrong_later_is_warned_of_and_training_goes_on(tmp_path):
    weights = WEIGHTS * np.nan
    model = lambda x: 1 / (1 + np.exp(-(x.reshape(len(x), -1) @ weights)))  # noqa: E731
    call = functools.partial(
        summary.attribution, summary.Probe("p", IMAGES), model,
        methods=[summary.Occlusion(4, 4)], writer=tmp_path,
    )  # fmt: skip
    assert call(step=0)
    weights = WEIGHTS
    with pytest.warns(summary.PicassoWarning, match="do not sum to 1: pass output='sigmoid'"):
        assert not call(step=1)
    with pytest.raises(ValueError, match="do not sum to 1"):
        call(step=2, strict=True)
    with pytest.raises(ValueError, match="do not sum to 1"):  # at once where it is no failure
        summary.attribution("q", model, IMAGES, methods=[], writer=tmp_path, step=0)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"labels": [0, 1, 7]}, "class 7 is out of range"),
        ({"class_names": ["a", "b"]}, "2 names and the model 3 classes"),
        ({"preprocess": lambda x: x + np.random.rand()}, "preprocess is random"),
    ],
)
def test_wrong_arguments_still_raise(wrong, match, tmp_path):
    model = Linear("torch").take(WEIGHTS * np.nan)
    with pytest.raises(ValueError, match=match):
        summary.attribution("p", model, IMAGES, methods=[], writer=tmp_path, step=0, **wrong)


def test_an_image_without_numbers_leaves_the_others_theirs(tmp_path, capsys):
    report._said.clear()

    def standardized(x):
        with np.errstate(invalid="ignore"):
            return (x - x.mean((1, 2, 3), keepdims=True)) / x.std((1, 2, 3), keepdims=True)

    images = IMAGES.copy()
    images[0] = 0.5
    probe = summary.Probe("p", images, labels=[0, 1, 2], preprocess=standardized)
    model = Linear("torch").take(WEIGHTS)
    methods = [summary.Occlusion(4, 4)]
    assert summary.attribution(probe, model, methods=methods, writer=tmp_path, step=0, strict=True)
    scores = [events.logged(tmp_path, Kind.SCORES, image).values for image in range(3)]
    assert [np.isnan(each).all() for each in scores] == [True, False, False]
    assert "taken as logits" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("end", "broken"),
    [("logits", each) for each in ("NaN", "a class NaN", "infinite", "a class never")]
    + [(end, "NaN") for end in list(ENDS)[1:]],
)
def test_every_method_is_recorded(tmp_path, end, broken):
    function, options = ENDS[end]
    network = Network(function)
    sound = {name: each.clone() for name, each in network.state_dict().items()}
    BREAKS[broken](network)
    probe = summary.Probe(
        "p", np.moveaxis(IMAGES, -1, 1), labels=[0, 1, 1], regions={"top": TOP},
        region_fill=["mean", "black"], data_format="channels_first", **options,
    )  # fmt: skip
    methods = [each for each in METHODS if each.label != "logit" or end != "probabilities"]
    for step in range(2):
        assert summary.attribution(
            probe, network, methods=methods, writer=tmp_path, step=step, strict=True
        )
        network.load_state_dict(sound)
    labels = {
        (step, series.label)
        for step, series in events.records(tmp_path)
        if series.kind is Kind.METHOD
    }
    assert labels == {(step, each.label) for step in range(2) for each in methods}


@pytest.mark.parametrize("framework", ["keras", "torch", "jax", "tensorflow"])
def test_what_is_found_out_once_is_not_found_out_of_a_broken_model(framework, tmp_path):
    """Whether a model that takes integers scores floats alike: here it does, once it has numbers."""
    linear = Linear(framework)
    images = (255 * IMAGES).astype(np.uint8)
    probe = summary.Probe("p", images, targets=[0], output="raw")
    for step, weights in enumerate([WEIGHTS * np.nan, WEIGHTS]):
        assert summary.attribution(
            probe, linear.take(weights), methods=[summary.Saliency(precision="float32")],
            writer=tmp_path, step=step, strict=True,
        )  # fmt: skip
    found = events.records(tmp_path)
    maps = {step: each for (step, series), each in found.items()
            if series.kind is Kind.MAP and series.image == 0}  # fmt: skip
    assert np.isnan(maps[0].decode(0)).all()
    slope = np.abs(WEIGHTS[:, 0]).reshape(8, 8)
    np.testing.assert_allclose(maps[1].decode(0), slope, rtol=1e-6)


def test_the_layer_of_a_vision_transformer_is_chosen_once_it_has_numbers(tmp_path):
    torch.manual_seed(0)
    model = timm.models.vision_transformer.VisionTransformer(
        (32, 16), 4, embed_dim=16, depth=2, num_heads=2, num_classes=2
    )
    sound = {name: each.clone() for name, each in model.state_dict().items()}
    for each in model.parameters():
        each.data.fill_(np.nan)
    images = torch.from_numpy(np.random.default_rng(0).random((2, 3, 32, 16)).astype(np.float32))
    probe = summary.Probe("p", images, labels=[0, 1])
    methods = [summary.GradCAM(), summary.GradCAM("blocks.1.norm1", label="named")]
    for step in range(3):
        assert summary.attribution(
            probe, model, methods=methods, writer=tmp_path, step=step, strict=True
        )
        model.load_state_dict(sound)
    found = {
        (step, series.label): each
        for (step, series), each in events.records(tmp_path).items()
        if series.kind is Kind.METHOD and series.image == 1
    }
    assert [found[step, "grad-cam"].layer for step in range(3)] == ["", *["blocks.1.norm1"] * 2]
    for label in ("grad-cam", "named"):
        assert found[0, label].parameters == {"model": "not a number"}
        counts = [found[step, label].targets[0].statistics.nan for step in range(3)]
        assert counts == [32 * 16, 0, 0]


@pytest.mark.parametrize("run", ["all", "first"])
def test_checkpoints_that_exist_are_logged(run, tmp_path):
    (tmp_path / "made.py").write_text(
        "from torch import nn\n"
        "def build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(192, 3))\n"
    )
    for number in range(3):
        (tmp_path / "images" / str(number)).mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / str(number) / "one.png")
    (tmp_path / "saved").mkdir()

    def save(step, broken):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 3))
        if broken:
            model[1].weight.data.fill_(np.nan)
        torch.save(model.state_dict(), tmp_path / "saved" / f"model-{step}.pt")

    def log():
        command = [
            sys.executable, "-m", "tensorboard_picasso", "log", "--checkpoints", "saved",
            "--model", "made:build", "--images", "images", "--logdir", "log",
            "--methods", "occlusion",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    save(0, broken=True)
    save(1, broken=run == "all")
    said = log()
    assert ("taken as logits" in said) == (run == "first")
    save(2, broken=True)
    save(3, broken=False)
    assert ("taken as logits" in log()) == (run == "all")
    scores = events.whole_scores(tmp_path / "log")
    numbers = [bool(np.isfinite(scores[step]).all()) for step in range(4)]
    assert numbers == [False, run == "first", False, True]


@pytest.mark.browser
def test_the_tab_shows_what_there_is(browser, tmp_path):
    for run, steps in (("broken", []), ("resumed", [2, 3])):
        linear = Linear("torch")
        probe = summary.Probe("p", IMAGES, labels=[0, 1, 2], regions={"top": TOP})
        for step in range(4):
            model = linear.take(WEIGHTS if step in steps else WEIGHTS * np.nan)
            assert summary.attribution(probe, model, writer=tmp_path / run, step=step, strict=True)
    summary.flush()
    whole = {"width": 1280, "height": 1600}
    with tensorboard(tmp_path) as url, tab(browser, url, viewport=whole) as picasso:
        for step in (0, 3):
            picasso.open(step=str(step)).at(step)
            for run in ("broken", "resumed"):
                captions = picasso.frame.locator(f'.strip[data-run="{run}"] .now figcaption')
                _, *images = captions.all_inner_texts()  # the mean over the probe has no caption
                sound = (run, step) == ("resumed", 3)
                assert len(images) == 3
                assert [each == "NaN" for each in images] == [not sound] * 3, (run, step)
        assert picasso.readout() == ["broken – · hidden –", "resumed 52 % · hidden 50 %"]
        note = picasso.frame.locator(".hidingnote .value").first
        assert note.inner_text() == "broken: the newest scores are no numbers"
        # The scale is that of the maps that have numbers.
        picasso.open(step="3", runs="broken").at(3)
        assert (picasso.pixels(".strip .now canvas") != 0).any()
