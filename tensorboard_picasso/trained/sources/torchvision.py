"""Classifiers of torchvision, with the transforms and categories of their weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.trained import ModelError
from tensorboard_picasso.trained.settings import Settings
from tensorboard_picasso.trained.sources import _weights
from tensorboard_picasso.trained.sources._values import measured
from tensorboard_picasso.trained.sources.base import Source, Trained, needed, short, unknown


class Models(Source):
    """Names are those of `torchvision.models`: `resnet50`, or `resnet50.IMAGENET1K_V1`."""

    def load(self, settings: Settings, class_names: tuple[str, ...]) -> Trained:
        """See `Source.load`."""
        models = needed("torchvision", settings.word, "torchvision").models
        name, _, entry = settings.model.partition(".")
        known = models.list_models(module=models)
        if name.lower() not in known:
            unknown(settings.word, name, known, "torchvision.models.list_models()")
        weights = _entry(models.get_model_weights(name), entry, settings)
        model = _loaded(models, name, weights, settings, len(class_names))
        transform = weights.transforms()

        def given(picture: Image.Image) -> Array:
            made: Array = transform(picture.convert("RGB")).numpy()
            return np.moveaxis(made, 0, -1)

        given_straight, options = measured(given, settings.word, channels_first=True)
        options["output"] = "logits"
        names = class_names or tuple(weights.meta["categories"])
        return Trained(model, given_straight, names, options)


def _entry(entries: Any, name: str, settings: Settings) -> Any:
    """The entry of a model's weights that is named, or whose file is given; else the best one."""
    by_name = {each.name: each for each in entries}
    if name and name.upper() not in by_name:
        unknown(settings.word, name, by_name, "torchvision.models.get_model_weights()")
    if name:
        return by_name[name.upper()]
    if settings.weights is not None:
        for each in entries:
            if _file(each) == settings.weights.name:
                return each
    return entries.DEFAULT


def _file(weights: Any) -> str:
    """What torchvision calls a file of weights."""
    return str(weights.url.rpartition("/")[2])


def _loaded(models: Any, name: str, weights: Any, settings: Settings, classes: int) -> Any:
    file = settings.weights
    if file is None:
        return _built(models, name, weights, settings)
    if file.name == _file(weights):
        # Old files are mended, and models set up, by torchvision's own reading alone; that runs
        # what is pickled in a file, so it is first looked whether there are weights alone.
        _check(file)
        with _cached(file):
            return _built(models, name, weights, settings)
    count = classes or len(weights.meta["categories"])
    return _weights.read(models.get_model(name, weights=None, num_classes=count), file)


def _built(models: Any, name: str, weights: Any, settings: Settings) -> Any:
    try:
        return models.get_model(name, weights=weights)
    except Exception as e:  # of the network, of a file that is cut off, of another model
        raise ModelError(
            f"--model {settings.word}: its weights could not be had ({short(e)}): where there is a"
            f" network, get {weights.url} and pass --weights FILE"
        ) from e


def _check(file: Path) -> None:
    import torch

    try:
        torch.load(file, map_location="cpu", weights_only=True)
    except Exception as e:
        raise ModelError(f"--weights {file}: it holds no weights alone: {short(e)}") from e


@contextmanager
def _cached(file: Path) -> Iterator[None]:
    """Let torchvision find a file where it looks for what it has downloaded."""
    import torch

    before = torch.hub.get_dir()
    with TemporaryDirectory(prefix="picasso-") as folder:
        place = Path(folder) / "checkpoints"
        place.mkdir()
        (place / file.name).symlink_to(file.resolve())
        torch.hub.set_dir(folder)
        try:
            yield
        finally:
            torch.hub.set_dir(before)
