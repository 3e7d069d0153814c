"""A model that is NaN, infinite or beyond float32: all is recorded, read and shown, without a warning of NumPy's."""

import os
from urllib.parse import urlencode

import keras
import numpy as np
import pytest
import torch

from tensorboard_picasso import __main__ as command
from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events
from tests.kit.serving import get, tensorboard

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

IMAGES = np.random.default_rng(0).random((3, 1, 8, 8)).astype(np.float32)
TOP = np.arange(8)[:, None] < 3 + np.zeros((1, 8))
TWICE = {"second_seed_every": 1}
SCORES = [
    summary.Occlusion(2),
    summary.Occlusion(2, reuse=False, label="whole"),
    summary.RISE(5, **TWICE),
]
METHODS = [
    *SCORES,
    summary.Saliency(),
    summary.Saliency(label="float32", signed=True, precision="float32"),
    summary.Saliency(label="float16", score="probability", precision="float16"),
    summary.Saliency(label="logit", score="logit"),
    summary.GradientTimesInput(),
    summary.IntegratedGradients(steps=2),
    summary.SmoothGrad(samples=2, **TWICE),
    summary.VarGrad(samples=2, **TWICE),
    summary.GradCAM(),
    summary.Captum("DeepLift"),
    summary.Captum("GradientShap", {"baselines": torch.zeros(1, 1, 8, 8)}, **TWICE),
]


class Network(torch.nn.Module):
    def __init__(self, end):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(144, 3)
        self.end = end

    def forward(self, x):
        return self.end(self.head(torch.relu(self.conv(x)).flatten(1)))


def beyond_float32(network):
    network.double()
    network.head.weight.data *= 1e300


BREAKS = {
    "NaN": lambda network: network.head.weight.data.fill_(np.nan),
    "a class NaN": lambda network: network.head.weight.data[0].fill_(np.nan),
    "infinite": lambda network: network.head.weight.data.fill_(np.inf),
    "a class infinite": lambda network: network.head.bias.data[0].fill_(np.inf),
    "a class never": lambda network: network.head.bias.data[0].fill_(-np.inf),
    "large": lambda network: network.head.weight.data.mul_(1e30),
    "beyond float32": beyond_float32,
    "dead": lambda network: [each.data.zero_() for each in network.head.parameters()],
}
ENDS = {
    "logits": (torch.nn.Identity(), {"output": "logits"}),
    "raw": (torch.nn.Identity(), {"output": "raw"}),
    "sigmoid": (torch.nn.Sigmoid(), {"output": "sigmoid"}),
    "softmax": (torch.nn.Softmax(1), {}),
    "probabilities": (lambda x: torch.softmax(x, 1), {"output": "probabilities"}),
}


def log(directory, end, broken):
    """A step of a network as it is made, and one of it as it was broken then."""
    function, options = ENDS[end]
    network = Network(function)
    probe = summary.Probe(
        "p", IMAGES, labels=[0, 1, 1], regions={"top": TOP}, region_fill=["mean", "black"],
        data_format="channels_first", **options,
    )  # fmt: skip
    # Such a model has no logits.
    methods = [each for each in METHODS if each.label != "logit" or end != "probabilities"]
    for step in range(2):
        assert summary.attribution(
            probe, network, methods=methods, writer=directory, step=step, strict=True
        )
        BREAKS[broken](network)
    summary.flush()


@pytest.mark.parametrize(
    ("end", "broken"),
    [("logits", broken) for broken in BREAKS]
    + [(end, broken) for end in list(ENDS)[1:] for broken in ("NaN", "a class infinite")]
    + [("raw", "beyond float32"), ("sigmoid", "large"), ("softmax", "a class never")],
)
def test_every_method_is_recorded(tmp_path, end, broken):
    log(tmp_path, end, broken)
    found = events.records(tmp_path)
    labels = {series.label for step, series in found if step == 1 and series.kind is Kind.METHOD}
    assert labels | {"logit"} == {each.label for each in METHODS}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_arrives_at_a_normalization_is_no_number(tmp_path, value):
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.Flatten(),
        torch.nn.Linear(144, 3),
    )
    probe = summary.Probe("p", IMAGES, data_format="channels_first", output="logits")
    for step in range(2):
        # It is compared with what training left once there is something: here, as it broke down.
        assert summary.attribution(
            probe, network, methods=[], writer=tmp_path, step=step, strict=True
        )
        network[1].running_mean.fill_(0.1)
        network[1].num_batches_tracked.fill_(1000)
        network[0].weight.data.fill_(value)
    summary.flush()
    assert {step for step, _ in events.records(tmp_path)} == {0, 1}


def test_keras_and_a_function_too(tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    weights = np.random.default_rng(1).normal(size=(64, 3)).astype(np.float32)
    images = np.moveaxis(IMAGES, 1, -1)
    for step in range(2):
        for name, each, methods in (
            ("keras", model, [*SCORES, *METHODS[3:10]]),
            ("function", lambda x: x.reshape(len(x), -1) @ weights, SCORES),
        ):
            assert summary.attribution(
                name, each, images, labels=[0, 1, 1], output="logits", methods=methods,
                writer=tmp_path, step=step, strict=True,
            )  # fmt: skip
        weights[:] = np.nan
        model.set_weights([weights, weights[0]])
    summary.flush()
    assert {step for step, _ in events.records(tmp_path)} == {0, 1}


def test_it_is_exported_and_served(tmp_path):
    for number, broken in enumerate(("NaN", "infinite", "beyond float32")):
        log(tmp_path / f"run{number}", "logits", broken)
    written = tmp_path / "written"
    for run in ("run0", "run1", "run2"):
        kinds = {
            series.tag
            for _, series in events.records(tmp_path / run)
            if series.kind in (Kind.METHOD, Kind.MEAN) and series.image == 0
        }
        assert len(kinds) > len(METHODS)
        for tag in kinds:
            for kind in ("png", "gif", "npz", "csv"):
                options = ["--logdir", str(tmp_path), "--run", run, "--tag", tag]
                status = command.main(["export", *options, "--force", "--out", f"{written}.{kind}"])
                assert status == 0, (tag, kind)

    # There a warning is an error, which would be answered as one.
    environment = {**os.environ, "PYTHONWARNINGS": "error::RuntimeWarning"}
    with tensorboard(tmp_path, environment=environment) as url:

        def ask(route, **query):
            status, body, _ = get(f"{url}data/plugin/picasso/{route}?{urlencode(query)}")
            assert status == 200, (route, query, body[-300:])

        for run in ("run0", "run1", "run2"):
            of = {"run": run, "probe": "p"}
            ask("scores", **of)
            for method in METHODS:
                ask("attributions", label=method.label, **of)
            ask("means", label="occlusion", **of)
            ask("export", label="occlusion", image=0, format="png", **of)
            ask("export", label="vargrad", image=0, format="csv", **of)
            ask("export", label="occlusion", group="probe", format="gif", **of)
