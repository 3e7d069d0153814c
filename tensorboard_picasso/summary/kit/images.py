"""Images as people hold them, brought to viewed images: (height, width, channels).

Or volumes: (depth, height, width, channels).
"""

import os
from collections.abc import Iterable, Sequence, Sized
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tensorboard_picasso.numbers import volumes
from tensorboard_picasso.summary.kit import frameworks, pictures

Array = NDArray[Any]
# Height and width; of a volume depth, height and width.
Size = tuple[int, ...]

# Channel counts that a screen shows: grey, RGB, RGBA.
SHOWN = (1, 3, 4)


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor of PyTorch, where channels come first."""
    return frameworks.is_a(value, "torch", "Tensor")


def are_tensors(images: Any) -> bool:
    """Whether a batch or list of images are tensors of PyTorch."""
    return is_tensor(images[0] if isinstance(images, Sequence) and len(images) else images)


def layout(images: Any, given: str | None) -> str:
    """The data format of images: what was given, else as their framework has them."""
    if given is not None:
        return given
    # Without a channel axis there is none to come first, and no single image is meant.
    flat = getattr(images, "ndim", 4) == 3 and len(images) not in SHOWN
    return "channels_first" if are_tensors(images) and not flat else "channels_last"


def to_numpy(value: Any, what: str = "images") -> Array:
    """The numbers of an array, a framework's tensor, a PIL image or a file.

    Raises:
      TypeError: it holds no numbers, with its type.
      ValueError: it is a file that cannot be read.
    """
    if isinstance(value, Image.Image):
        return _from_pil(value)
    if isinstance(value, str | os.PathLike):
        return _from_file(Path(value))
    if callable(getattr(value, "detach", None)):  # PyTorch: off the graph and the device first
        value = value.detach().cpu()
        if str(getattr(value, "dtype", "")) == "torch.bfloat16":  # which NumPy has not
            value = value.float()
    elif not hasattr(value, "__array__") and callable(getattr(value, "numpy", None)):
        value = value.numpy()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, NotImplementedError) as e:
        raise TypeError(f"{what} of type {type(value).__name__} cannot be read: {e}") from e
    if array.dtype.kind == "V" and array.dtype.names is None:  # bfloat16 and its like
        return array.astype(np.float32)
    if array.dtype.kind not in "biufSU":
        raise TypeError(
            f"{what} of type {type(value).__name__} and dtype {array.dtype} hold no numbers:"
            " pass arrays, tensors, PIL images or file paths"
        )
    return array


def _from_pil(image: Image.Image) -> Array:
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode not in ("L", "RGB", "RGBA", "F", "I", "I;16", "I;16L", "I;16B"):
        clear = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
        image = image.convert("RGBA" if clear else "RGB")
    return np.asarray(image)


def _from_file(path: Path) -> Array:
    try:
        return _from_pil(pictures.opened(path))
    except pictures.PictureError as e:
        raise ValueError(f"image cannot be read: {e}") from e


def _is_picture(value: Any) -> bool:
    return isinstance(value, str | os.PathLike | Image.Image)


def one_by_one(images: Any, data_format: str, what: str = "images") -> Sequence[Any]:
    """The images of a batch or list, unread where they are files.

    Raises:
      TypeError, ValueError: it is one image, no batch or empty, with the remedy.
    """
    if _is_picture(images):
        raise TypeError(f"{what} is one image: pass a list, [{what}]")
    if isinstance(images, Sequence):
        each: Sequence[Any] = images
    elif isinstance(images, Iterable) and not any(
        hasattr(images, name) for name in ("__array__", "detach", "numpy")
    ):
        data = hasattr(images, "element_spec") or isinstance(images, Sized)
        remedy = "Probe.from_dataset reads datasets" if data else f"pass list({what})"
        raise TypeError(f"{what} of type {type(images).__name__} is no array or list: {remedy}")
    else:
        array = to_numpy(images, what)
        _check_batch(array, data_format, what)
        each = list(array)
    if not each:
        raise ValueError(f"{what} is empty: pass at least one")
    return each


def _check_batch(array: Array, data_format: str, what: str) -> None:
    shape = array.shape
    single = array.ndim == 2 or (
        array.ndim == 3
        and (
            data_format == "channels_first" or (shape[-1] in SHOWN and min(shape[:2]) > max(SHOWN))
        )
    )
    if single:
        raise ValueError(f"{what} has shape {shape}, one image: pass {what}[None]")
    if array.ndim not in (3, 4, 5):
        raise ValueError(f"{what} has shape {shape}: pass {_layout(data_format, 'n, ')}")


def _layout(data_format: str, before: str = "") -> str:
    """The axes of images, and of volumes, with those that stand before them."""
    if data_format == "channels_first":
        of_volumes = f"({before}channels, depth, height, width)"
        return f"({before}channels, height, width), or of volumes {of_volumes}"
    of_volumes = f"({before}depth, height, width, channels)"
    return f"({before}height, width, channels), or of volumes {of_volumes}"


def to_viewed(images: Any, data_format: str, what: str = "image") -> list[Array]:
    """A batch or list of images as viewed images; see `viewed`."""
    each = one_by_one(images, data_format, f"{what}s")
    return [viewed(value, data_format, f"{what} {index}") for index, value in enumerate(each)]


def viewed(value: Any, data_format: str, what: str) -> Array:
    """One image as (height, width, channels), a volume as (depth, height, width, channels).

    Read-only; floats become float32.

    Args:
      value: an array or tensor in `data_format`, or without channels; a PIL
        image or a file path, whatever the `data_format`.
      data_format: "channels_last" or "channels_first".
      what: its name in errors, such as "image 3".

    Raises:
      TypeError, ValueError: it is no image, with what it is.
    """
    image = np.array(to_numpy(value, what))
    if image.dtype.kind not in "iuf":
        raise TypeError(f"{what} has dtype {image.dtype}: pass integers or floats")
    shape = image.shape
    if image.ndim == 2:
        image = image[:, :, None]
    elif image.ndim > 2 and data_format == "channels_first" and not _is_picture(value):
        image = np.moveaxis(image, 0, -1)
    if image.ndim not in (3, 4) or 0 in shape:
        raise ValueError(f"{what} has shape {shape}: pass {_layout(data_format)}")
    if image.dtype.kind == "f":
        image = image.astype(np.float32)
        if not np.isfinite(image).all():
            raise ValueError(f"{what} holds NaN or infinity: remove it from the probe or mend it")
    image = np.ascontiguousarray(image)
    image.setflags(write=False)
    return image


def has_channels(value: Any) -> bool:
    """Whether an image was handed in with a channel axis; pictures always have one."""
    return _is_picture(value) or to_numpy(value).ndim > 2


def check_shown(image: Array, data_format: str, what: str, remedy: str) -> None:
    """Raise ValueError where a screen cannot show the image's channels."""
    *place, channels = image.shape
    if channels in SHOWN:
        return
    if data_format == "channels_last" and place[0] in SHOWN:
        remedy = 'pass data_format="channels_first"'
    elif data_format == "channels_first" and place[-1] in SHOWN:
        remedy = 'pass data_format="channels_last"'
    raise ValueError(f"{what} has {channels} channels, and 1, 3 or 4 can be shown: {remedy}")


