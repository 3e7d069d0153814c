"""Objects of Pascal VOC's annotation files as regions."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePath
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from tensorboard_picasso.summary.probe.annotations import (
    Annotated,
    Annotations,
    asked,
    counted,
    tell,
    unknown,
    wanted,
)
from tensorboard_picasso.summary.probe.shapes import Box, Mask, Shape

# Where segmentations lie, beside the folder of annotations.
SEGMENTATIONS = "SegmentationObject"
# The mark of pixels at the edge of objects, which belong to none.
VOID = 255
# How much of the union of both an object's box and the extent of its pixels share at least.
ALIKE = 0.5


def voc_regions(
    annotations: str | PathLike[str],
    images: Any,
    *,
    categories: Any = None,
    resized: bool = False,
) -> Annotations:
    """Regions from a folder of annotations in Pascal VOC's format: each category's objects, an image.

    All objects of a category in an image are one region, named for it: the pixels that
    `SegmentationObject`, beside the folder, has of an object where it has the image, else its
    box. Pixels are an object's whose box they fill; those at edges (255) are nobody's.

    Left out, and said in a line: objects marked `difficult`, what is the whole image, images
    without a file, masks that fill no box.

    Args:
      annotations: the folder `Annotations`, of an XML file an image.
      images: of each image of the probe its file name, with or without folders and ending; None
        where it has none. `probe.names` are file names where images were files.
      categories: names of those that are wanted; default: all that lie on these images.
      resized: whether the images are viewed in another size than they were annotated in, each
        resized as a whole.

    Returns:
      What `regions=` of `Probe`, and `with_regions`, take.

    Raises:
      TypeError, ValueError: a file is none of VOC's, or there is nothing on these images.
      OSError: one cannot be read.

    References:
      The format: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/.

    Example:
        from pathlib import Path

        box = "<bndbox><xmin>3</xmin><ymin>3</ymin><xmax>6</xmax><ymax>6</ymax></bndbox>"
        size = "<size><height>28</height><width>28</width></size>"
        text = f"<annotation>{size}<object><name>cat</name>{box}</object></annotation>"
        Path("Annotations").mkdir()
        Path("Annotations/a.xml").write_text(text)
        regions = summary.voc_regions("Annotations", ["a.jpg"])
        probe = summary.Probe("p", np.zeros((1, 28, 28, 1)), regions=regions)
        assert probe.regions[0]["cat"].sum() == 16
    """
    folder = Path(annotations)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: pass VOC's folder Annotations")
    source = folder.name or str(folder)
    names = asked(images)
    files = {
        index: _File(_beside(folder, name)) for index, name in enumerate(names) if name is not None
    }
    missing = [names[index] for index, file in files.items() if not file.path.is_file()]
    lacks = unknown(source, missing, len(files), "pass their file names, as those of the XML")
    objects: dict[str, dict[int, list[Shape]]] = {}
    held = {index: file.objects() for index, file in files.items() if file.path.is_file()}
    chosen = wanted(categories)
    difficult = 0
    for index, found in held.items():
        for each in found:
            if chosen is not None and each.name not in chosen:
                continue
            if each.difficult:
                difficult += 1
                continue
            shape = Annotated(each.shape, files[index].path.name, files[index].size, resized)
            objects.setdefault(each.name, {}).setdefault(index, []).append(shape)
    unlike = counted(sum(file.unlike for file in files.values()), "mask", "that fills no box")
    tell(source, [lacks, counted(difficult, "object", "marked difficult"), unlike])
    if not objects:
        of = "" if chosen is None else f" of {', '.join(chosen[:4])}"
        raise ValueError(
            f"{folder} has no object{of} on these {len(names)} images: pass images that it annotates"
        )
    return Annotations(source, len(names), dict(sorted(objects.items())))


@dataclass(frozen=True)
class _Pixels(Shape):
    """Those pixels of an object that a segmentation has."""

    inside: Mask

    def mask(self, height: int, width: int) -> Mask:
        """As `Shape.mask`; the image is of the segmentation's size."""
        return self.inside


@dataclass(frozen=True)
class _Object:
    name: str
    difficult: bool
    shape: Shape


