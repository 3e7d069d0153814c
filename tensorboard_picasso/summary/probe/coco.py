"""Objects of COCO's annotation files as regions."""

import json
import operator
from collections.abc import Sequence
from os import PathLike
from pathlib import Path, PurePath
from typing import Any

from tensorboard_picasso.summary.probe.annotations import (
    Annotated,
    Annotations,
    asked,
    counted,
    tell,
    unknown,
    wanted,
)
from tensorboard_picasso.summary.probe.runs import runs
from tensorboard_picasso.summary.probe.shapes import Box, Polygon, Shape


def coco_regions(
    annotations: str | PathLike[str],
    images: Any,
    *,
    categories: Any = None,
    resized: bool = False,
) -> Annotations:
    """Regions from an annotation file of COCO's format: each category's objects, an image.

    All objects of a category in an image are one region, named for it: polygons, run
    lengths, compressed or not, and boxes where an object has no segmentation. Of polygons a
    pixel is inside where its centre is, as of `Polygon`.

    Left out, and said in a line: regions of crowds (`iscrowd`), what has no pixel or is the
    whole image, images that the file does not know.

    Args:
      annotations: a JSON file such as `instances_val2017.json`.
      images: of each image of the probe its file name, with or without folders, or its id in
        the file; None where it has none. `probe.names` are file names where images were files.
      categories: names of those that are wanted; default: all that lie on these images.
      resized: whether the images are viewed in another size than they were annotated in, each
        resized as a whole.

    Returns:
      What `regions=` of `Probe`, and `with_regions`, take.

    Raises:
      TypeError, ValueError: the file is none of COCO's, or has nothing on these images.
      OSError: it cannot be read.

    References:
      The format: https://cocodataset.org/#format-data.

    Example:
        import json
        from pathlib import Path

        square = [[2, 2, 6, 2, 6, 6, 2, 6]]
        contents = {
            "images": [{"id": 7, "file_name": "a.png", "height": 28, "width": 28}],
            "categories": [{"id": 1, "name": "cat"}],
            "annotations": [{"image_id": 7, "category_id": 1, "segmentation": square}],
        }
        Path("instances.json").write_text(json.dumps(contents))
        regions = summary.coco_regions("instances.json", ["a.png"])
        probe = summary.Probe("p", np.zeros((1, 28, 28, 1)), regions=regions)
        assert probe.regions[0]["cat"].sum() == 16
    """
    file = _File(Path(annotations))
    names = asked(images)
    chosen = file.chosen(wanted(categories))
    found = {index: file.find(name) for index, name in enumerate(names)}
    missing = [names[index] for index, image in found.items() if image is None]
    given = [name for name in names if name is not None]
    lacks = unknown(
        file.source,
        [name for name in missing if name is not None],
        len(given),
        "pass their file names or ids as they are there",
    )
    objects: dict[str, dict[int, list[Shape]]] = {}
    crowds = empty = 0
    for index, image in found.items():
        for each in file.on(image):
            name = file.category(each)
            if name not in chosen:
                continue
            if each.get("iscrowd"):
                crowds += 1
                continue
            shapes = file.shapes(each)
            empty += not shapes
            size = file.sizes[each["image_id"]]
            on = objects.setdefault(name, {}).setdefault(index, [])
            on += [Annotated(shape, file.source, size, resized) for shape in shapes]
    kept = {
        name: {index: shapes for index, shapes in by_image.items() if shapes}
        for name, by_image in sorted(objects.items())
    }
    kept = {name: by_image for name, by_image in kept.items() if by_image}
    left = [lacks, counted(crowds, "crowd region", "(iscrowd)")]
    tell(file.source, [*left, counted(empty, "object", "without an area")])
    if not kept:
        raise ValueError(
            f"{file.source} has no object of {', '.join(sorted(chosen)[:4])} on these"
            f" {len(names)} images: pass images that it annotates"
        )
    return Annotations(file.source, len(names), kept)


