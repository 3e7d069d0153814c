import keras
import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import Occlusion, Probe, Saliency, backends
from tensorboard_picasso.summary.backends import UnsupportedError
from tests.kit.explained import explain, noise, stored

X = noise(3, 6, 6, 1)


def cnn(activation="softmax", dtype=None):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(4, 3, activation="relu", name="conv", dtype=dtype),
            keras.layers.BatchNormalization(dtype=dtype),
            keras.layers.Dropout(0.5, dtype=dtype),
            keras.layers.Flatten(dtype=dtype),
            keras.layers.Dense(3, activation=activation, name="head", dtype=dtype),
        ]
    )


class Subclassed(keras.Model):
    """Behaves differently in training, and has no symbolic inputs."""

    def __init__(self):
        super().__init__()
        self.inner = cnn()

    def call(self, x, training=False):
        return self.inner(x, training=training) + (100.0 if training else 0.0)


class Module(tf.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    @tf.function
    def __call__(self, x, training=True):
        return self.inner(x, training=training) + (100.0 if training else 0.0)


def scores(model, x=X, look_behind=True):
    return backends.find(model, look_behind).scores(x)


def expected(activation=None):
    return np.asarray(cnn(activation)(X, training=False))


def functional():
    inner = cnn()
    inputs = keras.Input((6, 6, 1))
    return keras.Model(inputs, {"classes": inner(inputs)})


def saved(tmp_path, **options):
    inner = cnn()
    module = tf.Module()
    module.inner = inner
    spec = tf.TensorSpec([None, 6, 6, 1])
    module.__call__ = tf.function(lambda x: inner(x, training=False), input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "saved"), **options)
    return tf.saved_model.load(str(tmp_path / "saved"))


def exported(tmp_path):
    cnn().export(str(tmp_path / "exported"), verbose=False)
    return tf.saved_model.load(str(tmp_path / "exported"))


@pytest.mark.parametrize("look_behind", [True, False])
@pytest.mark.parametrize(
    "make", [cnn, functional, Subclassed, lambda: Module(cnn()), lambda: tf.function(cnn())]
)
def test_scores_are_those_of_inference(make, look_behind):
    model = make()
    found = scores(model, look_behind=look_behind)
    if found.min() < 0:  # looked behind the softmax
        assert look_behind
        found = np.asarray(tf.nn.softmax(found))
    np.testing.assert_allclose(found, expected("softmax"), atol=1e-6)


@pytest.mark.parametrize("make", [saved, exported])
def test_saved_models_and_their_signatures(make, tmp_path):
    loaded = make(tmp_path)
    np.testing.assert_allclose(scores(loaded), expected("softmax"), atol=1e-6)
    result = explain(loaded, Probe("p", X), Occlusion(), Saliency())
    assert result.output is Output.PROBABILITIES


def test_a_signature_itself_is_a_model(tmp_path):
    loaded = exported(tmp_path)
    signature = loaded.signatures["serving_default"]
    np.testing.assert_allclose(scores(signature), expected("softmax"), atol=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        cnn("softmax"),
        functional(),
        tf.function(lambda x: tf.nn.softmax(tf.reshape(x, (-1, 36))[:, :3])),
        lambda x: tf.cast(tf.identity(tf.nn.softmax(tf.reshape(x, (-1, 36))[:, :3])), tf.float64),
    ],
)
def test_a_final_softmax_is_looked_behind(model):
    backend = backends.find(model)
    found = backend.scores(X)
    assert (backend.shown, backend.behind) == (Output.LOGITS, True)
    output = model(X)
    output = output["classes"] if isinstance(output, dict) else output
    np.testing.assert_allclose(tf.nn.softmax(found), output, atol=1e-6)
    plain = backends.find(model, look_behind=False)
    np.testing.assert_allclose(plain.scores(X), output, atol=1e-6)
    assert not plain.behind


