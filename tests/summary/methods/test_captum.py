"""Captum's methods through the adapter, and beside our own of the same definition."""

import copy
import gc
import random
import subprocess
import sys
import types
from functools import partial

import numpy as np
import pytest
import torch
from captum import attr
from torch import nn

from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import (
    Captum,
    GradCAM,
    GradientTimesInput,
    IntegratedGradients,
    Probe,
    Saliency,
)
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.methods._foreign import standing
from tests.kit.events import records
from tests.kit.explained import explain, noise, stored
from tests.summary.backends.test_torch import OPTIONS, X, cnn

EXACT = {"precision": "float32"}


def maps_of(model, *methods, images=X, **options):
    """Maps by image and target, one dict a method."""
    result = explain(model, Probe("p", images, **(options or OPTIONS)), *methods)
    return [
        {
            (index, target): stored(result, index, at)[1].decode(target)
            for index in range(len(images))
            for target in result.images[index].scores.targets
        }
        for at in range(len(methods))
    ]


def assert_same(one, other, **allowed):
    assert one.keys() == other.keys()
    for key, values in one.items():
        np.testing.assert_allclose(values, other[key], **{"atol": 1e-6, **allowed})


@pytest.mark.parametrize("score", ["log-odds", "logit", "probability"])
@pytest.mark.parametrize("last", [[], [nn.Softmax(1)]], ids=["logits", "softmax"])
def test_where_the_definitions_are_the_same_so_are_the_maps(score, last):
    same = {"score": score, **EXACT}
    pairs = [
        (Captum("Saliency", **same), Saliency(**same)),
        (Captum(attr.InputXGradient, **same), GradientTimesInput(**same)),
        (
            Captum(attr.IntegratedGradients, {"baselines": 0.25, "n_steps": 20}, **same),
            IntegratedGradients(0.25, 20, **same),
        ),
    ]
    for pair in pairs:
        assert_same(*maps_of(cnn(*last), *pair))


@pytest.mark.parametrize("images", ["channels last", "preprocessed", "through preprocess"])
def test_wherever_the_channels_are_and_the_pixels_go(images):
    given = np.moveaxis(X, 1, -1)
    options = {
        "channels last": {},
        "preprocessed": {"preprocess": lambda x: np.moveaxis(x, -1, 1)},
        "through preprocess": {"preprocess": lambda x: x.flip(1).permute(0, 3, 1, 2)},
    }[images]
    if images == "through preprocess":
        given = torch.from_numpy(given)
        options["data_format"] = "channels_last"
    pair = Captum("InputXGradient", **EXACT), GradientTimesInput(**EXACT)
    assert_same(*maps_of(cnn(), *pair, images=given, labels=[0, 1, 2], **options))


def test_a_layers_map_is_enlarged_as_ours():
    theirs = Captum("LayerGradCam", {"relu_attributions": True}, layer="3", **EXACT)
    assert theirs.sign is Sign.UNSIGNED
    assert_same(*maps_of(cnn(), theirs, GradCAM("3", **EXACT)), rtol=1e-4)


class Shifted(nn.Module):
    """Scores of an image and of another input, which shifts one of its layers."""

    def __init__(self):
        super().__init__()
        self.model = cnn(inplace=False)
        self.beside = nn.Linear(2, 3)

    def forward(self, image, other):
        return self.model(image) + self.beside(other) * image.mean((1, 2, 3))[:, None]


OTHER = np.random.default_rng(2).random((len(X), 2)).astype(np.float32)
BASELINES = {"baselines": 0.25}
SHAP = {"baselines": np.zeros((4, 1, 6, 6), np.float32)}
LAYER = {"layer": "model.3"}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("Saliency", {}, {}), ("InputXGradient", {}, {}), ("IntegratedGradients", BASELINES, {}),
        ("DeepLift", BASELINES, {}), ("DeepLiftShap", SHAP, {}), ("GradientShap", SHAP, {}),
        ("GuidedBackprop", {}, {}), ("Deconvolution", {}, {}), ("FeatureAblation", {}, {}),
        ("Occlusion", {"sliding_window_shapes": (1, 2, 2)}, {}),
        ("ShapleyValueSampling", {"n_samples": 1}, {}), ("Lime", {"n_samples": 8}, {}),
        ("KernelShap", {"n_samples": 8}, {}), ("GuidedGradCam", {}, LAYER),
        ("LayerGradCam", {}, LAYER), ("LayerActivation", {}, LAYER),
        ("LayerGradientXActivation", {}, LAYER), ("LayerIntegratedGradients", {}, LAYER),
        ("LayerConductance", {}, LAYER), ("LayerDeepLift", BASELINES, LAYER),
        ("InternalInfluence", {}, LAYER), ("LayerGradientShap", SHAP, LAYER),
    ],
)  # fmt: skip
def test_captums_methods_take_modules_with_other_inputs(name, arguments, options):
    torch.manual_seed(0)
    model = Shifted().eval()
    method = Captum(name, arguments, **options, **EXACT)
    images = {"images": X[:1], "labels": [0], "output": "logits", "data_format": "channels_first"}
    found, again = (
        maps_of(model, method, **images, inputs={"other": OTHER[at : at + 1]})[0] for at in (0, 1)
    )
    assert all(np.isfinite(values).all() for values in found.values())
    assert any(values.any() for values in found.values())
    if name in ("Saliency", "InputXGradient", "IntegratedGradients"):
        # The other input is the image's own: another one is another map.
        assert any(np.abs(found[key] - again[key]).max() > 1e-4 for key in found)


