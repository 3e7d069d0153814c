"""Parts of pictures that files beside them hold: regions, and segments that are hidden."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tensorboard_picasso.checkpoints import LogError
from tensorboard_picasso.summary import coco_regions, voc_regions
from tensorboard_picasso.summary.kit import pictures
from tensorboard_picasso.summary.kit.images import Array
from tensorboard_picasso.summary.methods.base import Method
from tensorboard_picasso.summary.methods.occlusion import Occlusion

# Grey, of a palette, or 16 bits: one number a pixel.
_NUMBERS = ("1", "L", "P", "I", "I;16", "I;16B")


def regions(path: Path, images: Path, files: Sequence[Path]) -> Any:
    """What `--regions` holds of these images, as `regions=` of a probe takes it.

    Args:
      path: a file of COCO's annotations, a folder of VOC's (`*.xml`), or one of masks.
      images: the folder of the images, and files those that are explained.

    Raises:
      LogError: there is nothing there, or none of an image.
      ValueError, OSError: as `coco_regions` and `voc_regions`.
    """
    names = [each.relative_to(images).as_posix() for each in files]
    if path.is_file():
        return coco_regions(path, names)
    if not path.is_dir():
        raise LogError(f"--regions {path}: no such file or directory")
    if any(path.glob("*.xml")):
        return voc_regions(path, names)
    return _masks(path, images, files)


def segmented(
    methods: Sequence[Method],
    path: Path | None,
    images: Path | None = None,
    files: Sequence[Path] = (),
) -> tuple[Method, ...]:
    """The methods, of which occlusion hides the segments that `--segments` has.

    Args:
      methods: those that are asked for.
      path: a label map for all images, or a folder with one an image; None: as they are.
      images: the folder of the images, and files those that are explained; where these are not
        files of one folder, None and none.

    Raises:
      LogError: there is no label map, or none of an image.
      ValueError, OSError: it cannot be read, or is none.
    """
    if path is None:
        return (*methods,)
    labels: Any
    if not path.is_dir():
        labels = _labels(path)
    elif images is None:
        raise LogError(f"--segments {path}: pass one label map for all images, or slic")
    else:
        labels = [_labels(_beside(path, each.relative_to(images))) for each in files]
    return tuple(
        replace(each, segments=labels) if isinstance(each, Occlusion) else each for each in methods
    )


def _beside(root: Path, image: Path) -> Path:
    """The label map of an image, which lies in the folder as the image in its own."""
    for ending in (".npy", ".png"):
        found = (root / image).with_suffix(ending)
        if found.is_file():
            return found
    raise LogError(f"--segments {root}: no {(root / image).with_suffix('.png')}, and no .npy")


def _labels(path: Path) -> Array:
    """A label map (height, width), integers."""
    if path.suffix == ".npy":
        try:
            array: Array = np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as e:
            raise LogError(f"{path}: it holds no array of numbers") from e
        if array.ndim != 2:
            raise LogError(f"{path} has shape {array.shape}: put (height, width) integers there")
        return array
    image = _opened(path)
    if image.mode not in _NUMBERS:
        raise LogError(f"{path}: {image.mode} pixels: convert it to one number a pixel")
    return np.asarray(image)


def _masks(root: Path, images: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Masks by region: `<region>.png` for all images, or a folder with one of each image."""
    found: dict[str, Any] = {each.stem: _mask(each) for each in pictures.within(root)}
    for folder in sorted(each for each in root.iterdir() if each.is_dir()):
        masks = []
        for image in files:
            beside = (folder / image.relative_to(images)).with_suffix(".png")
            if not beside.is_file():
                raise LogError(f"--regions {root}: no {beside}")
            masks.append(_mask(beside))
        found[folder.name] = masks
    if not found:
        raise LogError(f"--regions {root}: no masks: put REGION.png or REGION/IMAGE.png there")
    return found


def _mask(path: Path) -> Array:
    return np.asarray(_opened(path).convert("L")) > 127


def _opened(path: Path) -> Any:
    try:
        return pictures.opened(path)
    except pictures.PictureError as e:
        raise LogError(str(e)) from e
