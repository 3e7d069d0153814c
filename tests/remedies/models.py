"""What models are given and return, in PyTorch, JAX and functions."""

import functools
import re
import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from tensorboard_picasso.summary import Captum, GradCAM, Occlusion, Probe, Saliency, backends
from tests.remedies import GREY, OCCLUSION, Row, W, X, explained, linear

FIRST = np.moveaxis(X, -1, 1)
BYTES = (X * 255).astype(np.uint8)
PLANES = GREY[..., 0]
GRADIENT = Saliency(signed=True, precision="float32")


def by(model, *methods, images=X, **options):
    """Explain a model that is made anew."""
    return lambda: explained(Probe("p", images, **{"output": "raw", **options}), model(), *methods)


def conv(channels=3):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(channels, 2, 3), torch.nn.Flatten(), torch.nn.Linear(32, 3)
    )


class Detached(torch.nn.Module):
    """As of a model in int8: numbers without a gradient."""

    def forward(self, x):
        return torch.round(x.detach().flatten(1) @ torch.tensor(W, dtype=torch.float32) * 127)


class Table(torch.nn.Module):
    """Takes integers, as what looks values up does."""

    def forward(self, x):
        assert not x.is_floating_point()
        return x.flatten(1).float() @ torch.tensor(W, dtype=torch.float32) / 255


class Floats(torch.nn.Module):
    """The same, of what its cast has made."""

    def forward(self, x):
        return x.flatten(1) @ torch.tensor(W, dtype=torch.float32) / 255


def lazy(called):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(3))
    if called:
        model(torch.tensor(FIRST))
    return model


def jax_function():
    import jax

    return functools.partial(lambda w, x: x.reshape(len(x), -1) @ w, jax.numpy.asarray(W))


def single():
    import equinox
    import jax

    class Single(equinox.Module):
        weights: jax.Array

        def __call__(self, image):
            _, _, _ = image.shape  # as a convolution takes one image
            return image.reshape(-1) @ self.weights

    return Single(jax.numpy.asarray(W))


def vmapped():
    import jax

    return jax.vmap(single())


class Pair(torch.nn.Module):
    def forward(self, x):
        found = x.flatten(1) @ torch.tensor(W, dtype=torch.float32)
        return found, -found