@pytest.mark.parametrize("pair", [
    (Captum("Saliency", **EXACT), Saliency(**EXACT)),
    (Captum("InputXGradient", **EXACT), GradientTimesInput(**EXACT)),
])  # fmt: skip
def test_with_other_inputs_the_maps_are_ours(pair):
    torch.manual_seed(0)
    options = {**OPTIONS, "inputs": {"other": OTHER}}
    assert_same(*maps_of(Shifted().eval(), *pair, **options))


@pytest.mark.parametrize("flat", [False, True])
def test_over_pixels_the_maps_are_ours(flat):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Tanh(), nn.Conv2d(3, 3, 3, padding=1))
    if flat:
        model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Flatten(1, 2))
    options = {**OPTIONS, "mean_over": "all", "output": "raw" if flat else "logits"}
    if flat:
        options["labels"], options["targets"] = None, [0]
    pair = Captum("Saliency", **EXACT), Saliency(**EXACT)
    assert_same(*maps_of(model.eval(), *pair, **options))


class Odds(nn.Module):
    """Log-odds in PyTorch, of a module's logits of three classes."""

    def __init__(self, model):
        super().__init__()
        self.model = copy.deepcopy(model).eval()

    def forward(self, x):
        z = self.model(x)
        others = [[j for j in range(3) if j != k] for k in range(3)]
        return z - torch.stack([z[:, each].logsumexp(1) for each in others], dim=1)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("kind", "arguments"), [(attr.DeepLift, {"baselines": 0.25}), (attr.GuidedBackprop, {})]
)
def test_methods_that_are_captums_alone_are_as_captum_has_them(kind, arguments):
    model = cnn()
    method = Captum(kind, arguments, direction="contribution", **EXACT)
    (found,) = maps_of(model, method)
    for (index, target), values in found.items():
        x = torch.from_numpy(X[index : index + 1])
        theirs = kind(Odds(model)).attribute(x, **arguments, target=target)
        np.testing.assert_allclose(values, theirs[0, 0].detach(), atol=1e-6)
    (plain,) = maps_of(model, Saliency(signed=True, **EXACT))
    assert any(np.abs(plain[key] - found[key]).max() > 1e-3 for key in found)


@pytest.mark.parametrize("last", [[], [nn.Softmax(1)]], ids=["logits", "softmax"])
def test_deeplift_of_a_logit_adds_up_to_what_it_differs_by(last):
    (found,) = maps_of(cnn(*last), Captum("DeepLift", {"baselines": 0.25}, score="logit", **EXACT))
    forward = copy.deepcopy(cnn()).eval()
    for (index, target), values in found.items():
        x = torch.from_numpy(X[index : index + 1])
        with torch.no_grad():
            ends = [forward(each)[0, target].item() for each in (x, torch.full_like(x, 0.25))]
        assert values.sum() == pytest.approx(ends[0] - ends[1], abs=1e-4)


def tunnel(model):
    return attr.NoiseTunnel(attr.Saliency(model))


def test_a_random_method_is_seeded_and_leaves_the_random_numbers_of_training():
    arguments = {"nt_samples": 8, "stdevs": 0.3}
    shap = {"baselines": np.zeros((4, 1, 6, 6), np.float32), "n_samples": 6}
    methods = [
        Captum(tunnel, arguments, label="tunnel", **EXACT),
        Captum("GradientShap", shap, **EXACT),
    ]

    def states():
        drawn = np.random.get_state()
        return torch.get_rng_state().tolist(), drawn[1].tolist(), drawn[2], random.getstate()

    torch.manual_seed(1)
    before = states()
    model = cnn()
    torch.manual_seed(1)
    first = maps_of(model, *methods)
    assert states() == before
    torch.manual_seed(2)  # where training is by then changes nothing
    for one, other in zip(first, maps_of(model, *methods), strict=True):
        assert_same(one, other, atol=0)
    (other,) = maps_of(model, Captum(tunnel, arguments, seed=1, **EXACT))
    assert any(np.abs(first[0][key] - other[key]).max() > 1e-3 for key in other)