class _File:
    """An annotation file, and its images and objects by id.

    categories: names by id. sizes: height and width by image.
    """

    def __init__(self, path: Path) -> None:
        self.source = path.name
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as e:  # of JSON, and of bytes that are no text
            raise ValueError(f"{path}: no JSON ({e}): pass COCO's instances file") from None
        for part in ("images", "annotations", "categories"):
            if not isinstance(held, dict) or not isinstance(held.get(part), list):
                raise ValueError(
                    f"{path} has no list {part!r}: pass an instances file of COCO's format"
                )
        self.categories: dict[int, str] = {}
        for each in held["categories"]:
            number, name = self._id(each, "category"), each.get("name")
            if not isinstance(name, str) or not name:
                raise self._wrong(f"category {number} has no name", "mend the file")
            self.categories[number] = name
        self._by_name: dict[str, list[tuple[str, int]]] = {}
        self.sizes: dict[int, tuple[int, int]] = {}
        for each in held["images"]:
            number = self._id(each, "image")
            name = str(each.get("file_name", "")).replace("\\", "/")
            size = each.get("height"), each.get("width")
            if not all(isinstance(side, int) and side > 0 for side in size):
                raise self._wrong(f"image {number} is of size {size!r}", "give height and width")
            self.sizes[number] = size
            self._by_name.setdefault(PurePath(name).name, []).append((name, number))
        self._objects: dict[int, list[dict[str, Any]]] = {}
        for place, each in enumerate(held["annotations"]):
            image = each.get("image_id") if isinstance(each, dict) else None
            if type(image) is not int or image not in self.sizes:
                raise self._wrong(
                    f"annotation {place} is of image {image!r}, which is not there",
                    "give all images",
                )
            self._objects.setdefault(image, []).append(each)

    def find(self, image: Any) -> int | None:
        """The id of an image by its file name or id; None where it is not there."""
        if image is None:
            return None
        if not isinstance(image, str | PathLike):
            try:
                number = operator.index(image)
            except TypeError:
                raise TypeError(f"image {image!r}: pass a file name or an id") from None
            return number if number in self.sizes else None
        path = str(image).replace("\\", "/")
        same = self._by_name.get(PurePath(path).name, [])
        # Names may repeat in folders: those that are there as a whole go first.
        whole = [each for each in same if f"/{path}".endswith(f"/{each[0]}")]
        found = whole or same
        if len(found) > 1:
            raise ValueError(f"{self.source} has {len(found)} images {path!r}: pass their ids")
        return found[0][1] if found else None

    def chosen(self, wanted: list[str] | None) -> set[str]:
        """The names of the categories that are asked for; None: all."""
        known = set(self.categories.values())
        for name in wanted or ():
            if name not in known:
                some = ", ".join(sorted(known)[:8])
                raise ValueError(f"{self.source} has no category {name!r}: pass some of {some}")
        return known if wanted is None else set(wanted)

    def on(self, image: int | None) -> list[dict[str, Any]]:
        """The objects of an image; none where it is not there."""
        return [] if image is None else self._objects.get(image, [])

    def category(self, annotation: dict[str, Any]) -> str:
        """The name of an object's category."""
        number = annotation.get("category_id")
        if type(number) is not int or number not in self.categories:
            raise self._wrong(
                f"{self._name(annotation)} is of category {number!r}, which is not there",
                "give all categories",
            )
        return self.categories[number]

    def shapes(self, annotation: dict[str, Any]) -> list[Shape]:
        """What an object is made of; none where it has no area."""
        segmentation = annotation.get("segmentation")
        try:
            if isinstance(segmentation, dict):
                held = runs(segmentation)
                if held.size != self.sizes[annotation["image_id"]]:
                    raise ValueError(f"run lengths of another size, {held.size}")
                return [held]
            if segmentation:
                return [shape for each in segmentation for shape in _polygon(each)]
            return _box(annotation.get("bbox"))
        except (ValueError, TypeError, OverflowError) as e:
            raise self._wrong(
                f"{self._name(annotation)} has {e}", "mend it, or leave it out of the file"
            ) from None

    def _name(self, annotation: dict[str, Any]) -> str:
        number = annotation.get("id")
        return (
            f"an annotation of image {annotation['image_id']}"
            if number is None
            else (f"annotation {number}")
        )

    def _id(self, each: Any, what: str) -> int:
        number = each.get("id") if isinstance(each, dict) else None
        if type(number) is not int:
            raise self._wrong(f"{what} has id {number!r}", "give a whole number")
        return number

    def _wrong(self, what: str, remedy: str) -> ValueError:
        return ValueError(f"{self.source}: {what}: {remedy}")


def _polygon(given: Any) -> list[Shape]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) % 2:
        raise ValueError(f"the polygon {given!r:.40}, no x, y, x, y, …")
    x, y = (list(map(float, given[start::2])) for start in (0, 1))
    # Files have some of two points, which have no area.
    return [Polygon(list(zip(x, y, strict=True)))] if len(x) > 2 else []


def _box(given: Any) -> list[Shape]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 4:
        raise ValueError(f"no segmentation, and the box {given!r:.40}, no x, y, width, height")
    x, y, width, height = (float(each) for each in given)
    return [Box(y, x, height, width)] if height > 0 and width > 0 else []