class Shared(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.twice, self.once = torch.nn.Conv2d(3, 3, 1), torch.nn.Conv2d(3, 2, 3)

    def forward(self, x):
        return self.once(self.twice(self.twice(x))).flatten(1)[:, :3]


def repeated():
    from flax import nnx

    class Repeated(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.twice, self.once = (nnx.Conv(3, 3, (3, 3), rngs=rngs) for _ in range(2))
            self.head = nnx.Linear(108, 3, rngs=rngs)

        def __call__(self, x):
            x = self.once(self.twice(self.twice(x)))
            return self.head(x.reshape(len(x), -1))

    return Repeated()


WALK = Path(__file__).parents[2] / "docs" / "extending" / "new-backend.md"


def fitted():
    """A model of a framework whose backend, as the walk writes it, takes images alone."""
    return LogisticRegression().fit(X.reshape(3, -1), np.arange(3))


def walked(model, expected, **options):
    def try_it():
        (code,) = re.findall(r"```python\n(.*?)```", WALK.read_text(), re.DOTALL)
        with tempfile.TemporaryDirectory() as path:
            (Path(path) / "sklearn.py").write_text(code)
            found = [*backends.__path__, path]
            try:
                with mock.patch.object(backends, "__path__", found):
                    result = explained(Probe("p", X, output="raw", **options), model())
            finally:
                sys.modules.pop(f"{backends.__name__}.sklearn", None)
                vars(backends).pop("sklearn", None)
        for each, values in zip(result.images, expected(fitted()), strict=True):
            np.testing.assert_allclose(each.scores.values, values, atol=1e-4)

    return try_it


def decided(model):
    return model.decision_function(X.reshape(3, -1))


def wrapped():
    model = fitted()
    weights, bias = model.coef_.T, model.intercept_
    return lambda x, other: (np.reshape(x, (len(x), -1)) @ weights + bias) * other[:, None]


def doubled():
    model = wrapped()
    return lambda x: model(x, np.full(len(x), 2))


OTHER = np.array([1.0, 2.0, 3.0], np.float32)


ROWS = [
    Row("int is no model that can be explained: pass a Keras model", by(lambda: 3), by(lambda: linear)),
    Row("where the model takes one, pass images...., None.", by(functools.partial(conv, 1), images=PLANES), by(functools.partial(conv, 1), OCCLUSION, GRADIENT, images=PLANES[..., None])),
    Row("where the model takes one, pass images.:, None.", by(functools.partial(conv, 1), images=torch.tensor(PLANES)[:2]), by(functools.partial(conv, 1), OCCLUSION, GRADIENT, images=torch.tensor(PLANES)[:2, None])),
    Row("the images are uint8: where the model takes floats alone, pass preprocess= that makes floats of them, or images of", by(conv, images=BYTES), by(conv, OCCLUSION, GRADIENT, images=BYTES, preprocess=lambda x: np.moveaxis(x, -1, 1) / np.float32(255))),
    Row("or images of floats", by(conv, images=BYTES), by(conv, OCCLUSION, GRADIENT, images=BYTES / 255)),
    Row("preprocess returns uint8: .* return floats", by(conv, images=BYTES, preprocess=lambda x: np.moveaxis(x, -1, 1)), by(conv, images=BYTES, preprocess=lambda x: np.moveaxis(x, -1, 1).astype(np.float32))),
    Row("Detached has no gradient of its scores by its input: pass methods=.summary.Occlusion..., which needs none", by(Detached, OCCLUSION, GRADIENT), by(Detached, Occlusion())),
    Row("Table takes uint8, and there is no gradient by integers: pass methods=", by(Table, OCCLUSION, GRADIENT, images=BYTES), by(Table, Occlusion(), images=BYTES)),
    Row("or move the cast from the model to preprocess=", by(Table, GRADIENT, images=BYTES), by(Floats, GRADIENT, images=BYTES, preprocess=lambda x: np.moveaxis(x, -1, 1).astype(np.float32))),
    Row("has lazy layers that are not initialized: call it on a batch first", by(lambda: lazy(False)), by(lambda: lazy(True))),
    Row("has no layer that returns images .*: pass layer=", by(lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 3)), GradCAM()), by(conv, GradCAM("0"))),
    Row("layer 'twice' is called 2 times .*: name one that is called once and returns one tensor", by(Shared, GradCAM("twice")), by(Shared, GradCAM("once"))),
    Row("layer 'twice' is called 2 times .*: name one that is called once and returns one array", by(repeated, GradCAM("twice")), by(repeated, GradCAM("once"))),
    Row("sklearn models take an image and return scores: wrap what inputs=, pick= or score= say in a function", walked(fitted, decided, inputs={"other": OTHER}), walked(wrapped, lambda model: decided(model) * OTHER[:, None], inputs={"other": OTHER})),
    Row("wrap what .* score= say in a function", walked(fitted, decided, score=lambda y: 2 * y), walked(doubled, lambda model: 2 * decided(model))),
    Row("Pair returns 2 outputs: pass pick= .a name or index., or score=", by(Pair), by(Pair, pick=1)),
    Row("Pair returns 2 outputs: .* or score=", by(Pair), by(Pair, score=lambda outputs: outputs[0])),
    Row("cannot be handed to tools for PyTorch: pass an nn.Module", by(lambda: linear, Captum("Saliency")), by(conv, Captum("Saliency"))),
    Row("what calls PyTorch goes into an nn.Module", by(lambda: conv().forward), by(conv, OCCLUSION, GRADIENT)),
    Row("returns dtype .*: return numbers", by(lambda: lambda x: linear(x).astype(str)), by(lambda: lambda x: linear(x).astype(str).astype(float))),
    Row("where it takes one image, pass jax.vmap.model.", by(single), by(vmapped, OCCLUSION, GRADIENT)),
    Row("is a function, whose layers have no names: .* occlusion, RISE and gradients need no layers", by(jax_function, GradCAM()), by(jax_function, OCCLUSION, GRADIENT)),
    Row("is a function of NumPy arrays, which have no gradient: pass the framework's own model", by(lambda: linear, OCCLUSION, GRADIENT), by(conv, GRADIENT)),
]  # fmt: skip