def sheet(image: Array) -> Array:
    """An image (height, width, channels) as it is; of a volume its slices beneath each other."""
    return image if image.ndim == 3 else volumes.sheet(image)


def flat(values: Array) -> Array:
    """A map or mask of an image likewise: (height, width), of a volume its sheet."""
    return values if values.ndim == 2 else volumes.sheet(values)


def png(shown: Array) -> bytes:
    """PNG of an image (height, width, 1, 3 or 4), or a volume, of fractions, 0 black to 1 white."""
    pixels = np.rint(sheet(shown) * 255).astype(np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stream, "PNG")
    return stream.getvalue()


def resized(image: Array, size: Size) -> Array:
    """An image at another height and width, or a volume, by Pillow's bilinear filter; its dtype stays.

    Of volumes slice by slice, then along the depth.

    """
    if image.shape[:-1] == size:
        return image
    if image.ndim == 3:
        made = _bilinear(image, (size[0], size[1]))
    else:
        slices = [_bilinear(each, (size[1], size[2])) for each in image]
        rows = np.moveaxis(np.stack(slices), 1, 0)
        made = np.stack([_bilinear(each, (size[0], size[2])) for each in rows], 1)
    return (made if image.dtype.kind == "f" else np.rint(made)).astype(image.dtype)


def _bilinear(image: Array, size: tuple[int, int]) -> Array:
    """An image (height, width, channels) at another size: float32."""
    planes = [
        np.asarray(
            Image.fromarray(np.asarray(plane, np.float32)).resize(
                (size[1], size[0]), Image.Resampling.BILINEAR
            )
        )
        for plane in np.moveaxis(image, -1, 0)
    ]
    return np.stack(planes, -1)
