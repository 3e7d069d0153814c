"""JAX's functions and Flax nnx modules: what is computed, and that nothing else changes."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.nn import softmax
from PIL import Image

from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import GradCAM, Occlusion, Probe, Saliency, backends
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.methods._places import Layers
from tests.kit.explained import explain, noise, stored

X = noise(3, 6, 6, 1)
WEIGHTS = noise(36, 3, seed=1) - 0.5


def linear(params, x):
    return x.reshape(len(x), -1) @ params["w"] + params["b"]


def params(scale=1.0):
    return {"w": jnp.asarray(WEIGHTS) * scale, "b": jnp.zeros(3)}


class Net(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.conv = nnx.Conv(1, 4, (3, 3), padding="VALID", rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.norm.mean[...] += 0.2
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Linear(64, 3, rngs=rngs)

    def __call__(self, x):
        x = self.dropout(self.norm(nnx.relu(self.conv(x))))
        return self.head(x.reshape(len(x), -1))


def everything(model):
    return jax.tree.map(
        np.asarray, jax.tree.leaves(nnx.to_pure_dict(nnx.state(model, nnx.Not(nnx.RngKey))))
    )


def flags(model):
    return [
        (path, each.deterministic if isinstance(each, nnx.Dropout) else each.use_running_average)
        for path, each in nnx.iter_modules(model)
        if isinstance(each, nnx.Dropout | nnx.BatchNorm)
    ]


def test_a_partial_is_a_function_with_its_parameters():
    backend = backends.find(functools.partial(linear, params()))
    np.testing.assert_allclose(backend.scores(X), X.reshape(3, -1) @ WEIGHTS, atol=1e-5)
    found = backend.gradient(X, np.eye(3))
    np.testing.assert_allclose(found, WEIGHTS.T.reshape(X.shape), atol=1e-6)
    assert backend.name == "jax"


def test_a_module_is_run_in_inference_mode_and_left_as_it_was():
    model = Net()
    reference = nnx.clone(model)
    reference.eval()
    expected = np.asarray(reference(jnp.asarray(X)))
    model.dropout.eval()
    before, modes = everything(model), flags(model)
    backend = backends.find(model)
    np.testing.assert_allclose(backend.scores(X), expected, atol=1e-6)
    backend.gradient(X, np.eye(3))
    backend.gradient(X, np.eye(3), layer="conv")
    assert flags(model) == modes
    for one, other in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_module_is_explained_as_it_is_now():
    model = Net()
    backend = backends.find(model)
    first = backend.scores(X)
    model.head.bias[...] += 1.0
    model.eval()
    spent = backend.tracing_seconds
    np.testing.assert_allclose(backend.scores(X), first + 1, atol=1e-5)
    assert backend.tracing_seconds == spent


def test_a_partial_made_anew_at_each_step_is_compiled_once_a_shape():
    traced = []

    def counted(params, x, scale):
        traced.append(x.shape)
        return scale * linear(params, x)

    probe = Probe("p", X, labels=[0, 1, 2])
    for step in range(3):
        model = functools.partial(counted, params(1 + step), scale=2.0)
        result = explain(model, probe, Occlusion(2, 1), Saliency())
        np.testing.assert_allclose(
            backends.find(model).scores(X), 2 * (1 + step) * X.reshape(3, -1) @ WEIGHTS, rtol=1e-4
        )
        if step == 0:
            once = len(traced)
    assert len(traced) == once
    assert result.output is Output.LOGITS


def test_what_a_partial_binds_beside_arrays_is_told_apart():
    def model(scale, params, x):
        return scale * linear(params, x)

    one, two = (backends.find(functools.partial(model, each, params())) for each in (1, 2))
    np.testing.assert_allclose(2 * one.scores(X), two.scores(X), rtol=1e-6)


def test_batches_of_many_sizes_are_few_shapes():
    shapes = set()

    def model(params, x):
        shapes.add(len(x))
        return linear(params, x)

    backend = backends.find(functools.partial(model, params()))
    for count in range(1, 65):
        x = noise(count, 6, 6, 1)
        np.testing.assert_allclose(
            backend.scores(x), x.reshape(count, -1) @ WEIGHTS, rtol=1e-4, atol=1e-5
        )
    assert shapes == {*range(1, 9), 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64}


def test_a_function_is_called_as_it_is_so_that_what_it_reads_is_current():
    current = params()
    backend = backends.find(lambda x: linear(current, x))
    first = backend.scores(X)
    current = params(2.0)
    np.testing.assert_allclose(backend.scores(X), 2 * first, rtol=1e-5)
    np.testing.assert_allclose(
        backend.gradient(X, np.eye(3)), 2 * WEIGHTS.T.reshape(X.shape), atol=1e-6
    )


def test_compiled_functions_are_jaxs():
    fixed = params()
    model = jax.jit(lambda x: linear(fixed, x))
    assert backends.names(model) == ["jax"]
    np.testing.assert_allclose(
        backends.find(model).gradient(X, np.eye(3)), WEIGHTS.T.reshape(X.shape), atol=1e-6
    )


class Single(eqx.Module):
    """As Equinox has modules: of one image."""

    weights: jax.Array

    def __call__(self, image):
        _, _, _ = image.shape  # as a convolution takes one image
        return image.reshape(-1) @ self.weights


@pytest.mark.parametrize(
    "wrapped",
    [
        jax.vmap,
        lambda net: jax.jit(jax.vmap(net)),
        eqx.filter_vmap,
        lambda net: eqx.filter_jit(eqx.filter_vmap(net)),
        lambda net: eqx.filter_jit(lambda x: jax.vmap(net)(x)),
        lambda net: jax.vmap(lambda image: net(image)),
    ],
)
def test_what_transforms_a_function_of_jax_has_its_gradient(wrapped):
    model = wrapped(Single(jnp.asarray(WEIGHTS)))
    assert backends.names(model)[0] == "jax"
    backend = backends.find(model)
    np.testing.assert_allclose(backend.scores(X), X.reshape(3, -1) @ WEIGHTS, atol=1e-5)
    found = backend.gradient(X, np.eye(3))
    np.testing.assert_allclose(found, WEIGHTS.T.reshape(X.shape), atol=1e-6)


def test_a_module_of_one_image_is_told_from_a_batchs():
    with pytest.raises(UnsupportedError, match=r"where it takes one image, pass jax.vmap\(model\)"):
        backends.find(Single(jnp.asarray(WEIGHTS))).scores(X)


def test_functions_are_told_by_what_they_name_or_hold():
    held = params()
    for model in (lambda x: jnp.sum(x), lambda x: softmax(x), lambda x: x @ held["w"]):
        assert backends.names(model)[0] == "jax"
    for model in (len, lambda x: np.sum(x), functools.partial(np.sum, axis=1)):
        assert "jax" not in backends.names(model)


def test_a_function_that_hands_numpy_on_is_occluded_still():
    forward = jax.jit(linear)
    backend = backends.find(lambda x: np.asarray(forward(params(), x)))
    np.testing.assert_allclose(backend.scores(X), X.reshape(3, -1) @ WEIGHTS, atol=1e-5)
    with pytest.raises(
        UnsupportedError, match="is a function of NumPy arrays, which have no gradient"
    ):
        backend.gradient(X, np.eye(3))


def test_linen_modules_go_through_their_apply():
    from flax import linen

    class Linear(linen.Module):
        @linen.compact
        def __call__(self, x, train):
            x = linen.Dropout(0.5, deterministic=not train)(x.reshape(len(x), -1))
            return linen.Dense(3)(x)

    module = Linear()
    variables = module.init(jax.random.key(0), X, False)
    model = functools.partial(module.apply, variables, train=False)
    assert backends.names(model) == ["jax"]
    np.testing.assert_allclose(
        backends.find(model).scores(X), module.apply(variables, X, False), atol=1e-6
    )


def test_the_gradient_by_a_layer_leads_to_that_by_the_input():
    model = Net()
    backend = backends.find(model)
    by_layer = backend.gradient(X, np.eye(3), layer="conv")
    assert by_layer.shape == (3, 4, 4, 4)
    conv = nnx.clone(model.conv)
    _, pull = jax.vjp(conv, jnp.asarray(X))
    np.testing.assert_allclose(
        pull(jnp.asarray(by_layer))[0], backend.gradient(X, np.eye(3)), atol=1e-6
    )


def last(backend):
    return Layers(backend, X[0], lambda values: values).last()[0]


def test_activations_and_the_last_layer_of_images():
    model = Net()
    backend = backends.find(model)
    before, scored = everything(model), backend.scores(X)
    assert last(backend) == "dropout"
    np.testing.assert_allclose(
        backend.activations(X, "conv"), nnx.clone(model.conv)(jnp.asarray(X)), atol=1e-6
    )
    np.testing.assert_array_equal(backend.scores(X), scored)
    for one, other in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_are_looked_for_within_layers():
    rngs = nnx.Rngs(0)
    body = nnx.Sequential(nnx.Conv(1, 2, (3, 3), rngs=rngs), nnx.Conv(2, 3, (3, 3), rngs=rngs))
    model = nnx.Sequential(body, lambda x: x.mean((1, 2)), nnx.Linear(3, 3, rngs=rngs))
    backend = backends.find(model)
    # Of two that end with the same output the outer one ends last.
    assert last(backend) == "layers.0"
    found = backend.activations(X, "layers.0.layers.1")
    np.testing.assert_allclose(found, body(jnp.asarray(X)), atol=1e-6)


@pytest.mark.parametrize("last", [lambda x: x, softmax])
def test_grad_cam_by_hand(last):
    model = Net()

    class Ended(nnx.Module):
        def __init__(self):
            self.net = model

        def __call__(self, x):
            return last(self.net(x))

    probe = Probe("p", X, labels=[0, 1, 2])
    methods = GradCAM(precision="float32"), Saliency(precision="float32")
    result = explain(Ended(), probe, *methods)
    given = nnx.clone(model)
    given.eval()
    features = given.norm(nnx.relu(given.conv(jnp.asarray(X))))
    for index in range(3):
        about, planes = stored(result, index)
        assert about.layer == "net.dropout"
        for target in result.images[index].scores.targets:
            others = [k for k in range(3) if k != target]

            def odds(f, target=target, others=others):
                z = given.head(f.reshape(1, -1))[0]
                return z[target] - jax.nn.logsumexp(z[jnp.asarray(others)])

            one = features[index]
            weights = jax.grad(odds)(one).mean((0, 1))
            coarse = np.maximum((one * weights).sum(-1), 0)
            enlarged = Image.fromarray(np.asarray(coarse)).resize((6, 6), Image.Resampling.BILINEAR)
            np.testing.assert_allclose(planes.decode(target), enlarged, atol=1e-5)
    # What stands behind the softmax is still known after it.
    for index in range(3):
        assert stored(result, index, 1)[0].output is Output.LOGITS


def test_grad_cam_of_a_function_says_what_is_missing_and_what_to_do():
    model = functools.partial(linear, params())
    probe = Probe("p", X, labels=[0, 1, 2])
    with pytest.raises(UnsupportedError, match=r"linear is a function, whose layers have no names:"
                       r" Grad-CAM needs a Flax nnx module"):  # fmt: skip
        explain(model, probe, GradCAM())


def test_layers_of_lists_and_wrong_layers():
    rngs = nnx.Rngs(0)
    model = nnx.Sequential(
        lambda x: x.reshape(len(x), -1), nnx.Linear(36, 4, rngs=rngs), nnx.Linear(4, 3, rngs=rngs)
    )
    backend = backends.find(model)
    found = backend.gradient(X, np.eye(3), layer="layers.1")
    np.testing.assert_allclose(found, model.layers[2].kernel[...].T, atol=1e-6)
    with pytest.raises(UnsupportedError, match=r"no layer 'head': the model has 'layers.1', 'la"):
        backend.gradient(X, np.eye(3), layer="head")
    with pytest.raises(UnsupportedError, match="linear is a function, whose layers have no names"):
        backends.find(functools.partial(linear, params())).gradient(X, np.eye(3), layer="head")


def test_preprocess_written_in_jax_is_differentiated_through():
    def smaller(x):
        return jax.image.resize(x, (len(x), 6, 6, 1), "linear") * 2.0

    probe = Probe("p", noise(2, 12, 12, 1), labels=[0, 1], preprocess=smaller)
    result = explain(functools.partial(linear, params()), probe, Saliency(precision="float32"))
    assert stored(result)[1].decode(0).shape == (12, 12)


def test_integers_reach_a_model_that_scales_them():
    def model(params, x):
        return linear(params, x / 255)

    backend = backends.find(functools.partial(model, params()))
    images = (X * 255).astype(np.uint8)
    np.testing.assert_allclose(backend.scores(images), backend.scores(images.astype("f")))
    np.testing.assert_allclose(
        backend.gradient(images, np.eye(3)), WEIGHTS.T.reshape(X.shape) / 255, atol=1e-6
    )


def test_half_precision_is_widened():
    half = jax.tree.map(lambda each: each.astype(jnp.bfloat16), params())
    found = backends.find(functools.partial(linear, half)).scores(X.astype(jnp.bfloat16))
    assert found.dtype == np.float32


def test_precision_device_and_guards_are_left_as_found():
    assert not jax.config.jax_enable_x64
    backend = backends.find(functools.partial(linear, params()))
    device = jax.config.jax_default_device
    with jax.transfer_guard("disallow"):
        assert backend.scores(X.astype(np.float64)).dtype == np.float32
        backend.gradient(X, np.eye(3))
    assert jax.config.jax_default_device is device
    with jax.enable_x64(True):
        wide = {"w": jnp.asarray(WEIGHTS, jnp.float64), "b": jnp.zeros(3, jnp.float64)}
        found = backends.find(functools.partial(linear, wide)).scores(X.astype(np.float64))
    assert found.dtype == np.float64
    assert not jax.config.jax_enable_x64


def test_what_is_traced_is_refused():
    @jax.jit
    def step(params):
        backends.find(functools.partial(linear, params)).scores(X)

    with pytest.raises(UnsupportedError, match="linear is being traced: explain it outside"):
        step(params())


def test_what_cannot_be_called_says_why():
    with pytest.raises(UnsupportedError, match=r"linear cannot be called on float32 \(3, 5\): Typ"):
        backends.find(functools.partial(linear, params())).scores(noise(3, 5))
    with pytest.raises(UnsupportedError, match="returns 2 outputs: pass pick="):
        backends.find(functools.partial(lambda p, x: (x, x), params())).scores(X)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("last", "shown", "behind"),
    [
        (lambda z: z, Output.LOGITS, False),
        (jax.nn.log_softmax, Output.LOGITS, False),
        (jax.nn.softmax, Output.LOGITS, True),
        (lambda z: jnp.exp(z) / jnp.exp(z).sum(1, keepdims=True), None, False),
        (lambda z: jax.nn.softmax(z).astype(jnp.float32), Output.LOGITS, True),
        (jax.nn.sigmoid, Output.SIGMOID, True),
        (jnp.tanh, None, False),
        (lambda z: jax.nn.softmax(z, axis=0), None, False),
        (lambda z: jax.nn.softmax(z) * 0.5, None, False),
    ],
)
def test_a_final_activation_is_looked_behind(last, shown, behind, compiled):
    def model(params, x):
        return last(linear(params, x))

    given = functools.partial(jax.jit(model) if compiled else model, params())
    backend = backends.find(given)
    plain = X.reshape(3, -1) @ WEIGHTS
    expected = plain if behind else np.asarray(last(jnp.asarray(plain)))
    np.testing.assert_allclose(backend.scores(X), expected, atol=1e-5)
    assert (backend.shown, backend.behind) == (shown, behind)
    if behind:
        found = backend.gradient(X, np.eye(3))
        np.testing.assert_allclose(found, WEIGHTS.T.reshape(X.shape), atol=1e-6)
    backend = backends.find(given, look_behind=False)
    np.testing.assert_allclose(backend.scores(X), np.asarray(last(jnp.asarray(plain))), atol=1e-5)
    assert (backend.shown, backend.behind) == (None, False)
