"""What is asked of a model beside one image and its class scores: answers known by hand."""

import functools
import re
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Output, Sign
from tensorboard_picasso.summary import (
    RISE,
    GradCAM,
    GradientTimesInput,
    IntegratedGradients,
    Occlusion,
    Probe,
    Saliency,
)
from tensorboard_picasso.summary.backends.base import Call, UnsupportedError
from tensorboard_picasso.summary.probe.outputs import OutputError
from tests.kit.explained import explain, noise, stored

jax = pytest.importorskip("jax")
keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")
torch = pytest.importorskip("torch")

X = noise(3, 6, 6, 1)
# Of a model with two inputs: image weights and those of the other three numbers.
W, V = noise(36, 2, seed=1) - 0.5, noise(3, 2, seed=2) - 0.5
OTHER = noise(3, 3, seed=3)
SIGNED = Saliency(signed=True, precision="float32")
METHODS = (
    Occlusion(2, 2, fill=0), SIGNED, GradientTimesInput(precision="float32"),
    IntegratedGradients(0, steps=4, precision="float32"), RISE(20, precision="float32"),
)  # fmt: skip


class TorchTwo(torch.nn.Module):
    def forward(self, other, image):
        flat = image.flatten(1) @ torch.tensor(W)
        # The other input switches the image on and off, so that it matters to every map.
        return other.sum(1, keepdim=True) * flat + other @ torch.tensor(V)


def jax_two(w, other, image):
    flat = image.reshape(len(image), -1) @ w
    return other.sum(1, keepdims=True) * flat + other @ V


class TensorFlowTwo(tf.Module):
    @tf.function
    def __call__(self, other, image):
        flat = tf.reshape(image, [-1, 36]) @ W
        return tf.reduce_sum(other, 1, keepdims=True) * flat + other @ V


def keras_two():
    other, image = keras.Input((3,), name="other"), keras.Input((6, 6, 1), name="image")
    flat = keras.layers.Dense(2, use_bias=False, name="flat")
    beside = keras.layers.Dense(2, use_bias=False, name="beside")
    summed = keras.layers.Dense(1, use_bias=False, name="summed")
    scaled = keras.layers.Multiply()([flat(keras.layers.Flatten()(image)), summed(other)])
    model = keras.Model([other, image], keras.layers.Add()([scaled, beside(other)]))
    flat.set_weights([W])
    beside.set_weights([V])
    summed.set_weights([np.ones((3, 1), np.float32)])
    return model


def numpy_two(other, image):
    flat = image.reshape(len(image), -1) @ W
    return other.sum(1, keepdims=True) * flat + other @ V


TWO = {
    "torch": (TorchTwo, {"data_format": "channels_first"}),
    "jax": (lambda: functools.partial(jax_two, jax.numpy.asarray(W)), {}),
    "tensorflow": (TensorFlowTwo, {}),
    "keras": (keras_two, {}),
    "function": (lambda: numpy_two, {}),
}


def images(options):
    return np.moveaxis(X, -1, 1) if options else X


@pytest.mark.parametrize("way", TWO)
@pytest.mark.parametrize(
    "inputs", [{"other": OTHER}, {"other": OTHER, "image": None}, (OTHER, None)]
)
def test_other_inputs_are_held_fixed_for_each_image(way, inputs):
    make, options = TWO[way]
    probe = Probe("p", images(options), inputs=inputs, output="raw", targets=[0, 1], **options)
    gradients = () if way == "function" else METHODS[1:4]
    result = explain(make(), probe, METHODS[0], METHODS[4], *gradients)
    for index in range(3):
        slopes = OTHER[index].sum() * W.reshape(6, 6, 2)
        value = (slopes * X[index]).sum((0, 1)) + OTHER[index] @ V
        np.testing.assert_allclose(result.images[index].scores.values, value, atol=1e-5)
        grid = stored(result, index)[0].grid
        hidden = (slopes * X[index]).reshape(3, 2, 3, 2, 2).sum((1, 3))
        np.testing.assert_allclose(grid.whole - grid.values, hidden, atol=1e-5)
        if not gradients:
            continue
        for method, expected in ((2, slopes), (3, slopes * X[index]), (4, slopes * X[index])):
            for target in (0, 1):
                found = stored(result, index, method)[1].decode(target)
                np.testing.assert_allclose(found, expected[..., target], atol=1e-5)


class Scaled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head = torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Linear(4, 2)

    def forward(self, x, factor):
        return factor[:, None] * self.head(self.conv(x).relu().mean((2, 3)))