def test_a_model_with_a_softmax_and_its_logits_give_the_same_record():
    methods = (Occlusion(2, 1), Saliency(precision="float32"))
    region = np.zeros((6, 6), bool)
    region[:2] = True
    images = []
    for activation in ("softmax", None):
        probe = Probe("p", X, labels=[0, 1, 2], regions={"top": region})
        images.append(explain(cnn(activation), probe, *methods).images)
    for one, other in zip(*images, strict=True):
        assert one.scores.output is other.scores.output is Output.LOGITS
        np.testing.assert_allclose(one.scores.values, other.scores.values, atol=1e-6)
        np.testing.assert_allclose(
            one.scores.hidden[0].values, other.scores.hidden[0].values, atol=1e-6
        )
        grids = [each.attributions[0][0].grid.values for each in (one, other)]
        np.testing.assert_allclose(*grids, atol=1e-6)
        for target in one.scores.targets:
            planes = [each.attributions[1][1].decode(target) for each in (one, other)]
            np.testing.assert_allclose(*planes, atol=1e-6)


def test_a_final_sigmoid_is_looked_behind_and_recorded():
    result = explain(cnn("sigmoid"), Probe("p", X, labels=[0, 1, 2]), Saliency())
    assert result.output is Output.SIGMOID
    np.testing.assert_allclose(result.images[1].scores.values, expected()[1], atol=1e-5)


def test_a_yes_or_no_model_has_two_classes():
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    )
    result = explain(model, Probe("p", X, labels=[0, 1, 1]), Occlusion(), Saliency())
    probability = float(np.asarray(model(X))[1, 0])
    values = result.images[1].scores.values
    assert values[0] == -values[1]
    assert 1 / (1 + np.exp(-values[1])) == pytest.approx(probability, abs=1e-6)


def test_raw_takes_the_models_own_output():
    result = explain(cnn("softmax"), Probe("p", X, output="raw"))
    np.testing.assert_allclose(
        [each.scores.values for each in result.images], expected("softmax"), atol=1e-6
    )


def test_nothing_of_the_model_or_of_the_random_state_changes():
    model = Subclassed()
    keras.utils.set_random_seed(7)
    model(X, training=True)
    before = [each.numpy().copy() for each in model.variables]
    states = [np.random.get_state()[1].copy(), keras.random.uniform((3,), seed=1)]
    calls = {layer: layer.call.__func__ for layer in model._flatten_layers()}
    probe = Probe("p", X, labels=[0, 1, 2])
    explain(model, probe, Occlusion(), Saliency(), Saliency(layer="conv", label="conv"))
    for value, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    np.testing.assert_array_equal(states[0], np.random.get_state()[1])
    for layer, call in calls.items():
        assert "call" not in vars(layer)
        assert layer.call.__func__ is call


def test_random_numbers_of_training_stay_the_same():
    def draw(explained):
        keras.utils.set_random_seed(3)
        model = cnn()
        if explained:
            explain(model, Probe("p", X), Occlusion(), Saliency())
        return np.array(model(X, training=True)), tf.random.uniform((4,)).numpy()

    for one, other in zip(draw(False), draw(True), strict=True):
        np.testing.assert_array_equal(one, other)


def test_new_weights_are_seen_without_tracing_again():
    model = cnn()
    backend = backends.find(model)
    first = backend.scores(X)
    gradient = backend.gradient(X, np.eye(3))
    seconds = backend.tracing_seconds
    assert seconds > 0
    model.set_weights([each * 2 for each in model.get_weights()])
    assert np.abs(backend.scores(X) - first).max() > 1e-3
    assert np.abs(backend.gradient(X[:1], np.eye(3)[:1]) - gradient[:1]).max() > 1e-3
    backend.scores(X[:2])
    assert backend.tracing_seconds == seconds


def test_gradient_by_a_layer_in_a_nested_or_subclassed_model():
    weights = np.eye(3)
    for model in (functional(), Subclassed()):
        found = backends.find(model).gradient(X, weights, layer="conv")
        plain = backends.find(cnn()).gradient(X, weights, layer="conv")
        assert found.shape == (3, 4, 4, 4)
        assert found.any()
        if not isinstance(model, Subclassed):  # it hides its softmax behind an addition
            np.testing.assert_allclose(found, plain, atol=1e-6)


def test_wrong_layers_are_named():
    backend = backends.find(cnn())
    with pytest.raises(
        UnsupportedError, match=r"no layer 'cnov': the model ends in .*'conv', 'batch"
    ):
        backend.gradient(X, np.eye(3), layer="cnov")
    with pytest.raises(UnsupportedError, match="function is no Keras model"):
        backends.find(lambda x: x).gradient(X, np.eye(3), layer="conv")


