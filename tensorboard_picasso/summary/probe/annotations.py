"""Objects that a file of annotations has on a probe's images, a region a category."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import PurePath
from typing import Any

import numpy as np

from tensorboard_picasso.summary.kit import report
from tensorboard_picasso.summary.probe.shapes import Mask, Shape, drawn

Size = tuple[int, int]


@dataclass(frozen=True)
class Annotated(Shape):
    """A shape as a file has it, on an image of the size that the file says.

    source: the file. size: height and width that the image was annotated at, None: not known.
    resized: whether the viewed image may have another size, the whole image resized.
    """

    shape: Shape
    source: str
    size: Size | None
    resized: bool

    def mask(self, height: int, width: int) -> Mask:
        """As `Shape.mask`; what lies beyond the image is no part of it."""
        if self.size is None and self.resized:
            raise ValueError(
                f"{self.source} does not say what size it annotates: leave out resized=True and"
                " pass images of that size"
            )
        of = self.size or (height, width)
        inside = self.shape.clipped(*of)
        if of == (height, width):
            return inside
        if not self.resized:
            raise ValueError(
                f"{self.source} annotates it at {of[0]} x {of[1]}, and it is viewed at {height} x"
                f" {width}: pass resized=True where it was resized as a whole, else masks"
            )
        rows, columns = (
            np.floor((np.arange(side) + 0.5) * annotated / side).astype(int)
            for side, annotated in ((height, of[0]), (width, of[1]))
        )
        viewed: Mask = inside[np.ix_(rows, columns)]
        return viewed


class Annotations(dict[str, dict[int, list[Shape]]]):
    """{category: {index of the image: its objects}}, to pass as `regions=`.

    A probe leaves out, and says so, what has no pixel in its image or is all of it, and is silent
    of images that it does not keep: a file is as it is.

    source: the file. count: of the images that were asked about.
    """

    def __init__(
        self, source: str, count: int, objects: Mapping[str, dict[int, list[Shape]]]
    ) -> None:
        super().__init__(objects)
        self.source, self.count = source, count

    def masks(self, shapes: Sequence[tuple[int, ...]], count: int) -> tuple[dict[str, Mask], ...]:
        """One {category: mask} an image that is kept.

        Args:
          shapes: height and width of these. count: of the images that were handed in.

        Raises:
          ValueError: these are other images, or volumes, or no object lies on them.
        """
        if len(shapes[0]) > 2:
            raise ValueError(
                f"{self.source} annotates pictures, and the probe has volumes: pass masks (depth,"
                " height, width)"
            )
        if count != self.count:
            raise ValueError(
                f"regions of {self.source} are of {self.count} images, the probe has {count}: pass"
                " the names of its images, in their order"
            )
        result: tuple[dict[str, Mask], ...] = tuple({} for _ in shapes)
        none = whole = 0
        for name, index, objects in self._on(len(shapes)):
            try:
                mask = drawn(objects, shapes[index][0], shapes[index][1])
            except ValueError as e:
                raise ValueError(f"region {name!r} of image {index}: {e}") from None
            if mask.any() and not mask.all():
                mask.setflags(write=False)
                result[index][name] = mask
            elif mask.any():
                whole += 1
            else:
                none += 1
        if not any(result):
            raise ValueError(
                f"{self.source} has no object on the {len(shapes)} images of the probe that is a"
                " part of one: pass images that it annotates"
            )
        tell(
            self.source,
            [counted(none, "region", "without a pixel"), counted(whole, "region", "of all pixels")],
        )
        return result

    def _on(self, kept: int) -> Iterator[tuple[str, int, list[Shape]]]:
        for name, by_image in self.items():
            for index, objects in by_image.items():
                if index < kept:
                    yield name, index, objects


def counted(count: int, noun: str, what: str) -> str:
    """So many of these; nothing for none."""
    return f"{count} {noun}{'' if count == 1 else 's'} {what}" if count else ""


def tell(source: str, left_out: Sequence[str]) -> None:
    """Say in a line what of a file is left out; once for the same."""
    said = ", ".join(each for each in left_out if each)
    if said:
        report.tell(f"annotations {source} {said}", f"{source}: left out {said}")


def asked(images: Any) -> list[Any]:
    """The names of images as they were handed in, one each.

    Raises:
      TypeError: this is no list of names.
    """
    if isinstance(images, str | PathLike) or not hasattr(images, "__iter__"):
        raise TypeError(f"images={images!r}: pass a list, one file name an image")
    return list(images)


def wanted(categories: Any) -> list[str] | None:
    """The categories that are asked for; None: all.

    Raises:
      TypeError: this is no list of names.
    """
    if categories is None:
        return None
    if isinstance(categories, str) or not hasattr(categories, "__iter__"):
        raise TypeError(f"categories={categories!r}: pass a list of names")
    return list(categories)


def unknown(source: str, missing: Sequence[Any], count: int, remedy: str) -> str:
    """What is said of images that a file does not know.

    Raises:
      ValueError: it knows none.
    """
    if not missing:
        return ""
    first = PurePath(str(missing[0])).name
    if len(missing) == count:
        raise ValueError(f"{source} knows none of the {count} images, such as {first}: {remedy}")
    more = ", …" if len(missing) > 1 else ""
    return f"{counted(len(missing), 'image', 'that it does not know')} ({first}{more})"