def test_grad_cam_takes_each_images_own_inputs():
    options = {"data_format": "channels_first", "output": "raw", "targets": [0, 1]}
    method = GradCAM(precision="float32")
    found = [
        explain(Scaled(), Probe("p", images(options), inputs={"factor": each}, **options), method)
        for each in (np.ones(3), np.array([1.0, 2, 3]))
    ]
    for index, factor in enumerate((1, 2, 3)):
        for target in (0, 1):
            plain, scaled = (stored(each, index)[1].decode(target) for each in found)
            np.testing.assert_allclose(scaled, factor * plain, rtol=1e-5, atol=1e-7)
    assert stored(found[0])[0].layer == "conv"
    assert max(stored(found[0], at)[1].decode(target).max() for at in range(3) for target in (0, 1))


SEGMENT = noise(3, 3, seed=4) - 0.5 + 2 * np.eye(3, dtype=np.float32)
MASKS = noise(3, 6, 6, seed=5) > 0.5


class TorchDense(torch.nn.Module):
    """Classes are channels, and each pixel's score is of that pixel alone."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 3, 1, bias=False)
        self.layer.weight.data = torch.tensor(SEGMENT.T[..., None, None].copy())

    def forward(self, x):
        return self.layer(x)


def keras_dense():
    layer = keras.layers.Conv2D(3, 1, use_bias=False)
    model = keras.Sequential([keras.Input((6, 6, 3)), layer])
    layer.set_weights([SEGMENT[None, None]])
    return model


DENSE = {
    "torch": (TorchDense, {"data_format": "channels_first"}),
    "jax": (lambda: jax.jit(lambda x: x @ SEGMENT), {}),
    "tensorflow": (lambda: tf.function(lambda x: tf.einsum("nhwc,ck->nhwk", x, SEGMENT)), {}),
    "keras": (keras_dense, {}),
    "function": (lambda: lambda x: x @ SEGMENT, {}),
}
COLOUR = noise(3, 6, 6, 3, seed=6)


def dense_probe(way, **options):
    make, given = DENSE[way]
    pictures = np.moveaxis(COLOUR, -1, 1) if given else COLOUR
    return make(), Probe("p", pictures, targets=[0, 1, 2], **given, **options)


@pytest.mark.parametrize("way", DENSE)
def test_a_dense_score_is_the_mean_over_a_mask(way):
    model, probe = dense_probe(way, output="raw", mean_over=MASKS)
    gradients = () if way == "function" else METHODS[1:4]
    result = explain(model, probe, METHODS[0], METHODS[4], *gradients)
    assert result.images[0].scores.value_name == "mean value"
    for index in range(3):
        weights = MASKS[index] / MASKS[index].sum()
        slopes = weights[..., None, None] * SEGMENT
        parts = (slopes * COLOUR[index][..., None]).sum(2)
        np.testing.assert_allclose(result.images[index].scores.values, parts.sum((0, 1)), atol=1e-6)
        about = stored(result, index)[0]
        assert about.unit == about.score == "mean value"
        assert about.parameters["mean over"] == "a mask"
        hidden = parts.reshape(3, 2, 3, 2, 3).sum((1, 3))
        np.testing.assert_allclose(about.grid.whole - about.grid.values, hidden, atol=1e-6)
        if not gradients:
            continue
        for method, expected in ((2, slopes.sum(2)), (3, parts), (4, parts)):
            for target in (0, 1, 2):
                found = stored(result, index, method)[1].decode(target)
                np.testing.assert_allclose(found, expected[..., target], atol=1e-6)


def softmaxed(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def odds(image):
    p = softmaxed(image.astype(np.float64) @ SEGMENT)
    return np.log(p) - np.log1p(-p)


@pytest.mark.parametrize("way", DENSE)
def test_the_predicted_pixels_are_those_of_the_whole_image(way):
    model, probe = dense_probe(way, output="logits", mean_over="predicted")
    result = explain(model, probe, Occlusion(3, 3, fill=0))
    for index, image in enumerate(COLOUR):
        whole = odds(image)
        chosen = whole.argmax(-1)[..., None] == np.arange(3)
        assert chosen.any((0, 1)).sum() > 1
        grid = stored(result, index)[0].grid
        for column, top in enumerate((0, 3)):
            covered = image.copy()
            covered[top : top + 3, 3:] = 0
            # With what is hidden other pixels win; the mean is over those that won before.
            hidden = odds(covered)
            for target in range(3):
                if chosen[..., target].any():
                    expected = hidden[chosen[..., target]][:, target].mean()
                    np.testing.assert_allclose(grid.values[column, 1, target], expected, atol=1e-5)
        assert result.images[index].scores.output is Output.RAW
        assert result.images[index].scores.value_name == "mean log-odds"


def test_a_class_that_is_predicted_nowhere_has_no_score_and_no_map():
    def model(x):
        return x @ np.array([[1, 0, 0]] * 3, np.float32)

    probe = Probe("p", COLOUR, targets=[2], mean_over="predicted", output="logits", top_k=2)
    result = explain(model, probe, Occlusion(3, 3))
    scores = result.images[0].scores
    assert np.isfinite(scores.values).tolist() == [True, False, False]
    assert scores.targets == (2, 0)
    assert stored(result)[0].targets[0].statistics.nan == 36


def test_dense_log_odds_have_their_gradients():
    model, probe = dense_probe("torch", mean_over="predicted", output="logits")
    result = explain(model, probe, SIGNED)
    image, h = COLOUR[0].astype(np.float64), 1e-5
    chosen = odds(image).argmax(-1)
    for target in set(chosen.ravel().tolist()):
        slope = (odds(image + h)[..., target] - odds(image - h)[..., target]) / (2 * h)
        where = chosen == target
        expected = np.where(where, slope / where.sum(), 0)
        np.testing.assert_allclose(stored(result)[1].decode(target), expected, atol=1e-6)


def test_a_final_softmax_over_pixels_is_looked_behind():
    def build(*ends):
        last = torch.nn.Sequential(TorchDense(), *ends)
        probe = dense_probe("torch", mean_over="all")[1]
        return explain(last, probe, Occlusion(3, 3), SIGNED)

    plain, soft = build(), build(torch.nn.Softmax(1))
    for index in range(3):
        np.testing.assert_array_equal(
            soft.images[index].scores.values, plain.images[index].scores.values
        )
        assert stored(soft, index, 1)[1] == stored(plain, index, 1)[1]


def test_one_score_a_pixel_is_of_two_classes():
    model = torch.nn.Sequential(TorchDense(), torch.nn.Conv2d(3, 1, 1))
    options = {"data_format": "channels_first", "targets": [0, 1], "output": "logits"}
    probe = Probe("p", np.moveaxis(COLOUR, -1, 1), mean_over="all", **options)
    values = explain(model, probe, SIGNED).images[0].scores.values
    assert values[0] == -values[1] != 0


class TorchHeads(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = torch.nn.Linear(36, 2), torch.nn.Linear(36, 3)
        self.end = torch.nn.Softmax(1)

    def forward(self, x):
        return {"one": self.end(self.one(x.flatten(1))), "two": self.end(self.two(x.flatten(1)))}


def keras_heads():
    torch.manual_seed(0)
    given = TorchHeads()
    image = keras.Input((6, 6, 1))
    flat = keras.layers.Flatten()(image)
    heads = {
        name: keras.layers.Dense(n, "softmax", name=name) for name, n in (("one", 2), ("two", 3))
    }
    model = keras.Model(image, {name: head(flat) for name, head in heads.items()})
    for name, head in heads.items():
        layer = getattr(given, name)
        head.set_weights([layer.weight.detach().numpy().T, layer.bias.detach().numpy()])
    return model


def torch_heads():
    torch.manual_seed(0)
    return TorchHeads()


def jax_heads():
    given = {
        name: jax.numpy.asarray(each.numpy()) for name, each in torch_heads().state_dict().items()
    }

    def model(given, x):
        flat = x.reshape(len(x), -1)
        heads = {
            name: flat @ given[f"{name}.weight"].T + given[f"{name}.bias"]
            for name in ("one", "two")
        }
        return {name: jax.nn.softmax(head) for name, head in heads.items()}

    return functools.partial(model, given)


def test_the_output_that_is_picked_is_explained_and_looked_behind():
    ways = {"torch": torch_heads, "keras": keras_heads, "jax": jax_heads}
    found = {}
    for way, make in ways.items():
        options = TWO[way][1]
        probe = Probe("p", images(options), pick="one", targets=[0, 1], **options)
        result = explain(make(), probe, Occlusion(2, 2), SIGNED)
        assert result.output is Output.LOGITS
        found[way] = result.images[0].scores.values, stored(result, 0, 1)[1].decode(1)
    for way in ("keras", "jax"):
        np.testing.assert_allclose(found[way][0], found["torch"][0], atol=1e-5)
        np.testing.assert_allclose(found[way][1], found["torch"][1], atol=1e-5)


LINEAR = noise(36, 3, seed=7) - 0.5
RAW = {
    "torch": lambda: torch.nn.Sequential(torch.nn.Flatten(), _torch_linear()),
    "jax": lambda: functools.partial(
        lambda w, x: x.reshape(len(x), -1) @ w, jax.numpy.asarray(LINEAR)
    ),
    "tensorflow": lambda: tf.function(lambda x: tf.reshape(x, [-1, 36]) @ LINEAR),
    "keras": lambda: _keras_linear(),
    "function": lambda: lambda x: x.reshape(len(x), -1) @ LINEAR,
}


def _torch_linear():
    layer = torch.nn.Linear(36, 3, bias=False)
    layer.weight.data = torch.tensor(LINEAR.T.copy())
    return layer


def _keras_linear():
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(3, use_bias=False)]
    )
    model.set_weights([LINEAR])
    return model


@pytest.mark.parametrize("way", RAW)
def test_a_score_function_that_is_a_raw_output_changes_nothing_but_the_name(way):
    model, options = RAW[way](), TWO[way][1]
    methods = METHODS if way != "function" else (METHODS[0], METHODS[4])
    plain, scored = (
        explain(model, Probe("p", images(options), targets=[0, 1, 2], **options, **more), *methods)
        for more in ({"output": "raw"}, {"score": lambda outputs: outputs})
    )
    for index in range(3):
        a, b = plain.images[index].scores, scored.images[index].scores
        assert (a.value_name, b.value_name) == ("", "score")
        np.testing.assert_array_equal(a.values, b.values)
        for method in range(len(methods)):
            before, after = stored(plain, index, method), stored(scored, index, method)
            assert before[1] == after[1]
            assert (before[0].score, after[0].score) == ("value", "score")
            assert before[0].targets == after[0].targets


@pytest.mark.parametrize("way", RAW)
def test_a_score_gets_what_belongs_to_the_image(way):
    weights = np.eye(3, dtype=np.float32)

    def score(outputs, weights):
        return (outputs * weights).sum(-1)

    def of_tensorflow(outputs, weights):
        return tf.reduce_sum(outputs * weights, -1)

    model, options = RAW[way](), TWO[way][1]
    function = of_tensorflow if way in ("tensorflow", "keras") else score
    probe = Probe(
        "p", images(options), score=function, score_inputs={"weights": weights},
        class_names=["chosen"], targets=[0], **options,
    )  # fmt: skip
    methods = (METHODS[0], SIGNED) if way != "function" else (METHODS[0],)
    result = explain(model, probe, *methods)
    for index in range(3):
        value = X[index].ravel() @ LINEAR[:, index]
        np.testing.assert_allclose(result.images[index].scores.values, [value], atol=1e-5)
        if len(methods) > 1:
            found = stored(result, index, 1)[1].decode(0)
            np.testing.assert_allclose(found.ravel(), LINEAR[:, index], atol=1e-6)
            assert stored(result, index, 1)[0].sign is Sign.DIRECTION


def test_a_score_may_be_said_to_be_logits():
    model = RAW["torch"]()
    options = TWO["torch"][1]
    results = [
        explain(model, Probe("p", images(options), targets=[0], **options, **more), SIGNED)
        for more in ({}, {"score": lambda outputs: outputs, "output": "logits"})
    ]
    np.testing.assert_array_equal(*(each.images[0].scores.values for each in results))
    assert results[1].images[0].scores.output is Output.LOGITS


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"inputs": {"a": OTHER[:2]}}, r"inputs 'a' has shape \(2, 3\) for 3 images: pass one row"),
        ({"inputs": [OTHER]}, "0 None: one stands for the image"),
        ({"inputs": [None]}, "nothing beside the image"),
        ({"inputs": {}}, "nothing beside the image"),
        ({"inputs": OTHER}, "inputs=ndarray: pass"),
        ({"inputs": {"a": ["x"] * 3}}, "pass numbers"),
        ({"pick": 1.5}, "pick=1.5: pass"),
        ({"score": 3}, "score=3: pass a function"),
        ({"score_inputs": {"a": OTHER}}, "without score="),
        ({"score": abs, "score_inputs": OTHER}, "pass {name: values"),
        ({"score": abs, "decode_prob": abs}, "score= has none"),
        ({"mean_over": "best"}, "mean_over='best': pass 'predicted'"),
        ({"mean_over": np.zeros((2, 6, 6))}, r"shape \(2, 6, 6\) for 3 images"),
        ({"mean_over": np.zeros((6, 6))}, "empty for image 0"),
        ({"mean_over": np.full((6, 6), 0.5)}, "beside 0 and 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_where_it_enters(options, match):
    with pytest.raises((TypeError, ValueError), match=match):
        Probe("p", X, **options)


def test_inputs_cannot_follow_a_draw():
    with pytest.raises(ValueError, match="cannot follow the images that are drawn"):
        Probe.from_dataset([(X, [0, 1, 2])], inputs={"a": OTHER})


@pytest.mark.parametrize(
    ("model", "options", "match"),
    [
        (keras_two, {}, r"takes 2 inputs \(other, image\): give the probe inputs="),
        (keras_two, {"inputs": {"age": OTHER}}, "inputs= has age, and Functional takes other, image"),
        (RAW["keras"], {"inputs": {"age": OTHER}}, "takes 1 input "),
        (TorchTwo, {"inputs": {"age": OTHER}}, "TorchTwo has no arguments age"),
        (TorchTwo, {}, r"TorchTwo takes 2 inputs \(other, image\): give the probe inputs="),
        (lambda: numpy_two, {}, r"numpy_two takes 2 inputs \(other, image\)"),
        (torch_heads, {}, "returns 2 outputs: pass pick="),
        (torch_heads, {"pick": "three"}, "returns outputs 'one', 'two'"),
        (RAW["torch"], {"pick": 0}, "returns one output"),
        (RAW["torch"], {"score": lambda outputs: 3}, "score= returns int: return scores"),
        (RAW["torch"], {"score": lambda outputs: outputs.sum()}, "score= returns one number"),
        (RAW["torch"], {"score": lambda outputs: outputs[:, 0].detach(), "targets": [0]}, "no gradient"),
        (RAW["torch"], {"score": lambda outputs: outputs[..., None]}, r"score= returns \(3, 3, 1\)"),
        (RAW["torch"], {"mean_over": "all"}, "leave it out"),
        (DENSE["function"][0], {}, "pass mean_over="),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_model_is_said_at_the_first_call(model, options, match):
    pictures = COLOUR if model is DENSE["function"][0] else X
    with pytest.raises((UnsupportedError, OutputError), match=match):
        explain(model(), Probe("p", pictures, **options), SIGNED)


def test_masks_are_of_the_outputs_size_and_raw_outputs_predict_nothing():
    model, probe = dense_probe("torch", mean_over=np.ones((3, 3)), output="raw")
    with pytest.raises(OutputError, match=r"mean_over is \(3, 3\), the model's output \(6, 6\)"):
        explain(model, probe)
    model, probe = dense_probe("torch", mean_over="predicted", output="raw")
    with pytest.raises(OutputError, match="predict no class"):
        explain(model, probe)


class Patients(torch.nn.Module):
    def forward(self, scan, age, sex):
        return scan.mean((1, 2, 3))[:, None] * torch.stack([age, -sex], 1)


def test_the_documented_lines_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    section = text[text.index("## Tasks") : text.index("## Keras on")]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 4
    known = {
        "summary": summary, "scans": np.moveaxis(X, -1, 1), "labels": [0, 1, 0],
        "ages": noise(3), "sexes": noise(3, seed=1), "model": Patients(), "images": COLOUR,
        "points": noise(3, 2),
    }  # fmt: skip
    for block in blocks:
        several = '"scenes"' in block
        known["names"] = ["beach", "boat"] if several else ["road", "sky", "tree"]
        exec(
            compile(
                block.replace("scans,", 'scans, data_format="channels_first",'), "models.md", "exec"
            ),
            known,
        )
        if several:
            assert [known["probe"].truths_of(each) for each in range(3)] == [(0, 1), (), (1,)]
    hands = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(108, 8), torch.nn.Unflatten(1, (4, 2))
    )

    class Named(torch.nn.Module):
        def forward(self, x):
            return {"keypoints": hands(x)}

    result = explain(Named(), known["probe"], SIGNED)
    assert result.images[0].scores.value_name == "score"
    assert np.abs(stored(result)[1].decode(0)).max() > 0


@pytest.mark.parametrize(
    ("function", "call", "expected"),
    [
        (lambda x, age: (x, age), Call(("age",), 1), ("image", 7)),
        (lambda age, x: (x, age), Call(("age",), 1), ("image", 7)),
        (lambda age, *, x: (x, age), Call(("age",), 1), ("image", 7)),
        (lambda x, /, age: (x, age), Call(("age",), 1), ("image", 7)),
        (lambda *xs, **named: (*xs, *named.items()), Call(("age",), 1), ("image", ("age", 7))),
        (functools.partial(lambda x, w, age: (x, w, age), w=2), Call(("age",), 1), ("image", 2, 7)),
        (functools.partial(lambda w, x, age: (w, x, age), 2), Call(("age",), 1), (2, "image", 7)),
        (lambda a=0, scan=0, age=0: (scan, age), Call(("age",), 1, "scan"), ("image", 7)),
        (lambda given: given, Call(("age",), 1, "scan"), {"scan": "image", "age": 7}),
        (lambda given: given, Call(image="scan"), {"scan": "image"}),
        (lambda given, **more: given, Call(image="scan"), {"scan": "image"}),
        (lambda ids=0, scan=0: (ids, scan), Call(image="scan"), (0, "image")),
        (lambda ids=0, **more: (ids, more), Call(image="scan"), (0, {"scan": "image"})),
        (lambda *, scan, age=0: (scan, age), Call(), ("image", 0)),
        (lambda given, training=None: given, Call((), 1, 1), [7, "image"]),
        (lambda a, b, training=None: (a, b), Call((), 1, 0), ("image", 7)),
        (lambda *both: both, Call((), 1, 1), (7, "image")),
    ],
)
def test_the_image_finds_its_place_among_the_inputs(function, call, expected):
    assert call.outputs(function, function, "image", [7]) == expected


@pytest.mark.parametrize(
    ("function", "call", "message"),
    [
        (lambda scan, age: 0, Call(image="scan"), r"takes 2 inputs \(scan, age\)"),
        (lambda given: given["slice"], Call(image="scan"), "asks for 'slice', .* 'scan': name it"),
    ],
)
def test_what_the_image_is_no_name_for_is_said(function, call, message):
    with pytest.raises(UnsupportedError, match=message):
        call.outputs(function, function, np.zeros((1, 2)), [7])


class TorchDict(torch.nn.Module):
    def forward(self, given):
        return given["image"].flatten(1) @ torch.tensor(W)


class TensorFlowDict(tf.Module):
    @tf.function
    def __call__(self, given):
        return tf.reshape(given["image"], [-1, 36]) @ W


class KerasDict(keras.Model):
    def call(self, given):
        return keras.ops.reshape(given["image"], (-1, 36)) @ W


def keras_named():
    image = keras.Input((6, 6, 1), name="image")
    dense = keras.layers.Dense(2, use_bias=False)
    model = keras.Model({"image": image}, dense(keras.layers.Flatten()(image)))
    dense.set_weights([W])
    return model


ONE_DICT = {
    "torch": (TorchDict, {"data_format": "channels_first"}),
    "jax": (lambda: functools.partial(lambda w, given: given["image"].reshape(-1, 36) @ w, jax.numpy.asarray(W)), {}),
    "tensorflow": (TensorFlowDict, {}),
    "keras": (KerasDict, {}),
    "functional": (keras_named, {}),
    "function": (lambda: lambda given: given["image"].reshape(-1, 36) @ W, {}),
}  # fmt: skip


@pytest.mark.parametrize("way", ONE_DICT)
def test_one_dict_is_given_what_names_the_image(way):
    make, options = ONE_DICT[way]
    options = {**options, "output": "raw", "targets": [0, 1]}
    probe = Probe("p", images(way == "torch"), inputs={"image": None}, **options)
    gradients = () if way == "function" else (SIGNED,)
    result = explain(make(), probe, METHODS[0], *gradients)
    for index in range(3):
        value = X[index].ravel() @ W
        np.testing.assert_allclose(result.images[index].scores.values, value, atol=1e-5)
        if gradients:
            found = stored(result, index, 1)[1].decode(1)
            np.testing.assert_allclose(found, W[:, 1].reshape(6, 6), atol=1e-5)
    if way != "functional":
        unnamed = Probe("p", images(way == "torch"), **options)
        with pytest.raises(
            UnsupportedError, match=r"takes a dict with 'image': .*\{'image': None\}"
        ):
            explain(make(), unnamed)


def test_outputs_may_be_a_named_tuple():
    Pair = namedtuple("Pair", "boxes classes")
    for pick in ("classes", 1):
        assert Call(pick=pick).scored(Pair(1, 2), "m", []) == 2