def test_what_it_is_stands_in_the_record(tmp_path):
    model = cnn(inplace=False)
    weights = copy.deepcopy(model.state_dict())
    method = Captum(
        "Occlusion",
        {"sliding_window_shapes": (1, 2, 2), "baselines": 0},
        second_seed_every=1,
    )
    probe = Probe("p", X, **OPTIONS)
    summary.attribution(
        probe, model.train(), methods=[method], writer=str(tmp_path), step=0, strict=True
    )
    found = [
        about for (_, series), about in records(tmp_path).items() if series.kind is Kind.METHOD
    ]
    for about in found:
        assert (about.method, about.label, about.sign, about.unit) == (
            "captum", "captum-occlusion", Sign.CONTRIBUTION, "log-odds",
        )  # fmt: skip
        assert about.parameters["Captum"] == "Occlusion"
        assert about.parameters["baselines"] == "0"
        # It draws no random numbers, and agrees with itself.
        assert [each.agreement for each in about.targets] == pytest.approx([1] * len(about.targets))
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())
    for name, value in model.state_dict().items():
        assert torch.equal(value, weights[name])


@pytest.mark.parametrize(
    ("made", "label", "sign"),
    [
        (lambda: Captum(), "captum-deeplift", Sign.CONTRIBUTION),
        (lambda: Captum(partial(attr.DeepLift, multiply_by_inputs=False), direction="direction"),
         "captum-deeplift", Sign.DIRECTION),
        (lambda: Captum("Deconvolution"), "captum-deconvolution", Sign.UNSIGNED),
        (lambda: Captum(lambda model: attr.Saliency(model)), "captum", Sign.UNSIGNED),
    ],
)  # fmt: skip
def test_it_says_what_it_is(made, label, sign):
    method = made()
    assert (method.label, method.sign) == (label, sign)


@pytest.mark.parametrize(
    ("made", "error", "match"),
    [
        (lambda: Captum(3), ValueError, 'attribution=3: pass a class, or "DeepLift"'),
        (lambda: Captum(direction="up"), ValueError, "direction='up': pass one of unsigned"),
        (lambda: _explained(Captum("DeepLft")), ValueError, "captum.attr has no 'DeepLft': pass 'DeepLift'"),
        (
            lambda: _explained(Captum("LayerGradCam", layer="0", arguments={"no": 1})),
            TypeError,
            "no",
        ),
        (
            lambda: _explained(Captum("DeepLift", {"return_convergence_delta": True})),
            UnsupportedError,
            "the tool returns tuple, not one tensor",
        ),
        (
            lambda: summary.attribution(
                Probe("p", noise(1, 4, 4), output="raw"),
                lambda x: x.reshape(len(x), -1)[:, :2],
                methods=[Captum()], writer="unused", step=0,
            ),
            UnsupportedError,
            "a function cannot be handed to tools for PyTorch: pass an nn.Module",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(made, error, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=match):
        made()


def _explained(method):
    return summary.attribution(
        Probe("p", X, **OPTIONS), cnn(), methods=[method], writer="unused", step=0
    )


def test_captum_is_imported_once_it_is_used_and_its_lack_is_told(tmp_path):
    code = """
import sys
sys.modules["captum"] = None
from tensorboard_picasso import summary
method = summary.Captum("DeepLift")
try:
    method.check(None)
except ValueError as e:
    print(e)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "DeepLift: Captum is not installed: pip install 'tensorboard-picasso[captum]'"
    )


@pytest.fixture
def importing():
    """Whatever is made meanwhile, what is collected then imports something."""
    made = []

    def collected(phase, _):
        if phase == "stop":
            made.append(f"imported while collecting {len(made)}")
            sys.modules[made[-1]] = types.ModuleType(made[-1])

    thresholds = gc.get_threshold()
    gc.callbacks.append(collected)
    gc.set_threshold(1)
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks.remove(collected)
    for each in made:
        del sys.modules[each]


def test_modules_are_looked_through_while_others_are_imported(importing):
    with standing("random"):
        pass