def test_several_outputs_and_several_inputs_are_named():
    with pytest.raises(UnsupportedError, match="returns 2 outputs: pass pick="):
        scores(lambda x: (x, x))
    two = [keras.Input((3,)), keras.Input((3,))]
    with pytest.raises(UnsupportedError, match="takes 2 inputs"):
        scores(keras.Model(two, keras.layers.Add()(two)))


@pytest.mark.parametrize("policy", ["float16", "float64", "mixed_float16"])
def test_other_precisions(policy):
    model = cnn(dtype=policy)
    result = explain(model, Probe("p", X, labels=[0, 1, 2]), Occlusion(), Saliency())
    assert np.isfinite(result.images[0].scores.values).all()
    probabilities = [1 / (1 + np.exp(-each.scores.values)) for each in result.images]
    np.testing.assert_allclose(probabilities, np.asarray(model(X), np.float32), atol=0.01)
    assert stored(result, 0, 1)[1].planes[0].peak > 0


def test_a_module_of_doubles_gets_doubles():
    class Doubles(tf.Module):
        def __init__(self):
            super().__init__()
            self.weights = tf.Variable(noise(36, 3).astype(np.float64))

        def __call__(self, x):
            return tf.reshape(x, (-1, 36)) @ self.weights

    model = Doubles()
    found = backends.find(model).scores(X)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, X.reshape(3, -1) @ model.weights.numpy())


def test_integers_reach_a_model_that_scales_them():
    images = (X * 255).astype(np.uint8)
    dense = tf.constant(noise(36, 3))

    def model(x):
        return tf.reshape(tf.image.convert_image_dtype(x, tf.float32), (-1, 36)) @ dense

    found = explain(model, Probe("p", images), Occlusion())
    direct = images.reshape(3, -1) / 255 @ dense.numpy()
    np.testing.assert_allclose(
        [each.scores.values[0] - each.scores.values[1] for each in found.images],
        # Of three classes log-odds tell the ratio of two probabilities, too.
        [_difference(z) for z in direct],
        rtol=1e-4,
    )
    with pytest.raises(UnsupportedError, match="uint8, and there is no gradient by integers"):
        explain(model, Probe("p", images), Saliency())


def _difference(z):
    odds = [z[t] - np.log(np.exp(np.delete(z, t)).sum()) for t in range(3)]
    return odds[0] - odds[1]


def test_integers_are_cast_for_a_model_of_floats():
    images = (X * 3).astype(np.uint8)
    model = Subclassed()
    result = explain(model, Probe("p", images), Occlusion(), Saliency())
    direct = np.asarray(model(images.astype(np.float32), training=False))
    np.testing.assert_allclose(
        [1 / (1 + np.exp(-each.scores.values)) for each in result.images], direct, atol=1e-5
    )
    assert stored(result, 0, 1)[1].planes[0].peak > 0


def test_a_plain_functions_conditions_on_tensors_are_part_of_the_graph():
    def model(x):
        y = tf.reshape(x, (-1, 36))[:, :3]
        if tf.reduce_mean(y) > 0:
            return y * 2
        return y * 3

    np.testing.assert_allclose(scores(model), X.reshape(3, -1)[:, :3] * 2)


def test_an_unbuilt_model_gets_its_weights():
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    np.testing.assert_allclose(scores(model), np.asarray(model(X)), atol=1e-6)


def test_what_is_no_model_is_named():
    with pytest.raises(UnsupportedError, match="str is no model that can be explained"):
        backends.find("model")


def test_another_frameworks_models_are_left_alone():
    class Foreign:
        """A base class of another package."""

        def __call__(self, x):
            return x

    class Net(Foreign):
        pass

    assert backends.names(Net()) == ["function"]
    assert backends.names(Foreign()) == ["tensorflow", "function"]


def test_what_cannot_be_traced_says_so_in_one_line():
    x = np.zeros((2, 6), np.float32)
    with pytest.raises(UnsupportedError, match=r"with any batch size: .*no attribute 'numpy'"):
        backends.find(lambda x: x.numpy()).scores(x)
    fixed = tf.function(lambda x: x, input_signature=[tf.TensorSpec([1, 6])])
    with pytest.raises(UnsupportedError, match="takes batches of 1; give it a batch size of None"):
        backends.find(fixed)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        backends.find(exhausting).scores(x)


def exhausting(x):
    raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
