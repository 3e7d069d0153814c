"""PyTorch's modules: what is computed, and that nothing else changes."""

import copy

import keras
import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import (
    GradCAM,
    IntegratedGradients,
    Occlusion,
    Probe,
    Saliency,
    SmoothGrad,
    VarGrad,
    backends,
)
from tensorboard_picasso.summary.backends import UnsupportedError
from tests.kit.explained import explain, noise, stored

X = noise(3, 1, 6, 6)
OPTIONS = {"labels": [0, 1, 2], "data_format": "channels_first"}


def cnn(*last: nn.Module, inplace: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.ReLU(inplace),
        nn.BatchNorm2d(4, eps=1e-3),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(64, 3),
        *last,
    )
    with torch.no_grad():
        model[2].running_mean += torch.rand(4)
    return model


def expected(model, x=X):
    with torch.no_grad():
        return copy.deepcopy(model).eval()(torch.from_numpy(x)).float().numpy()


def scores(model, x=X, look_behind=True):
    return backends.find(model, look_behind).scores(x)


def odds(model):
    """The model's log-odds, in PyTorch."""
    return log_odds(copy.deepcopy(model).eval())


def log_odds(model):
    def forward(x):
        logits = model(x)
        others = [torch.cat([logits[:, :k], logits[:, k + 1 :]], 1) for k in range(3)]
        return logits - torch.stack([each.logsumexp(1) for each in others], 1)

    return forward


