"""Boxes, polygons and files of annotations in place of masks."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tensorboard_picasso.summary import Box, Polygon, Probe, coco_regions, voc_regions
from tests.remedies import Row, X, directory, explained, probe

NAMES = ["a.png", "b.png", "c.png"]
BOX = Box(1, 1, 2, 3)
TRIANGLE = [(0, 0), (4, 0), (0, 4)]
IMAGES = [{"id": k, "file_name": name, "height": 6, "width": 6} for k, name in enumerate(NAMES)]
CATS = [{"image_id": k, "category_id": 1, "bbox": [1, 1, 3, 2]} for k in range(3)]
INSTANCES = {"images": IMAGES, "annotations": CATS, "categories": [{"id": 1, "name": "cat"}]}


def drawn(given):
    return {"regions": {"r": given}}


def coco(contents, names=NAMES, images=X, **options):
    """A probe with the regions of such a file."""

    def made():
        path = Path(directory()) / "instances.json"
        path.write_text(contents if isinstance(contents, str) else json.dumps(contents))
        return Probe("p", images, regions=coco_regions(path, names, **options))

    return made


def works(make):
    def right():
        found = make()
        assert found.regions[0]["cat"].any()
        explained(found)

    return right


def with_parts(**parts):
    return {**INSTANCES, **parts}


def voc(
    text=None,
    names=NAMES,
    images=X,
    labels=None,
    size="<size><height>6</height><width>6</width></size>",
    folder="Annotations",
    **options,
):
    def made():
        root = Path(directory())
        (root / "Annotations").mkdir()
        box = "<bndbox><xmin>2</xmin><ymin>2</ymin><xmax>4</xmax><ymax>4</ymax></bndbox>"
        cat = f"<annotation>{size}<object><name>cat</name>{box}</object></annotation>"
        for name in NAMES:
            (root / "Annotations" / name).with_suffix(".xml").write_text(
                cat if text is None else text
            )
        if labels is not None:
            (root / "SegmentationObject").mkdir()
            for name in NAMES:
                Image.fromarray(labels).save(root / "SegmentationObject" / name)
        return Probe("p", images, regions=voc_regions(root / folder, names, **options))

    return made


def labelled(side):
    labels = np.zeros((side, side), np.uint8)
    labels[1:4, 1:4] = 1
    return labels


WIDE = np.repeat(np.repeat(X, 2, axis=1), 2, axis=2)
COCO, VOC = works(coco(INSTANCES)), works(voc())
TWICE = [*IMAGES, {"id": 3, "file_name": "other/a.png", "height": 6, "width": 6}]
ELSEWHERE = [{"image_id": 0, "category_id": 1, "bbox": [9, 9, 3, 2]}]

ROWS = [
    Row("has no area: pass a height and a width above 0", lambda: Box(0, 0, 0, 1), lambda: explained(Probe("p", X, regions={"r": BOX}))),
    Row("of a box is 'a': pass a number", lambda: Box("a", 0, 1, 1), lambda: Box(1, 0, 1, 1)),
    Row("of a box is inf: pass a finite number", lambda: Box(0, 0, float("inf"), 1), lambda: Box(0, 0, 1, 1)),
    Row(r"of a polygon of type int: pass \[\(x, y\), …\]", lambda: Polygon(3), lambda: Polygon(TRIANGLE)),
    Row("a polygon of 2 points: pass three", lambda: Polygon(TRIANGLE[:2]), lambda: Polygon(TRIANGLE)),
    Row(r"has the point 0: pass \(x, y\)", lambda: Polygon([0, 0, 4, 0]), lambda: Polygon(TRIANGLE)),
    probe("reaches beyond the image, 6 x 6: give it in pixels of the viewed", drawn(Box(4, 4, 3, 3)), drawn(Box(4, 4, 2, 2))),
    probe("has 2 shapes for 3 images: pass one, or a list of shapes, each", drawn([BOX] * 2), drawn([BOX, [BOX, Polygon(TRIANGLE)], BOX])),
    Row("annotates it at 6 x 6, and it is viewed at 12 x 12: pass resized=True", coco(INSTANCES, images=WIDE), lambda: coco(INSTANCES, images=WIDE, resized=True)().regions[0]["cat"].any()),
    Row("does not say what size it annotates: leave out resized=True and pass images of that size", voc(size="", images=WIDE, resized=True), works(voc(size=""))),
    Row("are of 2 images, the probe has 3: pass the names of its images, in their order", coco(INSTANCES, NAMES[:2]), COCO),
    Row("has no object on the 3 images of the probe that is a part of one: pass images that it annotates", coco(with_parts(annotations=ELSEWHERE)), COCO),
    Row("images='a.png': pass a list, one file name an image", coco(INSTANCES, "a.png"), COCO),
    Row("categories='cat': pass a list of names", coco(INSTANCES, categories="cat"), works(coco(INSTANCES, categories=["cat"]))),
    Row("has no category 'dog': pass some of cat", coco(INSTANCES, categories=["dog"]), works(coco(INSTANCES, categories=["cat"]))),
    Row("knows none of the 3 images, such as 0.png: pass their file names or ids as they are there", coco(INSTANCES, ["0.png"] * 3), works(coco(INSTANCES, range(3)))),
    Row("no JSON .*: pass COCO's instances file", coco("{"), COCO),
    Row("has no list 'images': pass an instances file of COCO's format", coco("{}"), COCO),
    Row("give height and width", coco(with_parts(images=[{"id": 0, "file_name": "a.png"}])), COCO),
    Row("is of image 1, which is not there: give all images", coco(with_parts(images=IMAGES[:1])), COCO),
    Row("is of category 1, which is not there: give all categories", coco(with_parts(categories=[])), COCO),
    Row("category has id None: give a whole number", coco(with_parts(categories=[{"name": "cat"}])), COCO),
    Row("image 1.5: pass a file name or an id", coco(INSTANCES, [1.5, 1, 2]), works(coco(INSTANCES, range(3)))),
    Row("has 2 images 'a.png': pass their ids", coco(with_parts(images=[{**TWICE[0], "file_name": "one/a.png"}, *TWICE[1:]])), works(coco(with_parts(images=TWICE), [0, 1, 2]))),
    Row("has no object of cat on these 3 images: pass images that it annotates", coco(with_parts(annotations=[])), COCO),
    Row("is no folder: pass VOC's folder Annotations", voc(folder="JPEGImages"), VOC),
    Row("knows none of the 3 images, such as 0.png: pass their file names, as those of the XML", voc(names=["0.png"] * 3), VOC),
    Row("its root is <html>: pass a folder of VOC's annotations", voc("<html></html>"), VOC),
    Row("give a segmentation of its size", voc(labels=labelled(8)), works(voc(labels=labelled(6)))),
    Row("has no object on these 3 images: pass images that it annotates", voc("<annotation></annotation>"), VOC),
]  # fmt: skip
