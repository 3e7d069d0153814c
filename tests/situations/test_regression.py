"""A regression loop: labels are numbers, the model gives one number an image, often as (n,)."""

import functools

import numpy as np
import pytest

from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import Occlusion, Probe, Saliency, backends
from tests.kit.events import logged

N, SIDE = 4, 6
RNG = np.random.default_rng(3)
IMAGES = RNG.random((N, SIDE, SIDE, 1)).astype(np.float32)
WEIGHT = RNG.normal(size=SIDE * SIDE).astype(np.float32)
AGES = IMAGES.reshape(N, -1) @ WEIGHT + 20.5


def squeezed(kind, ends):
    """The linear model of each framework; `ends` turns its (n, 1) into what it returns."""
    if kind == "torch":
        import torch

        class Model(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = torch.nn.Parameter(torch.from_numpy(WEIGHT))

            def forward(self, x):
                return ends(x.flatten(1) @ self.weight[:, None])

        return Model()
    if kind == "tensorflow":
        import tensorflow as tf

        weight = tf.constant(WEIGHT[:, None])
        return tf.function(lambda x: ends(tf.reshape(x, [-1, SIDE * SIDE]) @ weight))
    if kind == "jax":
        import jax.numpy as jnp

        def apply(weight, x):
            return ends(jnp.reshape(x, (len(x), -1)) @ weight[:, None])

        return functools.partial(apply, jnp.asarray(WEIGHT))
    return lambda x: ends(x.reshape(len(x), -1) @ WEIGHT[:, None])


def last(kind):
    import tensorflow as tf

    return (lambda z: tf.squeeze(z, -1)) if kind == "tensorflow" else (lambda z: z.squeeze(-1))


def every(kind):
    """All axes of length one are lost: of one image all axes."""
    import tensorflow as tf

    return tf.squeeze if kind == "tensorflow" else (lambda z: z.squeeze())


@pytest.mark.parametrize("kind", ["torch", "tensorflow", "jax", "function"])
@pytest.mark.parametrize("ends", [last, every])
@pytest.mark.parametrize("count", [N, 1])
def test_one_number_an_image_is_a_score_in_every_backend(kind, ends, count, tmp_path):
    probe = Probe("ages", IMAGES[:count], labels=AGES[:count], data_format="channels_last")
    methods = [Occlusion(3, 3)] + ([] if kind == "function" else [Saliency()])
    summary.attribution(
        probe, squeezed(kind, ends(kind)), methods=methods, step=0, writer=str(tmp_path)
    )
    for image in range(count):
        scores = logged(tmp_path, Kind.SCORES, image)
        assert scores.output is Output.RAW
        np.testing.assert_allclose(scores.values, [IMAGES[image].ravel() @ WEIGHT], rtol=1e-5)
        occlusion = logged(tmp_path, Kind.METHOD, image, "occlusion")
        hidden = IMAGES[image].copy()
        hidden[:3, :3] = IMAGES[image].mean()
        np.testing.assert_allclose(
            occlusion.grid.values[0, 0, 0], hidden.ravel() @ WEIGHT, rtol=1e-4
        )
        if kind != "function":
            saliency = logged(tmp_path, Kind.METHOD, image, "saliency")
            np.testing.assert_allclose(
                saliency.targets[0].statistics.maximum, np.abs(WEIGHT).max(), rtol=1e-5
            )


@pytest.mark.parametrize("kind", ["torch", "tensorflow", "jax", "function"])
def test_yes_or_no_as_one_score_an_image(kind, tmp_path):
    """The message's remedies work: both take (n,) as it is."""
    model = squeezed(kind, last(kind))
    with pytest.raises(ValueError, match=r"one score an image: pass output='sigmoid'.*or 'raw'"):
        summary.class_probabilities(
            Probe("p", IMAGES, labels=[0, 1, 1, 0]), model, step=0, writer=str(tmp_path / "auto")
        )
    for output in ("sigmoid", "raw"):
        probe = Probe(
            "p", IMAGES, labels=[0, 1, 1, 0] if output == "sigmoid" else None, output=output
        )
        writer = str(tmp_path / output)
        summary.class_probabilities(probe, model, step=0, writer=writer)
        scores = logged(tmp_path / output, Kind.SCORES, 1)
        logit = IMAGES[1].ravel() @ WEIGHT
        expected = [-logit, logit] if output == "sigmoid" else [logit]
        np.testing.assert_allclose(scores.values, expected, rtol=1e-5)
        assert not scores.independent


@pytest.mark.parametrize("kind", ["tensorflow", "jax"])
@pytest.mark.parametrize("ends", ["linear", "squeezed sigmoid", "sigmoid of squeezed"])
def test_what_a_squeezed_model_ends_in_is_seen(kind, ends):
    """Not judged by a range: of PyTorch's layers see `test_backend_torch`."""
    import jax
    import tensorflow as tf

    sigmoid, squeeze = {"tensorflow": tf.sigmoid, "jax": jax.nn.sigmoid}[kind], last(kind)
    function = {
        "linear": squeeze,
        "squeezed sigmoid": lambda z: squeeze(sigmoid(z)),
        "sigmoid of squeezed": lambda z: sigmoid(squeeze(z)),
    }[ends]
    backend = backends.find(squeezed(kind, function))
    found = backend.scores(IMAGES)
    np.testing.assert_allclose(found[:, 0], IMAGES.reshape(N, -1) @ WEIGHT, rtol=1e-4)
    behind = ends != "linear"
    assert backend.shown is (Output.SIGMOID if behind else Output.LOGITS)
    assert backend.behind == behind
    assert backend.gradient(IMAGES, np.ones((N, 1))).shape == IMAGES.shape


def test_one_image_squeezed_of_all_axes_keeps_its_classes(tmp_path):
    def model(x):
        return (x.reshape(len(x), -1) @ np.stack([WEIGHT, -WEIGHT, 2 * WEIGHT], 1)).squeeze()

    summary.class_probabilities(Probe("p", IMAGES[:1]), model, step=0, writer=str(tmp_path))
    scores = logged(tmp_path, Kind.SCORES, 0)
    assert scores.class_count == 3


def test_labels_that_are_numbers_are_said_and_shown(capsys):
    probe = Probe("numbers", IMAGES, labels=[23.0, 41.5, 7.25, 60.0])
    assert probe.output == "raw"
    assert probe.labels is None
    assert probe.values == ((23.0,), (41.5,), (7.25,), (60.0,))
    assert "labels are numbers and no classes" in capsys.readouterr().err
    assert probe.shown(1).name == "image 1 (true value 41.5)"
    assert probe.shown(1).truths is None


@pytest.mark.parametrize("labels", [AGES, AGES[:, None], np.stack([AGES, -AGES], 1)])
def test_a_dataset_of_a_regression(labels):
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(
        torch.from_numpy(np.moveaxis(IMAGES, -1, 1)), torch.from_numpy(labels)
    )
    for dataset in (data, torch.utils.data.DataLoader(data, 3), [(IMAGES, labels)]):
        probe = Probe.from_dataset(dataset, n=N)
        assert probe.labels is None
        assert probe.output == "raw"
        drawn = [tuple(map(float, np.ravel(each))) for each in labels]
        assert sorted(probe.values) == sorted(drawn)
        for image, values in zip(probe.images, probe.values, strict=True):
            place = int(np.argmin([np.abs(image - each).sum() for each in IMAGES]))
            assert values == drawn[place]


def test_whole_floats_are_values_of_raw_outputs_and_labels_of_no_kind_are_left_out(capsys):
    probe = Probe.from_dataset([(IMAGES, np.array([23.0, 41, 7, 60]))], output="raw")
    assert probe.labels is None
    assert sorted(probe.values) == [(7.0,), (23.0,), (41.0,), (60.0,)]
    masks = np.zeros((N, SIDE, SIDE), np.int64)
    assert Probe.from_dataset([(IMAGES, masks)]).labels is None
    boxes = [{"boxes": np.zeros((2, 4))} for _ in range(N)]
    assert Probe.from_dataset([(IMAGES, boxes)]).labels is None
    assert "neither classes nor numbers: left out" in capsys.readouterr().err


def test_whole_numbers_that_are_no_classes_name_the_remedy_which_works(tmp_path):
    model = squeezed("function", last("function"))
    with pytest.raises(
        ValueError, match=r"class 23 is out of range.*are floats, with output='raw'"
    ):
        summary.class_probabilities(
            Probe("p", IMAGES, labels=[23, 41, 7, 60], output="raw"),
            model,
            step=0,
            writer=str(tmp_path),
        )
    probe = Probe("p", IMAGES, labels=np.array([23, 41, 7, 60]).astype(float), output="raw")
    assert summary.class_probabilities(probe, model, step=0, writer=str(tmp_path / "b"))
