"""Named parts of the images, as boolean masks: as they are given, or drawn from shapes."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tensorboard_picasso.summary.kit.images import Size, to_numpy
from tensorboard_picasso.summary.probe.annotations import Annotations
from tensorboard_picasso.summary.probe.shapes import Mask, Shape, drawn, is_drawn


def masks(given: Any, shapes: Sequence[Size], count: int) -> tuple[dict[str, Mask], ...]:
    """One mapping of region name to mask (height, width) for each kept image.

    Args:
      given: {name: masks}, where masks is one (height, width) for all images,
        (n, height, width) or a list with one each, or {index: mask} of the images
        that the region lies on; true inside. In place of a mask a shape, or of an image's
        mask a list of shapes, which is their union. Or what a file of annotations has. Of
        volumes masks have a depth before, and shapes reach through all slices.
      shapes: height and width of the images that are kept, of volumes depth too.
      count: how many images were handed in; the masks may be as many.

    Raises:
      TypeError, ValueError: a mask is no mask of its image, empty, or the whole.
    """
    if given is None:
        given = {}
    if isinstance(given, Annotations):
        return given.masks(shapes, count)
    if not isinstance(given, Mapping):
        raise TypeError(f"regions of type {type(given).__name__}: pass {{name: mask}}")
    result: tuple[dict[str, Mask], ...] = tuple({} for _ in shapes)
    for name, value in given.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"region name {name!r}: pass a string")
        if isinstance(value, Mapping):
            by_image = _some(name, value, len(shapes), count)
        else:
            by_image = dict(enumerate(_each(name, value, shapes, count)))
        for index, mask in by_image.items():
            result[index][name] = _mask(name, index, mask, shapes[index])
    return result


def _some(name: str, value: Mapping[Any, Any], kept: int, count: int) -> dict[int, Any]:
    """The masks of those images that a region lies on and that are kept."""
    where = f"region {name!r}"
    by_image = {}
    for key, mask in value.items():
        try:
            index = operator.index(key)
        except TypeError:
            raise TypeError(f"{where} has key {key!r}: pass {{index of the image: mask}}") from None
        if not 0 <= index < count:
            raise ValueError(f"{where} lies on image {index} of {count}: count from 0")
        if index < kept:
            by_image[index] = mask
    if not by_image:
        raise ValueError(f"{where} lies on none of the {kept} images: pass a mask of one of them")
    return by_image


def _read(value: Any, what: str) -> NDArray[Any]:
    if isinstance(value, Image.Image) and value.mode == "1":
        return np.asarray(value)  # to_numpy makes it greys of 0 and 255
    return to_numpy(value, what)


def _each(name: str, value: Any, shapes: Sequence[Size], count: int) -> Sequence[Any]:
    where = f"region {name!r}"
    kept, axes = len(shapes), len(shapes[0])
    if isinstance(value, Shape):
        return [value] * kept
    if isinstance(value, str):
        raise TypeError(f"{where} is {value!r}: pass a mask of booleans")
    # A list may hold masks of different sizes, or be one mask in nested lists.
    listed = isinstance(value, Sequence) and len(value) and _is_mask(value[0], where, axes)
    each: Sequence[Any] = value
    if not listed:
        array = _read(value, where)
        if array.ndim > axes and array.shape[-1] == 1:
            array = array[..., 0]
        if array.ndim == axes:
            return [array] * kept
        if array.ndim != axes + 1:
            sides = "height, width" if axes == 2 else "depth, height, width"
            raise ValueError(
                f"{where} has shape {array.shape}: pass ({sides}) or one such an image"
            )
        each = list(array)
    if len(each) != count and listed and is_drawn(value):
        raise ValueError(
            f"{where} has {len(each)} shapes for {count} images: pass one, or a list of shapes, each"
        )
    if len(each) != count:
        raise ValueError(f"{where} has {len(each)} masks for {count} images: pass one each")
    return each[:kept]


def _is_mask(value: Any, where: str, axes: int) -> bool:
    """Whether this is the mask of an image of so many axes, or is drawn as one."""
    return is_drawn(value) or _read(value, where).ndim >= axes


def _mask(name: str, index: int, value: Any, shape: Size) -> Mask:
    where = f"region {name!r} of image {index}"
    if is_drawn(value):
        try:
            mask = np.broadcast_to(drawn(value, *shape[-2:]), shape)
        except ValueError as e:
            raise ValueError(f"{where}: {e}") from None
    else:
        mask = _read(value, f"region {name!r}")
    if mask.shape == (*shape, 1):
        mask = mask[..., 0]
    if mask.shape != shape:
        sizes = f"{' x '.join(map(str, mask.shape))}, its image {' x '.join(map(str, shape))}"
        raise ValueError(f"{where} is {sizes}: pass a mask of the viewed image's size")
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise ValueError(f"{where} holds {mask.max()}: pass booleans, such as mask > 0")
    mask = mask.astype(bool)
    if not mask.any():
        raise ValueError(
            f"{where} is empty: leave out the image or the region ({{index: mask}} leaves out images)"
        )
    if mask.all():
        raise ValueError(f"{where} is the whole image: pass a part of it")
    mask.setflags(write=False)
    return mask
