"""Pictures of a probe: its images as viewed, and what a screen shows of them."""

import hashlib
import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from tensorboard_picasso.summary.kit import images, report
from tensorboard_picasso.summary.kit.images import Array, Size, are_tensors, layout
from tensorboard_picasso.summary.probe import fills
from tensorboard_picasso.summary.probe.brightness import Brightness


class Pictures:
    """The images that are kept of those that were handed in.

    Attributes:
      given: how many were handed in.
      images: viewed images, tuple of (height, width, channels) arrays; or volumes, (depth, height,
        width, channels).
      names: tuple of str.
      data_format, format_given: as it is, and as it was handed in.
      flat, tensors: whether they came without an axis of channels, as PyTorch's tensors.

    Raises:
      TypeError, ValueError: they are no images of one kind, or names are not theirs.
    """

    def __init__(
        self, probe: str, given: Any, data_format: str | None, names: Any, most: int
    ) -> None:
        self.data_format, self.format_given = layout(given, data_format), data_format
        self.tensors = are_tensors(given)
        batch = images.one_by_one(given, self.data_format)
        self.given = len(batch)
        if self.given > most:
            report.tell(
                f"{probe}: max_images",
                f'probe "{probe}" keeps {most} of {self.given} images (each one is occluded'
                f" at every record); max_images={self.given} keeps all",
            )
        kept = list(batch[:most])
        self.images = tuple(
            images.viewed(image, self.data_format, f"image {index}")
            for index, image in enumerate(kept)
        )
        first = self.images[0]
        for index, image in enumerate(self.images):
            if image.ndim != first.ndim:
                raise ValueError(
                    f"image {index} has shape {image.shape}, image 0 {first.shape}: pass pictures or"
                    " volumes, each to a probe of their own"
                )
            if (image.shape[-1], image.dtype) != (first.shape[-1], first.dtype):
                raise ValueError(
                    f"image {index} has {image.shape[-1]} channels of {image.dtype}, image 0"
                    f" {first.shape[-1]} of {first.dtype}: bring them to one kind"
                )
        self.flat = not any(images.has_channels(each) for each in kept)
        if names is None:
            self.names = _file_names(kept)
        elif isinstance(names, str) or len(names) != self.given:
            raise ValueError(f"names={names!r} for {self.given} images: pass one each")
        else:
            self.names = tuple(str(each) for each in names[: len(kept)])

    @property
    def shapes(self) -> list[Size]:
        """Height and width of each; of volumes depth, height and width."""
        return [image.shape[:-1] for image in self.images]

    @property
    def volumes(self) -> bool:
        """Whether they are volumes."""
        return self.images[0].ndim == 4

    def depth(self, index: int) -> int:
        """How many slices a volume has; 0 of a picture."""
        return len(self.images[index]) if self.volumes else 0

    def sheet(self, index: int) -> tuple[int, int]:
        """Height and width of one; of a volume those of its slices beneath each other."""
        *rows, width = self.shapes[index]
        return math.prod(rows), width


class Display:
    """What is shown of pictures, and how bright their values are.

    Attributes:
      own: whether the images themselves are shown.
      brightness: of the images' own values.
      pngs: tuple of bytes.
      hashes: 16-byte digest of each image and of what is shown of it.

    Raises:
      TypeError, ValueError: that cannot be shown.
    """

    def __init__(self, pictures: Pictures, given: Any, value_range: Any, normalized: Any) -> None:
        self._images, self.own = pictures.images, given is None
        self.brightness = Brightness(self._images, value_range, normalized, shown=self.own)
        shown, brightness = self._images, self.brightness
        if self.own:
            images.check_shown(shown[0], pictures.data_format, "image 0", _remedy(pictures))
        else:
            shown = _instead(pictures, given)
            brightness = Brightness(shown, what="display pixels", own=False)
        self.pngs = tuple(images.png(brightness.shown(image)) for image in shown)
        self.hashes = tuple(
            _digest(image, png) for image, png in zip(self._images, self.pngs, strict=True)
        )

    def filled(self, index: int, fill: Any) -> Array:
        """See `Probe.filled`."""
        image = self._images[index]
        plain = fills.check(fill, image.shape[-1], image.dtype)
        return fills.filled(image, plain, self.brightness, self.hashes[index])


def _remedy(pictures: Pictures) -> str:
    """What can be done where a screen cannot show the images' channels."""
    remedy = "pass display= (what to show instead)"
    if pictures.volumes or pictures.images[0].shape[-1] <= max(images.SHOWN):
        return remedy
    axis = "images[:, None]" if pictures.data_format == "channels_first" else "images[..., None]"
    return f"{remedy}, or where they are volumes {axis}"


def _instead(pictures: Pictures, display: Any) -> tuple[Array, ...]:
    """Images of the same sizes that are shown in place of pictures."""
    data_format = layout(display, pictures.format_given)
    batch = images.one_by_one(display, data_format, "display")
    if len(batch) != pictures.given:
        raise ValueError(f"display has {len(batch)} images for {pictures.given}: pass one each")
    result = []
    for index, (image, value) in enumerate(zip(pictures.images, batch, strict=False)):
        what = f"display image {index}"
        shown = images.viewed(value, data_format, what)
        images.check_shown(shown, data_format, what, "pass grey, RGB or RGBA")
        if shown.shape[:-1] != image.shape[:-1]:
            sizes = [" x ".join(map(str, each.shape[:-1])) for each in (shown, image)]
            raise ValueError(f"{what} is {sizes[0]}, its image {sizes[1]}: pass the same size")
        result.append(shown)
    return tuple(result)


def _file_names(kept: Sequence[Any]) -> tuple[str, ...]:
    if all(isinstance(each, str | PathLike) for each in kept):
        return tuple(Path(each).name for each in kept)
    return tuple(str(index) for index in range(len(kept)))


def _digest(image: Array, png: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{image.dtype.str} {image.shape}".encode())
    digest.update(image.tobytes())
    digest.update(png)
    return digest.digest()