@pytest.fixture
def parallel(tmp_path):
    """A process group of this process alone."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1
    )
    yield nn.parallel.DistributedDataParallel
    torch.distributed.destroy_process_group()


def test_scores_are_those_of_evaluation():
    np.testing.assert_allclose(scores(cnn()), expected(cnn()), atol=1e-6)


def test_what_wraps_a_module_is_taken_off(parallel):
    def layers(model):
        return backends.find(model).gradient(X, np.eye(3), layer="0")

    first = layers(cnn())
    for wrap in (
        torch.compile,
        parallel,
        nn.DataParallel,
        lambda model: torch.compile(parallel(model)),
        lambda model: parallel(torch.compile(model)),
    ):
        model = wrap(cnn())
        np.testing.assert_array_equal(scores(model), scores(cnn()))
        np.testing.assert_array_equal(layers(model), first)


def test_a_part_that_is_compiled_is_run_as_it_was_written():
    from torch._dynamo.testing import CompileCounter

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.compile(cnn(), backend=counter)

        def forward(self, x):
            return self.inner(x)

    counter = CompileCounter()
    model = Whole()
    np.testing.assert_allclose(scores(model), expected(cnn()), atol=1e-6)
    assert counter.frame_count == 0
    model.train()(torch.from_numpy(X))
    assert counter.frame_count == 1
    scores(model)
    model(torch.from_numpy(X))
    assert counter.frame_count == 1


class Overriding(nn.Module):
    """Does other things where it is told a mode, draws random numbers and may raise."""

    def __init__(self):
        super().__init__()
        self.inner = cnn(inplace=True)
        self.told = []
        self.raises = False

    def train(self, mode=True):
        self.told.append(mode)
        return super().train(mode)

    def forward(self, x):
        torch.rand(1)
        if self.raises:
            raise RuntimeError("no")
        return self.inner(x) + (100.0 if self.training else 0.0)


@pytest.mark.parametrize("raises", [False, True])
def test_all_is_left_as_it_was_found(raises):
    model = Overriding()
    model.raises = raises
    model.inner[2].eval()
    model.inner[0].weight.requires_grad_(False)
    model.inner[5].weight.grad = torch.ones(3, 64)
    told = list(model.told)
    before = copy.deepcopy(model.state_dict())
    modes = [module.training for module in model.modules()]
    state = torch.get_rng_state()
    backend = backends.find(model)
    for call in (
        lambda: backend.scores(X),
        lambda: backend.gradient(X, np.eye(3)),
        lambda: backend.gradient(X, np.eye(3), layer="inner.0"),
    ):
        if raises:
            with pytest.raises(RuntimeError, match="no"):
                call()
        else:
            assert np.abs(call()).max() < 90
        assert [module.training for module in model.modules()] == modes
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.is_autocast_cache_enabled()
        assert torch.is_grad_enabled()
    assert model.told == told
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    wanted = [each.requires_grad for each in model.parameters()]
    assert wanted == [False, *[True] * (len(wanted) - 1)]
    grads = [name for name, each in model.named_parameters() if each.grad is not None]
    assert grads == ["inner.5.weight"]
    assert torch.equal(model.inner[5].weight.grad, torch.ones(3, 64))
    assert not any(module._forward_hooks for module in model.modules())


def test_gradients_of_a_linear_model_are_its_weights():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    found = backends.find(model).gradient(X, np.eye(3))
    np.testing.assert_array_equal(found, model[1].weight.detach().numpy().reshape(X.shape))


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_gradients_are_there_whatever_is_off_around(around):
    model = cnn()
    with around():
        found = backends.find(model).gradient(X, np.eye(3))
    np.testing.assert_array_equal(found, backends.find(cnn()).gradient(X, np.eye(3)))


def test_the_gradient_by_a_layer_is_taken_before_what_works_in_place():
    found = [
        backends.find(cnn(inplace=inplace)).gradient(X, np.eye(3), layer="0")
        for inplace in (False, True)
    ]
    np.testing.assert_array_equal(*found)
    by_input = np.stack(
        [
            torch.nn.functional.conv_transpose2d(
                torch.from_numpy(each[None]), cnn()[0].weight.detach()
            )[0].numpy()
            for each in found[0]
        ]
    )
    np.testing.assert_allclose(by_input, backends.find(cnn()).gradient(X, np.eye(3)), atol=1e-6)


def test_wrong_layers_are_named():
    backend = backends.find(cnn())
    with pytest.raises(UnsupportedError, match=r"no layer 'conv': the model ends in '0', '1'"):
        backend.gradient(X, np.eye(3), layer="conv")
    twice = nn.Sequential(nn.Flatten(), nn.Linear(36, 36))
    twice.append(twice[1])
    with pytest.raises(UnsupportedError, match=r"layer '1' is called 2 times"):
        backends.find(twice).gradient(X, np.eye(36)[:3], layer="1")


@pytest.mark.parametrize(
    ("last", "shown", "activation"),
    [
        ([nn.Softmax(1)], Output.LOGITS, lambda z: torch.softmax(z, 1)),
        ([nn.Softmax(-1), nn.Identity()], Output.LOGITS, lambda z: torch.softmax(z, 1)),
        ([nn.Sigmoid()], Output.SIGMOID, torch.sigmoid),
    ],
)
def test_a_final_activation_is_looked_behind(last, shown, activation):
    model = cnn(*last)
    backend = backends.find(model)
    found = backend.scores(X)
    assert (backend.shown, backend.behind) == (shown, True)
    np.testing.assert_allclose(found, expected(cnn()), atol=1e-6)
    np.testing.assert_allclose(activation(torch.from_numpy(found)), expected(model), atol=1e-6)
    np.testing.assert_allclose(
        backend.gradient(X, np.eye(3)), backends.find(cnn()).gradient(X, np.eye(3)), atol=1e-6
    )
    plain = backends.find(model, look_behind=False)
    np.testing.assert_allclose(plain.scores(X), expected(model), atol=1e-6)
    assert (plain.shown, plain.behind) == (None, False)


@pytest.mark.parametrize(
    ("last", "shown"),
    [
        ([], Output.LOGITS),
        ([nn.LogSoftmax(1)], Output.LOGITS),
        ([nn.Softmax(0)], None),
        ([nn.Softmax(1), nn.Hardtanh()], None),
        ([nn.Tanh()], None),
    ],
)
def test_other_ends_say_what_they_are_or_leave_it_to_the_scores(last, shown):
    model = cnn(*last)
    backend = backends.find(model)
    np.testing.assert_allclose(backend.scores(X), expected(model), atol=1e-6)
    assert (backend.shown, backend.behind) == (shown, False)


def test_a_function_at_the_end_leaves_it_to_the_scores():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = cnn()

        def forward(self, x):
            return self.inner(x).softmax(1)

    result = explain(Functional(), Probe("p", X, **OPTIONS), Saliency())
    assert result.output is Output.PROBABILITIES


class Viewed(nn.Module):
    """A model whose output goes through a function at the end."""

    def __init__(self, model, view):
        super().__init__()
        self.model, self.view = model, view

    def forward(self, x):
        return self.view(self.model(x))


VIEWS = {
    "squeeze": lambda z: z.squeeze(1),
    "column": lambda z: z[:, 0],
    "flat": lambda z: z.view(-1),
    "more axes": lambda z: z[:, :, None, None],
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("last", [None, nn.Sigmoid])
def test_an_output_that_lost_an_axis_is_still_that_of_its_last_layer(view, last):
    plain = nn.Sequential(nn.Flatten(), nn.Linear(36, 1))
    model = Viewed(nn.Sequential(plain, last()) if last else plain, VIEWS[view])
    backend = backends.find(model)
    found = backend.scores(X)
    np.testing.assert_allclose(found.reshape(-1, 1), expected(plain), atol=1e-6)
    shown = Output.SIGMOID if last else Output.LOGITS
    assert (backend.shown, backend.behind) == (shown, last is not None)


def test_a_sigmoid_of_scores_that_lost_an_axis_is_looked_behind():
    plain = nn.Sequential(nn.Flatten(), nn.Linear(36, 1))
    backend = backends.find(nn.Sequential(Viewed(plain, lambda z: z.squeeze(1)), nn.Sigmoid()))
    np.testing.assert_allclose(backend.scores(X), expected(plain), atol=1e-6)
    assert (backend.shown, backend.behind) == (Output.SIGMOID, True)


@pytest.mark.parametrize(
    "change",
    [lambda z: z.sigmoid_(), lambda z: z.sigmoid_()[:, :, None, None], lambda z: z[:, :2], torch.t],
)
def test_what_is_changed_behind_a_layer_is_not_its_output(change):
    model = Viewed(cnn(), change)
    backend = backends.find(model)
    np.testing.assert_allclose(backend.scores(X), expected(model), atol=1e-6)
    assert (backend.shown, backend.behind) == (None, False)


def test_a_module_in_inference_mode_shows_its_last_layer():
    backend = backends.find(Viewed(cnn(), lambda z: z))
    model = backend.adapter._model
    model.forward = torch.inference_mode()(model.forward)
    backend.scores(X)
    assert backend.shown is Output.LOGITS


def test_logits_behind_squeeze_that_happen_to_be_within_0_and_1_stay_logits():
    """Hand-made: a bias alone, so that every logit is 0.5."""
    plain = nn.Sequential(nn.Flatten(), nn.Linear(36, 1))
    with torch.no_grad():
        plain[1].weight.zero_()
        plain[1].bias.fill_(0.5)
    probe = Probe("p", X, **{**OPTIONS, "labels": [0, 1, 1]}, output="sigmoid")
    result = explain(Viewed(plain, lambda z: z.squeeze(1)), probe, Occlusion(3, 3))
    assert result.taken.output is Output.LOGITS
    for image in result.images:
        np.testing.assert_allclose(image.scores.values, [-0.5, 0.5], atol=1e-6)


def test_outputs_of_one_tensor_in_other_things():
    class Wrapped(nn.Module):
        def __init__(self, wrap):
            super().__init__()
            self.inner, self.wrap = cnn(nn.Softmax(1)), wrap

        def forward(self, x):
            return self.wrap(self.inner(x))

    backend = backends.find(Wrapped(lambda z: {"logits": z}))
    np.testing.assert_allclose(backend.scores(X), expected(cnn()), atol=1e-6)
    assert backend.behind
    with pytest.raises(UnsupportedError, match="Wrapped returns 2 outputs: pass pick="):
        scores(Wrapped(lambda z: (z, z)))
    with pytest.raises(UnsupportedError, match="Wrapped returns NoneType, no tensor"):
        scores(Wrapped(lambda z: None))
    with pytest.raises(UnsupportedError, match="no gradient of its scores by its input"):
        backends.find(Wrapped(torch.Tensor.detach)).gradient(X, np.eye(3))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions(dtype):
    model = cnn().to(dtype)
    found = scores(model)
    assert found.dtype == (np.float64 if dtype is torch.float64 else np.float32)
    np.testing.assert_allclose(found, expected(cnn()), atol=0.05)
    result = explain(model, Probe("p", X, **OPTIONS), Occlusion(), Saliency())
    assert stored(result, 0, 1)[1].planes[0].peak > 0


class Scaling(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))

    def forward(self, x):
        return self.inner(x / 255)


class Viewing(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 2, 3), nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.conv(x).view(len(x), -1))


def test_grey_arrays_with_their_channel_last_lie_as_pytorch_lays_images():
    model = Viewing()
    expected = scores(model, np.moveaxis(X.reshape(-1, 6, 6, 1), -1, 1))
    found = explain(model, Probe("p", X.reshape(-1, 6, 6, 1), output="raw"), Saliency())
    for image, values in zip(found.images, expected, strict=True):
        np.testing.assert_allclose(image.scores.values, values, atol=1e-6)


def test_integers_reach_a_model_that_scales_them_and_are_refused_by_others():
    images = (X * 255).astype(np.uint8)
    model = Scaling()
    result = explain(model, Probe("p", images, **OPTIONS), Occlusion(), Saliency())
    np.testing.assert_allclose(
        [each.scores.values for each in result.images],
        odds(model)(torch.from_numpy(images)).detach(),
        atol=1e-5,
    )
    with pytest.raises(RuntimeError) as caught:
        explain(cnn(), Probe("p", images, **OPTIONS), Occlusion())
    assert (
        "the images are uint8: where the model takes floats alone, pass"
        in caught.value.__notes__[0]
    )

    class Table(nn.Embedding):
        def forward(self, x):
            return super().forward(x.int()).sum((1, 2, 3))

    with pytest.raises(UnsupportedError, match="no gradient of its scores by its input"):
        backends.find(Table(256, 3)).gradient(images, np.eye(3))


def test_autocast_is_respected_and_what_trains_inside_it_is_not_disturbed():
    def gradients(explained):
        model = cnn()
        with torch.autocast("cpu", torch.bfloat16):
            if explained:
                backend = backends.find(model)
                np.testing.assert_allclose(backend.scores(X), expected(model))
                assert np.abs(backend.scores(X) - scores32).max() > 0
                assert backend.gradient(X, np.eye(3)).any()
            model(torch.from_numpy(X)).sum().backward()
        return [each.grad for each in model.parameters()]

    scores32 = scores(cnn())
    for one, other in zip(gradients(False), gradients(True), strict=True):
        assert torch.equal(one, other)


def test_images_with_their_channels_last_reach_the_model_with_them_first():
    methods = (Occlusion(2, 1), Saliency(precision="float32"))
    color = noise(3, 3, 8, 6)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(96, 3))
    results = [
        explain(model, Probe("p", images, labels=[0, 1, 2], data_format=layout), *methods)
        for images, layout in (
            (color, "channels_first"),
            (np.moveaxis(color, 1, -1), "channels_last"),
        )
    ]
    for one, other in zip(results[0].images, results[1].images, strict=True):
        np.testing.assert_array_equal(one.scores.values, other.scores.values)
        grids = [each.attributions[0][0].grid.values for each in (one, other)]
        np.testing.assert_array_equal(*grids)
        for target in one.scores.targets:
            planes = [each.attributions[1][1].decode(target) for each in (one, other)]
            np.testing.assert_array_equal(*planes)
    # What preprocess makes is given as it is.
    probe = Probe("p", np.moveaxis(color, 1, -1), preprocess=lambda x: x.transpose(0, 3, 1, 2))
    again = explain(model, probe, Saliency(precision="float32"))
    for one, other in zip(results[0].images, again.images, strict=True):
        np.testing.assert_array_equal(one.scores.values, other.scores.values)


def test_a_preprocess_in_pytorch_is_differentiated_through():
    def preprocess(x):
        x = torch.as_tensor(x, dtype=torch.float32).flip(-1).transpose(-1, -2)
        return nn.functional.interpolate(x, size=(6, 6), mode="bilinear")

    images = noise(2, 1, 12, 8)
    probe = Probe("p", images, data_format="channels_first", preprocess=preprocess)
    result = explain(cnn(), probe, Saliency(precision="float32"))
    x = torch.from_numpy(images).requires_grad_()
    head = result.images[0].scores.targets[0]
    odds(cnn())(preprocess(x))[0, head].backward()
    np.testing.assert_allclose(
        stored(result)[1].decode(head), x.grad[0, 0].abs().numpy(), atol=1e-6
    )


def twin(model):
    """The same network in Keras."""
    made = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    dense = state["5.weight"].reshape(3, 4, 4, 4).transpose(2, 3, 1, 0).reshape(64, 3)
    made.set_weights(
        [
            state["0.weight"].transpose(2, 3, 1, 0),
            state["0.bias"],
            *(state[f"2.{name}"] for name in ("weight", "bias", "running_mean", "running_var")),
            dense,
            state["5.bias"],
        ]
    )
    return made


def test_the_same_weights_in_keras_give_the_same_numbers():
    model = cnn()
    methods = (Occlusion(2, 1), Saliency(signed=True, precision="float32"))
    ours = explain(model, Probe("p", X, **OPTIONS), *methods)
    theirs = explain(twin(model), Probe("p", np.moveaxis(X, 1, -1), labels=[0, 1, 2]), *methods)
    assert ours.output is theirs.output is Output.LOGITS
    for one, other in zip(ours.images, theirs.images, strict=True):
        assert one.scores.targets == other.scores.targets
        _same(one.scores.values, other.scores.values)
        _same(*(each.attributions[0][0].grid.values for each in (one, other)))
        for target in one.scores.targets:
            _same(*(each.attributions[1][1].decode(target) for each in (one, other)))


def _same(one, other):
    assert np.abs(one - other).max() <= 1e-5 * np.ptp(other)


def test_maps_are_captums_where_the_definitions_are_the_same():
    from captum.attr import Occlusion as Theirs
    from captum.attr import Saliency as Gradient

    model = cnn()
    probe = Probe("p", X, **OPTIONS)
    # 4-pixel windows every 2 cover 6 pixels with none pulled in, as Captum's are not.
    result = explain(model, probe, Occlusion(4, 2, fill=0.25), Saliency(precision="float32"))
    x = torch.from_numpy(X)
    for index in range(3):
        grid = stored(result, index)[0].grid
        for target in result.images[index].scores.targets:
            theirs = Theirs(odds(model)).attribute(
                x[index : index + 1], (1, 4, 4), (1, 2, 2), baselines=0.25, target=target
            )
            column = list(grid.classes).index(target)
            importance = maps.importance(grid.values[:, :, column], grid.whole[column])
            painted = maps.paint(importance, grid.tops, grid.lefts, grid.window, (6, 6))
            np.testing.assert_allclose(painted, theirs[0, 0].detach(), atol=1e-6)
            theirs = Gradient(odds(model)).attribute(x[index : index + 1], target=target)
            found = stored(result, index, 1)[1].decode(target)
            np.testing.assert_allclose(found, theirs[0, 0].detach(), atol=1e-6)


@pytest.mark.parametrize("score", ["log-odds", "logit"])
def test_integrated_gradients_are_captums(score):
    from captum.attr import IntegratedGradients as Theirs

    model = cnn()
    ours = IntegratedGradients(0.25, 20, score=score, precision="float32")
    result = explain(model, Probe("p", X, **OPTIONS), ours)
    forward = odds(model) if score == "log-odds" else copy.deepcopy(model).eval()
    for index in range(3):
        x = torch.from_numpy(X[index : index + 1])
        worst = 0.0
        for target in result.images[index].scores.targets:
            theirs, missed = Theirs(forward).attribute(
                x, 0.25, target=target, n_steps=20, return_convergence_delta=True
            )
            worst = max(worst, abs(missed.item()))
            found = stored(result, index)[1].decode(target)
            np.testing.assert_allclose(found, theirs[0, 0].detach(), atol=1e-6)
        text = stored(result, index)[0].parameters["completeness error"]
        assert float(text.split(" ")[0]) == pytest.approx(worst, rel=0.06, abs=1e-6)


@pytest.mark.parametrize("images", [0, 2])
def test_smoothgrad_and_vargrad_are_captums_with_the_same_noise(images, monkeypatch):
    from captum.attr import NoiseTunnel
    from captum.attr import Saliency as Gradient

    model, count = cnn(), 7
    probe, x = Probe("p", X, **OPTIONS), torch.from_numpy(X[images : images + 1])
    some = [
        SmoothGrad(count, 0.3, signed=True, seed=5, precision="float32"),
        VarGrad(count, 0.3, seed=5, precision="float32"),
    ]
    result = explain(model, probe, *some)
    sigma = 0.3 * float(np.ptp(X[images]))
    # Captum takes no draw of another's: it is handed ours where it asks PyTorch for one.
    drawn = np.random.default_rng([5, *probe.hashes[images]]).standard_normal((count, 1, 6, 6))
    unit = torch.from_numpy(drawn).float()
    monkeypatch.setattr(torch, "normal", lambda mean, std: mean + std * unit)
    for at, (kind, scale) in enumerate((("smoothgrad", 1), ("vargrad", count / (count - 1)))):
        for target in result.images[images].scores.targets:
            theirs = NoiseTunnel(Gradient(odds(model))).attribute(
                x, kind, nt_samples=count, stdevs=sigma, target=target, abs=False
            )
            found = stored(result, images, at)[1].decode(target)
            np.testing.assert_allclose(found, scale * theirs[0, 0].detach(), atol=1e-6)


def test_smoothgrad_is_captums_but_for_the_draw():
    from captum.attr import NoiseTunnel
    from captum.attr import Saliency as Gradient

    model, x = cnn(), torch.from_numpy(X[:1])
    sigma = 0.3 * float(np.ptp(X[0]))
    some = [made(2000, 0.3, precision="float32") for made in (SmoothGrad, VarGrad)]
    result = explain(model, Probe("p", X, **OPTIONS), *some)
    torch.manual_seed(0)
    for at, kind in enumerate(("smoothgrad", "vargrad")):
        for target in result.images[0].scores.targets:
            theirs = NoiseTunnel(Gradient(odds(model))).attribute(
                x, kind, nt_samples=2000, stdevs=sigma, target=target, abs=False
            )
            found = stored(result, 0, at)[1].decode(target)
            expected = theirs[0, 0].detach().abs().numpy()
            assert np.abs(found - expected).max() < 0.12 * expected.max()


@pytest.mark.parametrize("images", ["channels first", "channels last", "preprocessed"])
def test_grad_cam_is_captums(images):
    from captum.attr import LayerAttribution, LayerGradCam

    model = cnn(inplace=True)
    given = {
        "channels first": (X, OPTIONS),
        "channels last": (np.moveaxis(X, 1, -1), {"labels": [0, 1, 2]}),
        "preprocessed": (
            np.moveaxis(X, 1, -1),
            {"labels": [0, 1, 2], "preprocess": lambda x: np.moveaxis(x, -1, 1)},
        ),
    }
    made, options = given[images]
    result = explain(model, Probe("p", made, **options), GradCAM(precision="float32"))
    twin = copy.deepcopy(model).eval()
    twin[1] = nn.ReLU()
    for index in range(3):
        attribution, planes = stored(result, index)
        assert attribution.layer == "3"  # the dropout, which does nothing
        for target in result.images[index].scores.targets:
            theirs = LayerGradCam(log_odds(twin), twin[3]).attribute(
                torch.from_numpy(X[index : index + 1]), target, relu_attributions=True
            )
            theirs = LayerAttribution.interpolate(theirs, (6, 6), "bilinear")
            np.testing.assert_allclose(
                planes.decode(target), theirs[0, 0].detach(), rtol=1e-4, atol=1e-7
            )


def test_a_lazy_module_is_not_initialized_by_being_explained():
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(3))
    with pytest.raises(UnsupportedError, match=r"Sequential has lazy layers.*call it on a batch"):
        scores(model)
    assert model[1].has_uninitialized_params()
    model(torch.from_numpy(X))
    assert scores(model).shape == (3, 3)


def test_memory_that_runs_out_is_known_as_such():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 46)
    assert backends.base.out_of_memory(caught.value)
    assert backends.base.out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not backends.base.out_of_memory(RuntimeError("shapes differ"))