def _beside(folder: Path, image: Any) -> Path:
    """The file of an image, whose name may come without ending."""
    name = PurePath(str(image)).name
    whole = folder / f"{name}.xml"
    return whole if whole.is_file() else folder / f"{PurePath(name).stem}.xml"


class _File:
    """One image's annotations.

    size: height and width, None where the file does not say; known once `objects` were read.
    unlike: how many objects of the segmentation fill no box.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size: tuple[int, int] | None = None
        self.unlike = 0

    def objects(self) -> list[_Object]:
        """All that are marked in the image."""
        try:
            root = ElementTree.parse(self.path).getroot()
        except ElementTree.ParseError as e:
            raise self._wrong(f"no XML ({e})", "mend it, or leave the image out") from None
        if root.tag != "annotation":
            raise self._wrong(f"its root is <{root.tag}>", "pass a folder of VOC's annotations")
        size = root.find("size")
        if size is not None:
            sides = int(self._number(size, "height")), int(self._number(size, "width"))
            self.size = sides if min(sides) > 0 else None  # some files say 0
        found = root.findall("object")
        boxes = [self._box(each) for each in found]
        pixels = self._pixels(boxes)
        return [
            _Object(self._name(each), self._difficult(each), pixels.get(place, box))
            for place, (each, box) in enumerate(zip(found, boxes, strict=True))
        ]

    def _name(self, of: ElementTree.Element) -> str:
        name = (of.findtext("name") or "").strip()
        if not name:
            raise self._wrong("an object has no <name>", "mend it, or leave the image out")
        return name

    def _difficult(self, of: ElementTree.Element) -> bool:
        return (of.findtext("difficult") or "0").strip() not in ("", "0")

    def _box(self, of: ElementTree.Element) -> Box:
        box = of.find("bndbox")
        if box is None:
            raise self._wrong("an object has no <bndbox>", "mend it, or leave the image out")
        left, top, right, bottom = (
            self._number(box, each) for each in ("xmin", "ymin", "xmax", "ymax")
        )
        if right < left or bottom < top:
            raise self._wrong(
                f"a <bndbox> ends at {right:g}, {bottom:g} before it begins at {left:g}, {top:g}",
                "mend it, or leave the image out",
            )
        # Its pixels are counted from 1, and the last ones are inside.
        return Box(top - 1, left - 1, bottom - top + 1, right - left + 1)

    def _number(self, of: ElementTree.Element, tag: str) -> float:
        text = of.findtext(tag)
        try:
            number = float(text or "")
        except ValueError:
            number = np.nan
        if not np.isfinite(number):
            raise self._wrong(f"<{tag}> is {text!r}", "mend it, or leave the image out")
        return number

    def _pixels(self, boxes: list[Box]) -> dict[int, _Pixels]:
        """The pixels of those objects that the segmentation has, by their place."""
        path = self.path.parent.parent / SEGMENTATIONS / f"{self.path.stem}.png"
        if not path.is_file() or not boxes:
            return {}
        with Image.open(path) as image:
            labels = np.asarray(image)
        if labels.ndim != 2:
            raise self._wrong(f"{path} is no palette of objects", "save it in mode P")
        if self.size not in (None, labels.shape):
            raise self._wrong(
                f"{path} is {labels.shape[0]} x {labels.shape[1]}, the image is not",
                "give a segmentation of its size",
            )
        self.size = (labels.shape[0], labels.shape[1])
        found: dict[int, Mask] = {}
        for label in np.unique(labels):
            if label in (0, VOID):
                continue
            inside = labels == label
            alike = [_alike(inside, box) for box in boxes]
            place = int(np.argmax(alike))
            if alike[place] < ALIKE:
                self.unlike += 1
                continue
            found[place] = found.get(place, np.zeros_like(inside)) | inside
        return {place: _Pixels(inside) for place, inside in found.items()}

    def _wrong(self, what: str, remedy: str) -> ValueError:
        return ValueError(f"{self.path}: {what}: {remedy}")


def _alike(inside: Mask, box: Box) -> float:
    """Intersection over union of a box with the extent of pixels."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    high = min(bottom, box.top + box.height) - max(top, box.top)
    wide = min(right, box.left + box.width) - max(left, box.left)
    if high <= 0 or wide <= 0:
        return 0.0
    both = high * wide
    return float(both / ((bottom - top) * (right - left) + box.height * box.width - both))
